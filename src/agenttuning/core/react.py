"""ReAct: a thought, then an action, in one reply (Yao et al., arXiv 2210.03629)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PARTS = re.compile(
    r"\A\s*(?:THOUGHT|Thought|Think):\s*(?P<thought>.*?)\s*(?:\n\s*(?P<action>(?:ACTION|Action):.*))?\Z", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class ReAct:
    """One reply, split."""

    thought: str
    """Empty when the reply holds none."""
    action: str
    """The rest of the reply as written, its `Action:` mark included."""


def split_react(reply: str) -> ReAct:
    """Split a reply into thought and action for display and statistics; parsers of worlds have their own rules."""
    found = _PARTS.match(reply)
    if found is None:
        return ReAct(thought="", action=reply.strip())
    return ReAct(thought=found["thought"], action=(found["action"] or "").strip())

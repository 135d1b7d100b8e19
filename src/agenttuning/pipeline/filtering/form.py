"""The form that training needs, and the thoughts that ReAct asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped, learned

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

_THOUGHT = re.compile(r"\s*(?:thought|think)\s*:\s*(?!act(?:ion)?\s*:)\S", re.IGNORECASE)
"""Opens a reply that says something before its action."""


class Form:
    """User and assistant alternate, no assistant turn is empty, and some turn is learned from."""

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        dialogue = [message for message in trajectory.messages if message.role != "system"]
        expected = ("user", "assistant") * (len(dialogue) // 2 + 1)
        if any(message.role != role for message, role in zip(dialogue, expected, strict=False)):
            return dropped("roles do not alternate")
        if any(not message.content.strip() for message in dialogue if message.role == "assistant"):
            return dropped("empty assistant turn")
        if not any(message.train for message in dialogue):
            return dropped("no turn to learn from")
        return KEPT


@dataclass(frozen=True, slots=True)
class Thoughts:
    """At least a share of the learned turns think before they act."""

    least: float

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        replies = [message.content for message in learned(trajectory)]
        thinking = sum(_THOUGHT.match(reply) is not None for reply in replies)
        return dropped("too few thoughts") if thinking < self.least * len(replies) else KEPT

"""Text that was cut: observations with a mark of it, episodes that ran out of context."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agenttuning.core.records import Stop
from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

_MARK = re.compile(
    r"\[\s*truncated\b[^\]\n]*\]|<\s*truncated\s*>|\.\.\.\s*\(?truncated\)?|output (?:is|was) too long", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Uncut:
    """At most a share of the observations are cut, and the episode did not end for want of context."""

    most: float

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        if trajectory.stop is Stop.CONTEXT:
            return dropped("out of context")
        shown = [message.content for message in trajectory.messages if message.role == "user"]
        cut = sum(_MARK.search(text) is not None for text in shown)
        return dropped("cut observations") if cut > self.most * len(shown) else KEPT

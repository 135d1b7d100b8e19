"""How the episode went: did both sides hold, is the reward high enough, were the actions ones that the world knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.core.records import Trajectory


class Finished:
    """No side of the episode broke."""

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        return dropped(f"{trajectory.failure.side} failed") if trajectory.failure else KEPT


@dataclass(frozen=True, slots=True)
class Reward:
    """The reward reaches the world's threshold (paper, section 2.3)."""

    threshold: float
    thresholds: Mapping[str, float]

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        least = self.thresholds.get(trajectory.environment, self.threshold)
        return dropped("reward below threshold") if trajectory.score.reward < least else KEPT


@dataclass(frozen=True, slots=True)
class ValidActions:
    """At most a share of the turns hold no valid action."""

    most: float

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        invalid = sum(not step.valid for step in trajectory.steps)
        return dropped("too many invalid actions") if invalid > self.most * len(trajectory.steps) else KEPT

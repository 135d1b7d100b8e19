"""What a rule of the filter is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.core.records import Message, Trajectory


class Verdict(NamedTuple):
    """A rule's answer."""

    kept: bool
    reason: str = ""
    """Why it was dropped; groups the rows of the reject table."""


KEPT = Verdict(kept=True)


class Rule(Protocol):
    """Judges a trajectory; rules that compare trajectories see them in the order of their keys."""

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""


def dropped(reason: str) -> Verdict:
    """Return a verdict against a trajectory."""
    return Verdict(kept=False, reason=reason)


def learned(trajectory: Trajectory) -> Iterator[Message]:
    """Yield the assistant turns that training learns from."""
    return (message for message in trajectory.messages if message.role == "assistant" and message.train)

"""One Mind2Web sample, wherever it comes from: a page, a task, what was done before, and the right next action."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One action of one task."""

    website: str
    task: str
    previous: tuple[str, ...]
    """Earlier actions, as `[role]  label -> OP: value`."""
    html: str
    positives: tuple[str, ...]
    """Node ids of the right elements."""
    negatives: tuple[str, ...]
    operation: str
    value: str
    aim: str
    """The right action in words that finish `I have to`."""

    @property
    def candidates(self) -> tuple[str, ...]:
        """All node ids that may be chosen, each once."""
        return tuple(dict.fromkeys((*self.positives, *self.negatives)))

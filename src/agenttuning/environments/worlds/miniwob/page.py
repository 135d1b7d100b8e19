"""What every page of a task offers, in whichever backend it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agenttuning.environments.worlds.miniwob.grammar import Action


@dataclass(frozen=True, slots=True)
class Verdict:
    """The page's own judgement."""

    done: bool
    raw_reward: float
    """In [-1, 1], not scaled by the time that was used; 0 until done."""


class TaskPage(Protocol):
    """One page of one episode."""

    async def open(self) -> str:
        """Load the page, start its episode and return what it asks for."""

    async def html(self) -> str:
        """Return the HTML that the agent sees."""

    async def act(self, action: Action) -> str:
        """Carry one action out; return why it could not be, or an empty string.

        Raises:
            TimeoutError: the page does not answer any more.
        """

    async def verdict(self) -> Verdict:
        """Return the judgement as it stands."""

    async def close(self) -> None:
        """Leave the page. Safe to call twice, and without `open`."""

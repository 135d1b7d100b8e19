"""What an episode asks of the world behind it, be it the simulator or the embedded laboratory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agenttuning.environments.worlds.laboratory.engine import Laboratory


@dataclass(frozen=True, slots=True)
class Seen:
    """The world after an action."""

    observation: str
    score: int
    """-100 to 100."""
    done: bool
    moves: int
    """As the world counts them."""


class Bench(Protocol):
    """One world in one episode."""

    rooms: tuple[str, ...]
    """Rooms that a door may lead to and that nobody may focus on; empty where the valid actions say so themselves."""

    async def open(self) -> tuple[str, Seen]:
        """Set the world up; return the task text and the first look around."""

    async def act(self, action: str) -> Seen:
        """Carry out any text as an action."""

    async def valid(self) -> list[str]:
        """Return the actions that the world lists as valid now."""

    async def surroundings(self) -> str:
        """Return the room and the inventory in words, without taking a move."""

    async def close(self) -> None:
        """Leave the world; safe to call twice."""


class LaboratoryBench:
    """The embedded laboratory."""

    rooms: tuple[str, ...] = ()

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory

    async def open(self) -> tuple[str, Seen]:
        """Return the goal and the first look around."""
        return self._laboratory.experiment.goal, await self.act("look around")

    async def act(self, action: str) -> Seen:
        """Carry out an action."""
        observation = self._laboratory.act(action)
        laboratory = self._laboratory
        return Seen(observation, laboratory.score, laboratory.done, laboratory.moves)

    async def valid(self) -> list[str]:
        """Return the valid actions."""
        return list(self._laboratory.actions())

    async def surroundings(self) -> str:
        """Describe room and inventory."""
        return f"{self._laboratory.look()} {self._laboratory.carried()}"

    async def close(self) -> None:
        """Nothing is held."""

"""What is asked of the ScienceWorld simulator, with a deadline on every call; one caller at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.science.bench import Seen
from agenttuning.environments.worlds.science.stops import NO_ACTION
from agenttuning.environments.worlds.science.wire import JavaError, Reference, Value, Wire, open_wire
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.science.jvm import JavaMachine

SIMPLIFICATION: Final = "easy"
_CLASS: Final = "scienceworld.runtime.pythonapi.PythonInterface"
_STRING: Final = Reference("z:java.lang.String")
_TASK_HEAD: Final = len("Task Description:\n")
_LONGEST_ACTION: Final = 1000
"""Characters of a reply that are shown to the simulator; its parser takes seconds for very long ones."""


class Simulator:
    """A connection to the simulator of a Java machine."""

    def __init__(self, wire: Wire, server: Reference, *, call_seconds: float) -> None:
        self._wire = wire
        self._server = server
        self._call_seconds = call_seconds
        self.sound = True
        """False from the moment that a call is given up or fails: the machine's state is then unknown."""

    async def load(self, name: str, variation: int, *, gold: bool = False) -> tuple[str, Seen]:
        """Set a variation up and look around; return the task text and what is seen.

        With `gold` the simulator also works out a solution, and every later load of this machine becomes slow.

        Raises:
            WorldError: the simulator broke or was late, as in every call.
        """
        await self._call("load", name, variation, SIMPLIFICATION, gold)
        await self._call("reset")
        first = await self.act("look around")
        return (await self._text("freeActionTaskDesc"))[_TASK_HEAD:], first

    async def act(self, action: str) -> Seen:
        """Carry out any text; what makes the simulator's parser throw is no known action."""
        try:
            observation = await self._text("step", action[:_LONGEST_ACTION])
        except JavaError:
            observation, self.sound = NO_ACTION, True
        score = await self._call("getScore")
        moves = await self._call("getNumMoves")
        done = await self._call("getCompleted")
        assert isinstance(score, float)
        assert isinstance(moves, int)
        percent = round(100 * score)
        return Seen(observation, percent, done is True or percent < 0, moves)

    async def valid(self) -> list[str]:
        """Return the actions that the simulator lists; it understands more than these."""
        return await self._list("getValidActionObjectCombinations")

    async def surroundings(self) -> str:
        """Return the room and the inventory in words; costs no move."""
        return f"{await self._text('freeActionLook')} {await self._text('freeActionInventory')}"

    async def gold(self) -> list[str]:
        """Return the solution of a variation that was loaded with `gold`."""
        return await self._list("getGoldActionSequence")

    async def task_names(self) -> list[str]:
        """Return the names of the 30 tasks, in the order of their numbers."""
        return await self._list("getTaskNames")

    async def variations(self, split: Literal["Train", "Dev", "Test"]) -> list[int]:
        """Return the variations of the loaded task in a split of the benchmark."""
        held = await self._held(f"getVariations{split}")
        shown = await self._text("toString", target=held)
        await self._wire.forget(held)
        return [int(number) for number in shown.strip("[]").split(", ")]

    async def _list(self, method: str) -> list[str]:
        """Fetch a Java list of strings in one line instead of one call per element."""
        held = await self._held(method)
        joined = await self._text("join", "\n", held, target=_STRING)
        await self._wire.forget(held)
        return joined.split("\n") if joined else []

    async def _held(self, method: str) -> Reference:
        found = await self._call(method)
        assert isinstance(found, Reference)
        return found

    async def _text(self, method: str, *arguments: Value, target: Reference | None = None) -> str:
        found = await self._call(method, *arguments, target=target)
        assert isinstance(found, str)
        return found

    async def _call(self, method: str, *arguments: Value, target: Reference | None = None) -> Value:
        self.sound = False
        try:
            async with asyncio.timeout(self._call_seconds):
                found = await self._wire.call(target or self._server, method, *arguments)
        except TimeoutError as error:
            raise WorldError(
                f"the ScienceWorld simulator gave no answer to {method} within {self._call_seconds:g} s"
            ) from error
        self.sound = True
        return found

    async def leave(self) -> None:
        """Close the connection; the machine goes on."""
        await self._wire.close()


async def open_simulator(machine: JavaMachine, *, call_seconds: float = 60.0) -> Simulator:
    """Connect to the simulator of a machine, which is made at the first connection.

    Raises:
        WorldError: the machine is gone.
    """
    wire = await open_wire(machine.port, machine.token)
    try:
        async with asyncio.timeout(call_seconds):
            machine.server = machine.server or await wire.construct(_CLASS)
    except BaseException:
        await wire.close()
        raise
    return Simulator(wire, machine.server, call_seconds=call_seconds)

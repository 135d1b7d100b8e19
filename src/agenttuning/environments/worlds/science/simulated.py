"""An episode in the simulator: a Java machine for itself, from its opening to its close."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.science.pool import POOL
from agenttuning.environments.worlds.science.simulator import open_simulator
from agenttuning.environments.worlds.science.snapping import ROOMS

if TYPE_CHECKING:
    from agenttuning.environments.worlds.science.bench import Seen
    from agenttuning.environments.worlds.science.jvm import JavaMachine
    from agenttuning.environments.worlds.science.simulator import Simulator


class SimulatorBench:
    """One variation of one task; raises WorldError when the simulator breaks or is late."""

    rooms: tuple[str, ...] = ROOMS

    def __init__(self, name: str, variation: int) -> None:
        self._name = name
        self._variation = variation
        self._machine: JavaMachine | None = None
        self._simulator: Simulator | None = None

    async def open(self) -> tuple[str, Seen]:
        """Wait for a free machine and load the variation.

        Raises:
            MissingExtraError: the package or Java is not installed.
        """
        self._machine = await POOL.take()
        self._simulator = await open_simulator(self._machine)
        return await self._simulator.load(self._name, self._variation)

    async def act(self, action: str) -> Seen:
        """Carry out any text as an action."""
        return await self._world.act(action)

    async def valid(self) -> list[str]:
        """Return what the simulator lists as valid."""
        return await self._world.valid()

    async def surroundings(self) -> str:
        """Return room and inventory in words."""
        return await self._world.surroundings()

    @property
    def _world(self) -> Simulator:
        assert self._simulator is not None, "open() comes first"
        return self._simulator

    async def close(self) -> None:
        """Hand the machine back, or end it where a call has not come back in order."""
        machine, self._machine = self._machine, None
        if machine is None:
            return
        sound = self._simulator is not None and self._simulator.sound
        if self._simulator is not None:
            await self._simulator.leave()
        POOL.give_back(machine, sound=sound)

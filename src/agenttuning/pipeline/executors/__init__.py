"""Executors: plays in, finished trajectories out, in any order.

| executor | worlds | language models |
| --- | --- | --- |
| `local` | in this process | in this process |
| `local` with `processes = n` | in n worker processes | in this process |
| `ray` | in Ray actors | in this process, the driver |

The driver alone holds the ledger (budget, limits, paid answers) and writes the store, so what they promise holds for
every executor, and the digests are the same: a stage's outputs are digested as sets of lines. Several machines without
Ray play shards (`executors.shards`), each with a driver of its own.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol

from agenttuning.pipeline.executors.lineup import Empty, SpareMemory, Widths, processors
from agenttuning.pipeline.executors.local import LocalExecutor
from agenttuning.pipeline.executors.seating import check_seats
from agenttuning.policies import open_model

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable

    from agenttuning.core.records import Trajectory
    from agenttuning.core.watch import Watch
    from agenttuning.pipeline.executors.crew import Worker
    from agenttuning.pipeline.executors.relay import Setup
    from agenttuning.pipeline.executors.seating import Opens, Seats
    from agenttuning.pipeline.plays import Play
    from agenttuning.policies.config import LocalConfig, OpenAIConfig, TgiConfig
    from agenttuning.policies.episode import Model
    from agenttuning.policies.ledger import Ledger

__all__ = ["Executor", "open_executor"]


class Executor(Protocol):
    """Plays episodes."""

    def play(self, plays: Iterable[Play], *, stop: Callable[[], bool]) -> AsyncGenerator[Trajectory, None]:
        """Play all, and give every trajectory as it ends; each ends exactly once, whatever dies meanwhile.

        Args:
            plays: which episodes; worlds take turns.
            stop: true when no further episode may begin.

        Raises:
            AgentTuningError: a user's mistake or a missing piece; what was given so far is finished.
        """


@asynccontextmanager
async def open_executor(
    seats: Seats, opens: Opens, *, seed: int, ledger: Ledger | None, empty: Empty, watch: Watch
) -> AsyncIterator[Executor]:
    """Open an executor with its players, and close all that it started at the end.

    Args:
        seats: how many episodes, and where.
        opens: who plays.
        seed: of the run.
        ledger: what calls over HTTP are kept in; None keeps nothing.
        empty: counts seats in which nobody sits.
        watch: is told of every episode.

    Raises:
        AgentTuningError: a model, a package or a key is missing, or the policy cannot play there.
    """
    check_seats(seats, opens)
    models: dict[int, Model] = {}

    @asynccontextmanager
    async def desk(config: OpenAIConfig | TgiConfig | LocalConfig) -> AsyncIterator[Model]:
        async with open_model(config, ledger=ledger) as model:
            models[list(opens.policies).index(config)] = model
            yield model

    async with AsyncExitStack() as stack:
        player = await stack.enter_async_context(opens.open(desk))
        if seats.here:
            widths = Widths(processors=processors(), spare=SpareMemory())
            yield LocalExecutor(player, seed=seed, widths=widths, empty=empty, watch=watch)
            return
        from agenttuning.pipeline.executors.crew import Crew, CrewExecutor
        from agenttuning.pipeline.executors.relay import Setup

        names = tuple(models[place].name if place in models else "" for place in range(len(opens.policies)))
        start, size, spare = _workers(stack, seats)
        crew = Crew(partial(start, Setup(opens, seed, names)), size=size, seats=seats.concurrency)
        await stack.enter_async_context(crew)
        widths = Widths(processors=size, spare=spare)
        yield CrewExecutor(crew, models, player, seed=seed, widths=widths, empty=empty, watch=watch)


def _workers(
    stack: AsyncExitStack, seats: Seats
) -> tuple[Callable[[Setup], Coroutine[None, None, Worker]], int, Callable[[], float]]:
    """Return how a worker is started, how many there are, and how much memory is left where they are."""
    if seats.executor == "ray":
        from agenttuning.pipeline.executors.ray_actors import cluster, start_actor

        return start_actor, stack.enter_context(cluster(seats.processes)), lambda: float("inf")
    from agenttuning.pipeline.executors.processes import start_process

    return start_process, seats.processes, SpareMemory()

"""Does the arithmetic of docs/scale.md hold? The package's own `rollouts`, stub worlds, a modelled server, no waiting.

The event loop's clock is virtual: it jumps to the next timer, so that hours of 10,000 live episodes take a minute. The
server decodes up to `batch` requests of a replica at once; a step of decoding takes `STEP_SECONDS` plus
`STEP_SECONDS_EACH` per request in it, and every call `FIXED_SECONDS` before that (network, prompt). The driver has
`CORES` cores, and every turn costs it `TURN_SECONDS` of one.

    python benchmarks/scale_simulation.py            prints predicted and simulated calls per second; 1 when 5 % apart
    python benchmarks/scale_simulation.py --write    and writes them into docs/scale.md
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import itertools
import random
import selectors
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Step
from agenttuning.core.records import Message, Reply, Score, Task
from agenttuning.core.rollout import rollouts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LIVE = (10, 100, 1_000, 10_000)
REPLICAS, BATCH = 4, 128
FIXED_SECONDS = 0.15
STEP_SECONDS, STEP_SECONDS_EACH = 0.010, 0.000_1
TOKENS = 80
"""Mean of each reply; drawn evenly between half and one and a half of it."""
CALLS = 10
CORES, TURN_SECONDS = 8, 0.009
WINDOW, CALLS_AT_LEAST = 1.0, 2_000
"""Of the time in which every live episode makes a call, or of so many calls; after as long to warm up."""
LIMIT = 0.05
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
BEGIN, END = "<!-- simulation: benchmarks/scale_simulation.py --write -->", "<!-- end of the simulation -->"


class VirtualTime(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())
        self.now = 0.0
        self._selector.select = self._jump

    def time(self) -> float:
        """Return virtual seconds."""
        return self.now

    def _jump(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += timeout or 0.0
        return []


class Replica:
    """Requests in one batch decode at one pace, which falls as the batch grows; the others wait."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(BATCH)
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._decoded = self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def decode(self, tokens: float) -> None:
        """Return when so many tokens are decoded."""
        async with self._room:
            self._settle()
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (self._decoded + tokens, next(self._numbers), done))
            self._plan()
            await done

    def _settle(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._waiting:
            self._decoded += (now - self._since) / step_seconds(len(self._waiting))
        self._since = now

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._waiting:
            left = max(self._waiting[0][0] - self._decoded, 0.0)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(left * step_seconds(len(self._waiting)), self._finish)

    def _finish(self) -> None:
        self._settle()
        while self._waiting and self._waiting[0][0] <= self._decoded + 1e-9:
            heapq.heappop(self._waiting)[2].set_result(None)
        self._plan()


class Machine:
    """The server's replicas and the driver's cores, and what was done on them."""

    def __init__(self) -> None:
        self._replicas = [Replica() for _ in range(REPLICAS)]
        self._turn = itertools.cycle(self._replicas)
        self._cores = asyncio.Semaphore(CORES)
        self._random = random.Random(0)
        self.ended: list[float] = []

    async def call(self) -> None:
        """Make one call."""
        await asyncio.sleep(FIXED_SECONDS)
        await next(self._turn).decode(self._random.uniform(0.5, 1.5) * TOKENS)
        self.ended.append(asyncio.get_running_loop().time())

    async def work(self) -> None:
        """Spend a turn's processor time."""
        async with self._cores:
            await asyncio.sleep(TURN_SECONDS)


class Stub(Environment[Task]):
    """A world that costs what a world costs."""

    id: ClassVar[str] = "stub"
    group: ClassVar[Group] = "general"
    max_turns: ClassVar[int] = 2 * CALLS
    task_type: ClassVar[type[Task]] = Task
    machine: ClassVar[Machine]

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self._left = random.Random(task.id).randint(1, 2 * CALLS - 1)

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        """Return no splits."""
        del config
        return {}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterable[Task]:
        """Return no tasks."""
        del split, config
        return ()

    async def start(self) -> Sequence[Message]:
        """Return one message."""
        return (Message(role="user", content="go"),)

    async def step(self, reply: str) -> Step:
        """Work, and end after the task's number of turns."""
        await self.machine.work()
        self._left -= 1
        return Step(reply, done=self._left == 0)

    async def score(self) -> Score:
        """Return nothing."""
        return Score(reward=0.0, success=False)


class Model:
    """A policy whose replies take as long as the server needs."""

    name = "modelled server"
    sampling = None

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return a reply."""
        del messages
        await self._machine.call()
        return Reply(content="x")


def step_seconds(active: float) -> float:
    """Return how long one step of decoding takes for a batch."""
    return STEP_SECONDS + STEP_SECONDS_EACH * active


def predict(live: int) -> tuple[float, str]:
    """Return calls per second by arithmetic, and what binds.

    An episode waits for its call, or works. With b requests in each replica's batch a call decodes for
    tokens x step(b) seconds, and the episodes are those that decode plus those that wait and work: the b for which
    this comes out at the number of live episodes, or the batch limit. The cores bound it from above.
    """
    low, high = 0.0, float(BATCH)
    for _ in range(60):
        batch = (low + high) / 2
        rate = REPLICAS * batch / (TOKENS * step_seconds(batch))
        fits = REPLICAS * batch + rate * (FIXED_SECONDS + TURN_SECONDS) < live
        low, high = (batch, high) if fits else (low, batch)
    bound = "live episodes" if batch < BATCH - 1e-6 else "server"
    cores = CORES / TURN_SECONDS
    return (cores, "cores") if cores < rate else (rate, bound)


async def simulate(live: int) -> float:
    """Return calls per virtual second, from a window after the start."""
    machine = Stub.machine = Machine()
    model = Model(machine)
    rate = predict(live)[0]
    span = max(WINDOW * live, CALLS_AT_LEAST) / rate
    entries: Iterator[tuple[Environment[Task], str, int]] = (
        (Stub(Task(id=str(number))), "test", 0) for number in itertools.count()
    )
    async for _ in rollouts(entries, lambda _environment, *, sample: model, concurrency=live):  # noqa: ARG005
        if machine.ended[-1] > 2 * span:
            break
    return sum(span < moment <= 2 * span for moment in machine.ended) / span


def main() -> int:
    """Print the table; 1 when arithmetic and simulation are too far apart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows, worst = [], 0.0
    for live in LIVE:
        with asyncio.Runner(loop_factory=VirtualTime) as runner:
            simulated = runner.run(simulate(live))
        predicted, bound = predict(live)
        worst = max(worst, abs(simulated / predicted - 1))
        hours = 1e6 * CALLS / simulated / 3600
        cells = (f"{live:,}", f"{predicted:,.1f}", f"{simulated:,.1f}", f"{simulated / predicted - 1:+.1%}", bound)
        rows.append(f"| {' | '.join(cells)} | {hours:,.1f} h |")
        print(rows[-1], flush=True)
    if arguments.write:
        head = (
            "| live episodes | calls/s, arithmetic | calls/s, simulated | apart | what binds | 1 M trajectories |\n"
            "| ---: | ---: | ---: | ---: | --- | ---: |"
        )
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text("\n".join((f"{before}{BEGIN}", head, *rows, f"{END}{rest.partition(END)[2]}")))
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    raise SystemExit(main())

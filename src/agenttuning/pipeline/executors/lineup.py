"""Which play begins next: worlds take turns, and each is as wide as memory and its own latency allow.

A world of Python objects takes every free place. A world that holds a JVM, a page or a sandbox (`footprint`) begins
with two episodes per processor; it grows while its calls stay as quick as they were, and shrinks when they take twice
as long. No episode begins while it would not fit into the memory that is free, unless nothing else plays.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agenttuning.environments import load_environment
from agenttuning.pipeline.construct import build_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agenttuning.core.watch import Track
    from agenttuning.pipeline.plays import Play

WORLD_PHASES: Final = ("start", "step", "score", "close")
NOTHING_LEFT: Final = "nothing left to play"
NO_MEMORY: Final = "memory"
_SLOW: Final = 2.0
_QUICK: Final = 1.5
"""Times the best latency of the world: where it shrinks, and up to where it grows."""
_SMOOTH: Final = 0.2
_RESERVE: Final = 0.1
"""Share of the memory that stays free."""
_LOOK_SECONDS: Final = 0.5


@dataclass(slots=True)
class Width:
    """How many episodes of one world may live."""

    footprint: int
    most: float
    allowed: float
    best: float = float("inf")
    """Seconds that one call of the world took at its quickest, smoothed."""
    smoothed: float = 0.0
    since: int = 0
    """Episodes that ended since the width was changed."""

    def ended(self, track: Track) -> None:
        """Learn from an episode."""
        calls = sum(track.calls[phase] for phase in WORLD_PHASES)
        if self.footprint == 0 or calls == 0:
            return
        seconds = sum(track.seconds[phase] for phase in WORLD_PHASES) / calls
        self.smoothed = seconds if not self.smoothed else (1 - _SMOOTH) * self.smoothed + _SMOOTH * seconds
        self.best = min(self.best, self.smoothed)
        self.since += 1
        if self.since < self.allowed:
            return
        if self.smoothed > _SLOW * self.best:
            self.allowed, self.since = max(1.0, self.allowed * 0.75), 0
        elif self.smoothed <= _QUICK * self.best:
            self.allowed, self.since = min(self.most, self.allowed + 1), 0


@dataclass(slots=True)
class _World:
    name: str
    waiting: deque[Play]
    width: Width
    live: int = 0


class Widths:
    """The widths of all worlds; what was learnt is kept from wave to wave."""

    def __init__(self, *, processors: int, spare: Callable[[], float]) -> None:
        self._processors = processors
        self.spare = spare
        """MiB that may still be taken."""
        self._widths: dict[str, Width] = {}

    def of(self, play: Play, *, concurrency: int) -> Width:
        """Return the width of a play's world."""
        name = play.entry.environment
        if name not in self._widths:
            footprint = build_environment(play.entry).footprint()
            narrow = min(concurrency, 2 * self._processors)
            self._widths[name] = Width(footprint, concurrency, narrow if footprint else concurrency)
        return self._widths[name]


@dataclass(slots=True)
class Empty:
    """Seat-seconds in which nobody sat, by reason."""

    seats: int
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    _reason: str = NOTHING_LEFT
    _live: int = 0
    _since: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """Count from now on."""
        self._reason, self._live, self._since = NOTHING_LEFT, 0, time.monotonic()

    def settle(self, *, live: int, reason: str) -> None:
        """Count until now; from now on so many sit, and the others are empty for this reason."""
        now = time.monotonic()
        self.seconds[self._reason] += (now - self._since) * (self.seats - self._live)
        self._reason, self._live, self._since = reason, live, now


class Lineup:
    """Gives plays in the order in which they may begin; None while none may."""

    def __init__(
        self, plays: Iterable[Play], *, widths: Widths, empty: Empty, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self._empty = empty
        self._spare = widths.spare
        self._stop = stop
        self._worlds: deque[_World] = deque()
        self._live: dict[str, _World] = {}
        by_name: dict[str, _World] = {}
        for play in plays:
            name = play.entry.environment
            if name not in by_name:
                world = _World(name, deque(), widths.of(play, concurrency=empty.seats))
                by_name[name] = self._live[load_environment(name).id] = world
                self._worlds.append(world)
            by_name[name].waiting.append(play)

    def __iter__(self) -> Lineup:
        """Return itself; it is read once."""
        return self

    def __next__(self) -> Play | None:
        """Return the next play, None where none may begin now; it ends when all have begun, or at `stop`."""
        live = self.live
        if self._stop() or not self._worlds:
            self._empty.settle(live=live, reason=NOTHING_LEFT)
            raise StopIteration
        reason = ""
        for _ in range(len(self._worlds)):
            world = self._worlds[0]
            self._worlds.rotate(-1)
            if live and self._spare() < world.width.footprint:
                reason = NO_MEMORY
            elif world.live >= int(world.width.allowed):
                reason = reason or f"width of {world.name}"
            else:
                return self._begin(world)
        self._empty.settle(live=live, reason=reason)
        return None

    def _begin(self, world: _World) -> Play:
        play = world.waiting.popleft()
        world.live += 1
        if not world.waiting:
            self._worlds.remove(world)
        self._empty.settle(live=self.live, reason=NOTHING_LEFT)
        return play

    @property
    def live(self) -> int:
        """Episodes that have begun and not ended."""
        return sum(world.live for world in self._live.values())

    def ended(self, world: str, track: Track) -> None:
        """Free the place of an episode."""
        place = self._live[world]
        place.live -= 1
        place.width.ended(track)
        self._empty.settle(live=self.live, reason=NOTHING_LEFT)


class SpareMemory:
    """MiB that may still be taken: of the machine or of this control group, less a tenth; looked up twice a second."""

    def __init__(self) -> None:
        self._looked = -_LOOK_SECONDS
        self._spare = float("inf")

    def __call__(self) -> float:
        """Return the figure; infinite where the system tells none."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked, self._spare = now, min(_of_machine(), _of_group())
        return self._spare


def _of_machine() -> float:
    try:
        rows = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("ascii").splitlines())
    except OSError:
        return float("inf")
    total, free = (int(rows[key].split()[0]) / 1024 for key in ("MemTotal", "MemAvailable"))
    return free - _RESERVE * total


def _of_group() -> float:
    """Of a control group (version 2), as containers and batch jobs have them."""
    group = Path("/sys/fs/cgroup")
    try:
        most, used = (group / "memory.max").read_text("ascii"), (group / "memory.current").read_text("ascii")
        cached = (group / "memory.stat").read_text("ascii")
    except OSError:
        return float("inf")
    if most.strip() == "max":
        return float("inf")
    idle = next((int(line.split()[1]) for line in cached.splitlines() if line.startswith("inactive_file ")), 0)
    return ((1 - _RESERVE) * int(most) - int(used) + idle) / 2**20


def processors() -> int:
    """Return how many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

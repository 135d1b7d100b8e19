"""Where the wall time of played episodes goes, and which limit binds (`--profile`).

A seat is one of the `concurrency` places for episodes. Seat time, seats times wall time, is shared out without rest: an
occupied seat waits for its model, is in its world, or is in our own code (which includes waiting for its turn in the
event loop); an empty one has a reason. All by monotonic clocks around the awaits.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from agenttuning.analysis.tables import Table
from agenttuning.core.records import Record
from agenttuning.core.store import write_atomic
from agenttuning.core.watch import OWN
from agenttuning.pipeline.executors.lineup import NO_MEMORY, NOTHING_LEFT, WORLD_PHASES, Empty

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agenttuning.core.watch import Track
    from agenttuning.pipeline.executors.seating import Seats

PROFILE: Final = "profile.json"
ANSWER: Final = "model: answer"
CONNECTIONS: Final = "queue: connections"
RATE: Final = "queue: rate"
STORE: Final = "store"
_BUSY: Final = 0.85
_MUCH: Final = 0.2
_RATE_ADVICE: Final = (
    "Episodes queue before requests_per_minute or tokens_per_minute; raise them if the server allows more, or lower "
    "concurrency, which costs nothing now."
)


class Part(Record):
    """One row: what took seat time."""

    seconds: float
    """Seat-seconds."""
    share: float
    """Of all seat time."""
    calls: int = 0


class Profile(Record):
    """Where the seat time of one call of a stage went."""

    executor: str
    processes: int
    seats: int
    episodes: int
    wall_seconds: float
    cpu_seconds: float
    """Of this process."""
    starved_seconds: float
    """In which it was ready to go on and had no processor; 0 where the system does not tell."""
    parts: dict[str, Part]
    """By name, such as `model: answer`, `alfworld: step`, `empty: memory`."""
    binds: str
    """The limit that binds."""
    advice: str

    def table(self) -> Table:
        """Return it as a table, longest first."""
        ordered = sorted(self.parts.items(), key=lambda item: -item[1].seconds)
        rows = [
            (
                name,
                f"{part.share:.1%}",
                f"{part.seconds:,.2f}",
                f"{part.calls:,}" if part.calls else "",
                f"{1e3 * part.seconds / part.calls:,.2f}" if part.calls else "",
            )
            for name, part in ordered
            if part.seconds > 0
        ]
        return Table(("where", "share", "seat-seconds", "calls", "ms each"), rows)

    def sentence(self) -> str:
        """Return what binds, and what to do about it."""
        wall = self.wall_seconds or 1.0
        return (
            f"{self.episodes:,} episodes in {wall:,.1f} s ({self.episodes / wall:,.1f}/s) on {self.seats} seats, this "
            f"process busy for {self.cpu_seconds / wall:.0%} of it and without a processor for "
            f"{self.starved_seconds / wall:.0%}. What binds: {self.binds}. {self.advice}"
        )


class Profiler:
    """Adds up the tracks of episodes."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self.empty = Empty(seats.concurrency)
        self._seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
        self._calls: Counter[tuple[str, str]] = Counter()
        self._episodes = 0
        self._stored = 0.0
        self._wall = self._cpu = self._starved = 0.0

    def note(self, world: str, track: Track) -> None:
        """Count an episode."""
        self._episodes += 1
        for phase, seconds in track.seconds.items():
            self._seconds[world, phase] += seconds
            self._calls[world, phase] += track.calls[phase]

    def stored(self, seconds: float) -> None:
        """Count the recording of an episode."""
        self._stored += seconds

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure from here to the end of the block."""
        wall, cpu, starved = time.monotonic(), time.process_time(), starved_seconds()
        self.empty.begin()
        try:
            yield
        finally:
            self.empty.settle(live=0, reason=NOTHING_LEFT)
            self._wall += time.monotonic() - wall
            self._cpu += time.process_time() - cpu
            self._starved += starved_seconds() - starved

    def profile(self) -> Profile:
        """Return the shares and the verdict."""
        seconds, calls = self._parts()
        total = self._wall * self._seats.concurrency
        parts = {
            name: Part(
                seconds=round(spent, 4), share=round(spent / total, 6) if total else 0.0, calls=calls.get(name, 0)
            )
            for name, spent in seconds.items()
        }
        wall = self._wall or 1.0
        shares = {name: part.share for name, part in parts.items()}
        binds, advice = verdict(shares, busy=self._cpu / wall, starved=self._starved / wall, seats=self._seats)
        return Profile(
            executor=self._seats.executor,
            processes=self._seats.processes,
            seats=self._seats.concurrency,
            episodes=self._episodes,
            wall_seconds=round(self._wall, 4),
            cpu_seconds=round(self._cpu, 4),
            starved_seconds=round(self._starved, 4),
            parts=parts,
            binds=binds,
            advice=advice,
        )

    def _parts(self) -> tuple[Mapping[str, float], Mapping[str, int]]:
        seconds: defaultdict[str, float] = defaultdict(float)
        calls: Counter[str] = Counter()
        for (world, phase), spent in self._seconds.items():
            name = _part(world, phase)
            seconds[name] += spent
            calls[name] += self._calls[world, phase]
        for reason, spent in self.empty.seconds.items():
            seconds[f"empty: {reason}"] += spent
        seconds[STORE] += self._stored
        seconds[f"empty: {NOTHING_LEFT}"] -= self._stored  # the seat is free meanwhile
        return seconds, calls


def _part(world: str, phase: str) -> str:
    if phase in WORLD_PHASES:
        return f"{world}: {phase}"
    return {"model": ANSWER, OWN: "own code and event loop"}.get(phase, phase)


def starved_seconds() -> float:
    """Return how long this thread was ready to go on and had no processor, since it began."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text("ascii").split()[1]) / 1e9
    except OSError:
        return 0.0


def verdict(shares: Mapping[str, float], *, busy: float, starved: float, seats: Seats) -> tuple[str, str]:
    """Name the limit that binds, and say what to do.

    Args:
        shares: part to its share of the seat time.
        busy: CPU time of this process per wall time.
        starved: time in which it was ready and had no processor, per wall time.
        seats: how the stage was played.
    """
    narrow = {name: share for name, share in shares.items() if name.startswith("empty: width of ")}
    worlds = {name: share for name, share in shares.items() if name.endswith(WORLD_PHASES) and ": " in name}
    if busy + starved >= _BUSY:
        return _of_processors(sum(worlds.values()), shares.get(ANSWER, 0.0), shared=starved > busy, seats=seats)
    if shares.get(f"empty: {NO_MEMORY}", 0.0) >= _MUCH:
        return "memory", "More of it, or shards on further machines, let more episodes live at once."
    if shares.get(RATE, 0.0) >= _MUCH:
        return "the rate limit", _RATE_ADVICE
    if shares.get(CONNECTIONS, 0.0) >= _MUCH:
        return (
            "server concurrency",
            "Episodes queue before max_connections; raise it if the server answers more at once as quickly.",
        )
    if sum(narrow.values()) >= _MUCH:
        widest = max(narrow, key=lambda name: narrow[name]).removeprefix("empty: width of ")
        return (
            f"the pool of {widest}",
            "Its calls would slow down if more lived here; add processors, or play shards on further machines.",
        )
    if shares.get(f"empty: {NOTHING_LEFT}", 0.0) >= 0.5:
        return "too few plays", "Most seats stay empty because nothing is left to play; concurrency may be lower."
    slowest = max(worlds, key=lambda name: worlds[name], default="")
    if worlds and worlds[slowest] > shares.get(ANSWER, 0.0):
        return slowest, "The world itself takes longest; worker processes (processes = n) or shards play more of it."
    return (
        "the model",
        "Episodes wait for replies; raise concurrency (and max_connections with it) as long as the answers stay quick.",
    )


def _of_processors(world: float, model: float, *, shared: bool, seats: Seats) -> tuple[str, str]:
    if shared:
        return "the processors of this machine", "Others use them too; take fewer processes, or a machine with more."
    own = "the CPU of this process"
    if world > model and seats.here:
        return own, "The worlds take most of it; set processes = n to host them in n worker processes."
    return own, "One process asks no more than this; play shards (--shard i/n), each has a driver of its own."


_FILE: Final = TypeAdapter(dict[str, Profile])


def write_profiles(folder: Path, profiles: Mapping[str, Profile]) -> None:
    """Write `profile.json` beside a stage's results; it is no part of them."""
    write_atomic(folder / PROFILE, _FILE.dump_json(dict(profiles), indent=2) + b"\n")


def read_profiles(folder: Path) -> dict[str, Profile]:
    """Return what the last call with `--profile` wrote; empty without one."""
    path = folder / PROFILE
    return _FILE.validate_json(path.read_bytes()) if path.exists() else {}

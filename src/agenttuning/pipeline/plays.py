"""Which (task, sample) pairs are still to be played: all of them, or only until enough trajectories are good.

What comes next is told from the results alone, so a run that was killed goes on exactly as it would have.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agenttuning.environments import load_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agenttuning.core.records import Trajectory
    from agenttuning.pipeline.construct import Entry

_LEAST_RATE = 0.05
"""Share of good trajectories that is reckoned with when fewer were good so far."""


@dataclass(frozen=True, slots=True)
class Play:
    """One episode to come."""

    entry: Entry
    sample: int


@dataclass(slots=True)
class Results:
    """Which samples of which task are finished, and were they good."""

    held: defaultdict[tuple[str, str], dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, trajectory: Trajectory) -> None:
        """Note a finished episode."""
        self.held[trajectory.environment, trajectory.task][trajectory.sample] = trajectory.score.success

    def of(self, entry: Entry) -> Mapping[int, bool]:
        """Return the finished samples of a task."""
        return self.held.get((load_environment(entry.environment).id, str(entry.task["id"])), {})

    def __len__(self) -> int:
        return sum(map(len, self.held.values()))


@dataclass(frozen=True, slots=True)
class PlayPlan:
    """How often tasks are played."""

    samples: int = 1
    """Plays of a task at most."""
    enough: int | None = None
    """Good trajectories of a task after which it is not played again."""
    enough_per_world: Mapping[str, int] = field(default_factory=dict)
    """Good trajectories of a world after which no further task of it is drawn."""

    def next_wave(self, entries: Iterable[Entry], results: Results) -> Iterator[Play]:
        """Yield what is to be played now; when it is finished, ask again. Nothing, when all is done."""
        worlds: dict[str, list[Entry]] = {}
        for entry in entries:
            worlds.setdefault(entry.environment, []).append(entry)
        for world, tasks in worlds.items():
            for entry in self._drawn(tasks, self.enough_per_world.get(world), results):
                for sample in self._due(results.of(entry)):
                    yield Play(entry, sample)

    def _drawn(self, tasks: Sequence[Entry], wanted: int | None, results: Results) -> Sequence[Entry]:
        """Return the tasks that are drawn so far: as many more as it seems to take, whenever the last are done."""
        if wanted is None:
            return tasks
        drawn = good = 0
        while good < wanted and drawn < len(tasks):
            rate = max(good / drawn, _LEAST_RATE) if drawn else 1.0
            batch = tasks[drawn : drawn + math.ceil((wanted - good) / rate)]
            if any(self._due(results.of(entry)) for entry in batch):
                return batch
            drawn += len(batch)
            good += sum(sum(results.of(entry).values()) for entry in batch)
        return ()

    def _due(self, held: Mapping[int, bool]) -> list[int]:
        """Return the samples of one task that are to be played now."""
        if self.enough is None:
            return [sample for sample in range(self.samples) if sample not in held]
        planned = good = 0
        while good < self.enough and planned < self.samples:
            batch = range(planned, min(self.samples, planned + self.enough - good))
            if due := [sample for sample in batch if sample not in held]:
                return due
            planned = batch.stop
            good += sum(held[sample] for sample in batch)
        return []

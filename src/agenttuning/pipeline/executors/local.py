"""One machine, one process: all episodes in one event loop."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollouts
from agenttuning.pipeline.construct import build_environment
from agenttuning.pipeline.executors.lineup import Lineup

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterable

    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Player
    from agenttuning.core.records import Task, Trajectory
    from agenttuning.core.watch import Track, Watch
    from agenttuning.pipeline.executors.lineup import Empty, Widths
    from agenttuning.pipeline.plays import Play


class LocalExecutor:
    """Plays in this process."""

    def __init__(self, player: Player, *, seed: int, widths: Widths, empty: Empty, watch: Watch) -> None:
        self._player = player
        self._seed = seed
        self._widths = widths
        self._empty = empty
        self._watch = watch

    async def play(self, plays: Iterable[Play], *, stop: Callable[[], bool]) -> AsyncGenerator[Trajectory, None]:
        """Play, and give every trajectory as it ends; see `Executor`."""
        lineup = Lineup(plays, widths=self._widths, empty=self._empty, stop=stop)

        def ended(world: str, track: Track) -> None:
            lineup.ended(world, track)
            self._watch(world, track)

        entries = (_entry(play) if play else None for play in lineup)
        playing = rollouts(entries, self._player, concurrency=self._empty.seats, seed=self._seed, watch=ended)
        async with aclosing(playing):
            async for trajectory in playing:
                yield trajectory


def _entry(play: Play) -> tuple[Environment[Task], str, int]:
    return build_environment(play.entry), play.entry.split, play.sample

"""A world that hangs, floods or raises oddly costs its own episode and no other; the failure stays on record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.faults.broken_world import RAISED, BrokenTask, BrokenWorld, opener

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.rollout import rollouts
from agenttuning.core.store import Appender, read_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CALLS = ("start", "step", "score", "close")
KINDS = ("hang", "recursion", *RAISED)
FAULTS = [
    *((place, fault) for place in CALLS for fault in KINDS),
    *(("start", "flood"), ("step", "flood"), ("step", "surrogate"), ("step", "nothing")),
    *(("score", "nan"), ("score", "nothing")),
]


def play(tasks: Sequence[BrokenTask], path: Path) -> list[Trajectory]:
    """Play tasks through the store, as a stage does."""

    async def whole() -> None:
        worlds = ((BrokenWorld(task), "test", 0) for task in tasks)
        with Appender[Trajectory](path) as appender:
            async for trajectory in rollouts(worlds, opener, concurrency=4):
                appender.append(trajectory)

    asyncio.run(whole())
    return sorted(read_records(path, Trajectory), key=lambda one: one.task)


def test_every_fault_costs_one_episode_and_names_the_world(tmp_path: Path) -> None:
    broken = [
        BrokenTask(id=f"{number:03}-{place}-{fault}", place=place, fault=fault)
        for number, (place, fault) in enumerate(FAULTS)
    ]
    sound = [BrokenTask(id=f"{number:03}-sound") for number in range(len(broken))]
    played = play([task for pair in zip(broken, sound, strict=True) for task in pair], tmp_path / "played.jsonl")
    assert [one.task for one in played] == sorted(task.id for task in (*broken, *sound))
    assert BrokenWorld.open_worlds == 0
    for one in played:
        _, place, fault = (*one.task.split("-"), "")[:3]
        if place in {"sound", "close"}:
            assert (one.stop, one.score.reward, one.failure) == (Stop.DONE, 1.0, None), one.task
            continue
        assert one.failure is not None, one.task
        assert (one.stop, one.score.reward, one.failure.side) == (Stop.ERROR, 0.0, "environment"), one.task
        assert len(one.failure.message) < 3000, one.task
        assert sum(len(message.content) for message in one.messages) < 1000, one.task
        if fault in RAISED:
            assert one.failure.error == type(RAISED[fault]).__name__, one.task


def test_a_hang_is_told_with_its_call_and_its_limit(tmp_path: Path) -> None:
    tasks = [BrokenTask(id=place, place=place, fault="hang") for place in ("start", "step", "score")]
    told = {one.task: one.failure.message for one in play(tasks, tmp_path / "played.jsonl") if one.failure}
    assert told == {place: f"the world's {place} took longer than 0.2 seconds" for place in ("start", "step", "score")}


def test_a_flood_is_told_and_not_written_down(tmp_path: Path) -> None:
    (one,) = play([BrokenTask(id="0", place="step", fault="flood")], tmp_path / "played.jsonl")
    assert one.failure is not None
    assert one.failure.message == "ValueError: a text of 100,000,000 characters; at most 1,000,000 are taken"
    assert (tmp_path / "played.jsonl").stat().st_size < 10_000


def test_a_cancelled_rollout_is_cancelled(tmp_path: Path) -> None:
    """What the world cannot feign: the cancellation that the run itself asks for."""

    async def cut() -> bool:
        worlds = iter([(BrokenWorld(BrokenTask(id="a", place="score", fault="hang")), "test", 0)])

        async def consume() -> None:
            async for _ in rollouts(worlds, opener, concurrency=1):
                pass

        playing = asyncio.create_task(consume())
        await asyncio.sleep(0.05)
        playing.cancel()
        try:
            await playing
        except asyncio.CancelledError:
            return True
        return False

    assert asyncio.run(cut())
    assert BrokenWorld.open_worlds == 0

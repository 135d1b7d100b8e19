"""Many episodes at once: cancellation, policies that hang, worlds that break while they open or close."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

import pytest

from agenttuning.core.environment import Environment, EnvironmentConfig, Step
from agenttuning.core.records import Message, Reply, Score, Stop, Task, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.errors import BudgetError, DataError, PolicyError, WorldError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence


class Cell(Environment[Task]):
    """Breaks where its task says; knows who is inside."""

    id: ClassVar[str] = "cell"
    group = "held_in"
    max_turns: ClassVar[int] = 4
    task_type = Task
    inside: ClassVar[list[str]] = []
    left: ClassVar[list[str]] = []

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        return {}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterator[Task]:
        yield from ()

    def _break(self, where: str) -> None:
        if self.task.id.endswith(where):
            raise OSError(f"broken in {where}")

    async def start(self) -> Sequence[Message]:
        self.inside.append(self.task.id)
        self._break("start")
        return [Message(role="user", content="?")]

    async def step(self, reply: str) -> Step:
        self._break("step")
        return Step("?", done=reply == "out", action=reply)

    async def score(self) -> Score:
        self._break("score")
        return Score(reward=1.0, success=True)

    async def close(self) -> None:
        self.left.append(self.task.id)
        self._break("close")


@pytest.fixture(autouse=True)
def _empty() -> None:
    Cell.inside.clear()
    Cell.left.clear()


class Replies:
    """Answers with what a function gives, after it has been waited for."""

    name = "replies"
    sampling = None

    def __init__(self, answer: Callable[[], Awaitable[str]]) -> None:
        self._answer = answer

    async def reply(self, messages: Sequence[Message]) -> Reply:
        return Reply(content=await self._answer())


async def at_once() -> str:
    await asyncio.sleep(0)
    return "out"


async def never() -> str:
    await asyncio.Event().wait()
    raise AssertionError


def entries(*names: str) -> Iterator[tuple[Environment[Task], str, int]]:
    return ((Cell(Task(id=name)), "test", 0) for name in names)


def play(*names: str, answer: Callable[[], Awaitable[str]] = at_once, concurrency: int = 3) -> dict[str, Trajectory]:
    async def all_of_them() -> dict[str, Trajectory]:
        playing = rollouts(entries(*names), lambda *_, **__: Replies(answer), concurrency=concurrency)
        return {one.task: one async for one in playing}

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("where", ["start", "step", "score"])
def test_one_broken_world_is_recorded_and_its_neighbours_play_on(where: str) -> None:
    played = play("a", f"b {where}", "c", "d")
    assert played.keys() == {"a", f"b {where}", "c", "d"}
    broken = played.pop(f"b {where}")
    assert broken.failure is not None
    assert (broken.stop, broken.failure.side) == (Stop.ERROR, "environment")
    assert (broken.failure.error, broken.failure.message) == ("OSError", f"OSError: broken in {where}")
    assert (broken.score.reward, broken.score.success) == (0.0, False)
    assert all(one.failure is None and one.score.success for one in played.values())
    assert sorted(Cell.left) == sorted(Cell.inside)


def test_a_world_that_breaks_while_it_closes_keeps_its_result() -> None:
    (played,) = play("a close").values()
    assert (played.stop, played.failure, played.score.success) == (Stop.DONE, None, True)


def test_an_episode_without_turns_keeps_its_opening_when_the_policy_breaks() -> None:
    async def broken() -> str:
        raise PolicyError("no answer")

    (played,) = play("a", answer=broken).values()
    assert [message.role for message in played.messages] == ["user"]
    assert (played.turns, played.failure and played.failure.side) == (0, "policy")


def test_a_users_mistake_ends_the_stage_and_leaves_no_world_open() -> None:
    """What every episode would meet alike is no bad episode."""

    async def mistake() -> str:
        raise DataError("no such model")

    with pytest.raises(DataError, match="no such model"):
        play("a", "b", "c", "d", answer=mistake)
    assert sorted(Cell.left) == sorted(Cell.inside)


@pytest.mark.parametrize("concurrency", [1, 2, 7])
def test_a_policy_that_hangs_holds_only_its_own_place(concurrency: int) -> None:
    calls = 0

    async def sometimes() -> str:
        nonlocal calls
        calls += 1
        return await (never() if calls == 1 else at_once())

    async def all_but_one() -> set[str]:
        names = [str(number) for number in range(9)]
        playing = rollouts(entries(*names), lambda *_, **__: Replies(sometimes), concurrency=concurrency)
        ended: set[str] = set()
        try:
            async with asyncio.timeout(0.3):
                async for one in playing:
                    ended.add(one.task)
        except TimeoutError:
            await playing.aclose()
        assert sorted(Cell.left) == sorted(Cell.inside)
        return ended

    ended = asyncio.run(all_but_one())
    assert len(ended) == (0 if concurrency == 1 else 8)


def test_cancelling_everything_leaves_every_world() -> None:
    async def cancelled() -> None:
        async def consume() -> None:
            async for _ in rollouts(entries(*"abcdefgh"), lambda *_, **__: Replies(never), concurrency=5):
                pytest.fail("nobody answered")

        consumer = asyncio.create_task(consume())
        for _ in range(10):
            await asyncio.sleep(0)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        assert sorted(Cell.inside) == sorted(Cell.left) == list("abcde")

    asyncio.run(cancelled())


def test_ctrl_c_in_a_reply_is_not_taken_for_a_failed_episode() -> None:
    async def interrupted() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        play("a", answer=interrupted)
    assert Cell.left == ["a"]


def test_a_world_is_told_of_the_policy_before_it_is_left() -> None:
    """The oracle reads the world between steps, so the world closes last."""
    seen: list[list[str]] = []

    async def looks() -> str:
        seen.append(list(Cell.left))
        return "out"

    play("a", "b", answer=looks, concurrency=1)
    assert seen == [[], ["a"]]


@pytest.mark.parametrize(
    ("error", "stop", "side"),
    [
        (BudgetError("spent"), Stop.BUDGET, None),
        (PolicyError("broken"), Stop.ERROR, "policy"),
        (TimeoutError("slow"), Stop.ERROR, "policy"),
        (WorldError("the policy's own database"), Stop.ERROR, "environment"),
        (RecursionError("deep"), Stop.ERROR, "policy"),
    ],
)
def test_what_a_reply_raises_decides_the_stop(error: Exception, stop: Stop, side: str | None) -> None:
    async def raises() -> str:
        raise error

    (played,) = play("a", answer=raises).values()
    assert (played.stop, played.failure and played.failure.side) == (stop, side)
    assert played.score.success == (stop is Stop.BUDGET)


def test_a_single_rollout_names_split_sample_and_seed() -> None:
    async def one() -> Trajectory:
        return await rollout(Cell(Task(id="a")), lambda *_, **__: Replies(at_once), split="dev", sample=3, seed=9)

    played = asyncio.run(one())
    assert played.key == ("cell", "dev", "a", 3)
    assert played.provenance.seed == 9

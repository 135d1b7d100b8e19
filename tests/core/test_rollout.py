"""The rollout's semantics: what stops an episode, what is recorded, who is blamed."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import pytest

from agenttuning.core.environment import Environment, EnvironmentConfig, Step
from agenttuning.core.records import Message, Reply, Sampling, Score, Stop, Task, Trajectory, Usage
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.errors import BudgetError, ContextLimitError


class Gate(Environment[Task]):
    """Opens at the word `open`; counts who is inside, so that leaks show."""

    id: ClassVar[str] = "gate"
    group = "held_in"
    max_turns: ClassVar[int] = 3
    task_type = Task
    inside: ClassVar[int] = 0
    most_inside: ClassVar[int] = 0

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        return {"train": 1, "test": 1}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterator[Task]:
        yield Task(id=f"{split}-0")

    async def start(self) -> Sequence[Message]:
        Gate.inside += 1
        Gate.most_inside = max(Gate.most_inside, Gate.inside)
        self.opened = False
        return [
            Message(role="user", content="You stand before a gate."),
            Message(role="assistant", content="Ok.", train=False),
            Message(role="user", content="Open it."),
        ]

    async def step(self, reply: str) -> Step:
        await asyncio.sleep(0)
        if reply == "break":
            raise ZeroDivisionError("the hinge")
        if reply == "kick":
            return Step("", done=True, stop=Stop.FORMAT, action=reply, valid=False)
        self.opened = reply == "open"
        kept = "I mumble" if reply.startswith("I mumble") else None
        return Step("It stays shut.", done=self.opened, action=reply, valid=self.opened, kept=kept)

    async def score(self) -> Score:
        return Score(reward=float(self.opened), success=self.opened)

    async def close(self) -> None:
        if hasattr(self, "opened"):
            del self.opened
            Gate.inside -= 1


class Says:
    """Replies from a list; exceptions in it are raised."""

    name = "says"
    sampling = Sampling(temperature=0.5)

    def __init__(self, *replies: str | Exception) -> None:
        self._replies = iter(replies)

    async def reply(self, messages: Sequence[Message]) -> Reply:
        await asyncio.sleep(0)
        said = next(self._replies)
        if isinstance(said, Exception):
            raise said
        return Reply(content=said, usage=Usage(prompt_tokens=len(messages), completion_tokens=1))


def play(*replies: str | Exception) -> Trajectory:
    return asyncio.run(rollout(Gate(Task(id="t")), lambda *_, **__: Says(*replies)))


@pytest.mark.parametrize(
    ("replies", "stop", "reward", "turns"),
    [
        (("open",), Stop.DONE, 1.0, 1),
        (("push", "open"), Stop.DONE, 1.0, 2),
        (("push", "push", "push"), Stop.TURNS, 0.0, 3),
        (("kick",), Stop.FORMAT, 0.0, 1),
        (("push", ContextLimitError("too long")), Stop.CONTEXT, 0.0, 1),
        (("push", BudgetError("spent")), Stop.BUDGET, 0.0, 1),
        (("break",), Stop.ERROR, 0.0, 0),
        ((RuntimeError("no route"),), Stop.ERROR, 0.0, 0),
    ],
)
def test_every_stop_is_recorded_with_its_score(
    replies: tuple[str | Exception, ...], stop: Stop, reward: float, turns: int
) -> None:
    trajectory = play(*replies)
    assert (trajectory.stop, trajectory.score.reward, trajectory.turns) == (stop, reward, turns)
    assert Gate.inside == 0


def test_failure_names_the_side_that_broke() -> None:
    world, model = play("break").failure, play(RuntimeError("no route")).failure
    assert world is not None
    assert model is not None
    assert (world.side, world.error, world.message) == (
        "environment",
        "ZeroDivisionError",
        "ZeroDivisionError: the hinge",
    )
    assert (model.side, model.error) == ("policy", "RuntimeError")


def test_history_is_what_the_model_saw_and_what_is_trained() -> None:
    trajectory = play("push", "open")
    said = [(message.role, message.content, message.train) for message in trajectory.messages]
    assert said == [
        ("user", "You stand before a gate.", None),
        ("assistant", "Ok.", False),
        ("user", "Open it.", None),
        ("assistant", "push", True),
        ("user", "It stays shut.", None),
        ("assistant", "open", True),
    ]
    assert [(step.message, step.valid) for step in trajectory.steps] == [(3, False), (5, True)]
    assert trajectory.usage == Usage(prompt_tokens=8, completion_tokens=2)
    assert trajectory.provenance.sampling == Sampling(temperature=0.5)
    assert Trajectory.model_validate_json(trajectory.model_dump_json(exclude_defaults=True)) == trajectory


class Quiz(Gate):
    """Asks twice; the second question knows nothing of the first."""

    id: ClassVar[str] = "quiz"

    async def step(self, reply: str) -> Step:
        first = not self.opened
        self.opened = True
        again = [
            Message(role="user", content="One and one?"),
            Message(role="assistant", content="Two.", train=False),
            Message(role="user", content="Two and two?"),
        ]
        return Step("", done=not first, action=reply, fresh=again if first else None)


def test_a_fresh_dialogue_shows_and_trains_nothing_from_before() -> None:
    shown: list[Sequence[Message]] = []

    class Keeps(Says):
        async def reply(self, messages: Sequence[Message]) -> Reply:
            shown.append(messages)
            return await super().reply(messages)

    quiz = Quiz(Task(id="t", never_train=True))
    trajectory = asyncio.run(rollout(quiz, lambda *_, **__: Keeps("push", "four")))
    assert [messages[-1].content for messages in shown] == ["Open it.", "Two and two?"]
    assert [len(messages) for messages in shown] == [3, 3]
    assert trajectory.restarts == (4,)
    assert [(*messages, message) for messages, message in zip(shown, trajectory.messages[3::4], strict=True)] == list(
        trajectory.dialogues
    )
    assert [step.message for step in trajectory.steps] == [3, 7]
    assert trajectory.never_train
    assert Trajectory.model_validate_json(trajectory.model_dump_json(exclude_defaults=True)) == trajectory
    assert play("open").dialogues == (play("open").messages,)


def test_rollouts_are_bounded_lazy_and_complete() -> None:
    drawn = 0

    def episodes() -> Iterator[tuple[Environment[Task], str, int]]:
        nonlocal drawn
        for index in range(50):
            drawn += 1
            yield Gate(Task(id=str(index))), "test", 0

    async def play_all() -> list[str]:
        Gate.most_inside = 0
        ended = []
        async for trajectory in rollouts(episodes(), lambda *_, **__: Says("push", "open"), concurrency=4):
            ended.append(trajectory.task)
            assert drawn <= len(ended) + 8
        return ended

    ended = asyncio.run(play_all())
    assert sorted(ended, key=int) == [str(index) for index in range(50)]
    assert Gate.most_inside <= 4


def test_leaving_early_closes_what_is_in_flight() -> None:
    async def leave() -> None:
        entries = ((Gate(Task(id=str(index))), "test", 0) for index in range(20))
        playing = rollouts(entries, lambda *_, **__: Says("push", "push", "open"), concurrency=5)
        async for _ in playing:
            break
        await playing.aclose()

    asyncio.run(leave())
    assert Gate.inside == 0


def test_a_protocol_decides_what_stays_of_a_reply() -> None:
    seen: list[Sequence[Message]] = []

    class Listens(Says):
        async def reply(self, messages: Sequence[Message]) -> Reply:
            seen.append(messages)
            return await super().reply(messages)

    task = next(iter(Gate.load("test")))
    played = asyncio.run(rollout(Gate(task), lambda _environment, *, sample: Listens("I mumble and mumble", "open")))
    assert [message.content for message in played.messages if message.train] == ["I mumble", "open"]
    assert seen[1][3] == played.messages[3]
    assert [step.action for step in played.steps] == ["I mumble and mumble", "open"]

"""The suite itself is tested with worlds that are broken in one way each: a law that catches nothing is no law."""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, ClassVar

import pytest
from tests.pipeline.rooms import Rooms, RoomTask

from agenttuning.cli import main
from agenttuning.cli.check import check
from agenttuning.core.environment import EnvironmentConfig, Step
from agenttuning.core.records import Message
from agenttuning.errors import MissingExtraError
from agenttuning.pipeline.conformance import NOISE_REPLIES, Tally, broken_laws, play_noise, play_oracle, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


class Sound(Rooms):
    """Nothing is wrong with it; the faults below are one method each."""

    id = "sound"


class OpensForAnything(Sound):
    async def step(self, reply: str) -> Step:
        self.open = True
        return Step(observation="", done=True, action=reply)


class TripsOverText(Sound):
    """A parser that takes the text after a colon for granted."""

    async def step(self, reply: str) -> Step:
        self.said = reply.split(":")[1]
        return await super().step(reply)


class HalfAnOracle(Sound):
    def oracle(self) -> Iterator[str]:
        yield f"Action: open {'red' if self.task.id.endswith('1') else self.task.colour} door"


class MuteOracle(Sound):
    """Its solution ends before the episode does."""

    def oracle(self) -> Iterator[str]:
        yield "Action: wait"


class LuckyOracle(Sound):
    """Has the reward at the turn limit, but never ends the episode: the act that ends it is missing."""

    async def step(self, reply: str) -> Step:
        self.open = True
        return Step(observation="More?", action=reply)

    def oracle(self) -> Iterator[str]:
        yield from itertools.repeat("Action: go on", self.max_turns)


class LosingExpert(HalfAnOracle):
    """Opens the wrong door now and then, and that ends the game."""

    expert_oracle = True

    async def step(self, reply: str) -> Step:
        step = await super().step(reply)
        return Step(step.observation, done=step.valid, action=step.action, valid=step.valid)


class ClumsyExpert(LosingExpert):
    """Needs a second try for its first reply."""

    def oracle(self) -> Iterator[str]:
        yield "open"
        yield from super().oracle()


class Restless(Sound):
    """Its opening depends on how often it was opened."""

    opened: ClassVar[Iterator[int]] = itertools.count()

    async def start(self) -> Sequence[Message]:
        return (*(await super().start())[:2], Message(role="user", content=f"Day {next(self.opened)}. The red door."))


class Solved(Sound):
    async def start(self) -> Sequence[Message]:
        opening = await super().start()
        self.open = True
        return opening


class Shared(Sound):
    """Keeps its door in the class, so that episodes that are played at once share it."""

    async def step(self, reply: str) -> Step:
        type(self).answers.append(reply)
        return Step(observation=f"{len(self.answers)} answers so far.", action=reply, valid=True)

    answers: ClassVar[list[str]] = []


class Forgetful(RoomTask):
    """A task whose record leaves something out."""

    def model_dump_json(self, **options: object) -> str:  # type: ignore[override]
        return json.dumps({"id": self.id, "colour": "grey"})


class Forgets(Sound):
    task_type = Forgetful


class NeverStarts(Sound):
    async def start(self) -> Sequence[Message]:
        raise OSError("no such database")


class SlamsShut(Sound):
    async def close(self) -> None:
        raise OSError("the door is stuck")


class ClosesOnce(Sound):
    """Frees twice what it acquired once."""

    async def start(self) -> Sequence[Message]:
        self.key = ["key"]
        return await super().start()

    async def close(self) -> None:
        self.key.pop()


def tasks(kind: type[Rooms]) -> list[RoomTask]:
    return [kind.task_type.model_validate(task.model_dump()) for task in Rooms.load("train")]


def laws(kind: type[Rooms]) -> list[str]:
    return [line for task in tasks(kind) for line in asyncio.run(broken_laws(kind, task))]


def test_a_sound_world_breaks_no_law() -> None:
    assert laws(Sound) == []
    tally, failures = asyncio.run(play_oracle(map(Sound, tasks(Sound)), lambda **_: None))
    assert (tally.success, tally.n, failures) == (4, 4, [])
    noise, loud = asyncio.run(play_noise(Sound, tasks(Sound)))
    assert (noise.success, noise.crashes, loud) == (0, 0, [])


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Restless, "two plays of task 'train-0' differ"),
        (Shared, "two plays of task 'train-0' differ"),
        (Solved, "task 'train-0' is solved before the first action"),
        (Forgets, "task 'train-0' does not survive JSON"),
    ],
)
def test_a_broken_law_is_named_with_its_task(kind: type[Rooms], sentence: str) -> None:
    told = laws(kind)
    assert len(told) == 4
    assert sentence in told[0]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        (SlamsShut, "OSError: the door is stuck"),
        (ClosesOnce, "AttributeError"),
        (NeverStarts, "OSError: no such database"),
    ],
)
def test_a_world_that_raises_outside_an_episode_is_told_like_any_other(kind: type[Rooms], cause: str) -> None:
    told = laws(kind)
    assert len(told) == 4
    assert f"task 'train-0' cannot be opened and left: {cause}" in told[0]


@pytest.mark.parametrize(
    ("kind", "won", "sentence"),
    [
        (HalfAnOracle, 3, "oracle on task 'train-1': reward 0, stop 'error'"),
        (MuteOracle, 0, "oracle on task 'train-0': reward 0, stop 'error'"),
        (LuckyOracle, 0, "oracle on task 'train-0': reward 1, stop 'turns'"),
        (NeverStarts, 0, "oracle on task 'train-0': reward 0, stop 'error', OSError: no such database"),
    ],
)
def test_an_oracle_that_loses_is_counted_and_told(kind: type[Rooms], won: int, sentence: str) -> None:
    advanced = 0

    def advance(**_: object) -> None:
        nonlocal advanced
        advanced += 1

    tally, failures = asyncio.run(play_oracle(map(kind, tasks(kind)), advance))
    assert (tally.success, tally.n, advanced) == (won, 4, 4)
    assert len(failures) == 4 - won
    assert any(line.startswith(sentence) for line in failures)


def test_an_expert_may_lose_but_not_stumble() -> None:
    for kind, faults in ((LosingExpert, 0), (ClumsyExpert, 4)):
        played = play_oracle(map(kind, tasks(kind)), lambda **_: None, may_lose=True)
        tally, failures = asyncio.run(played)
        assert (tally.success, tally.n, len(failures)) == (3, 4, faults)
        assert all(line.startswith("expert on task") for line in failures)


def test_noise_that_wins_is_counted() -> None:
    noise, loud = asyncio.run(play_noise(OpensForAnything, tasks(OpensForAnything)))
    assert noise.success == noise.n == NOISE_REPLIES
    assert noise.crashes == 0
    assert loud[0].startswith("noise on task 'train-0': reward 1")


def test_noise_that_crashes_the_world_is_counted() -> None:
    noise, loud = asyncio.run(play_noise(TripsOverText, tasks(TripsOverText)))
    assert noise.crashes > noise.n / 2
    assert noise.success == 0
    assert any("IndexError" in line for line in loud)


class ComesWithRooms(Sound):
    installed = {"bought": {"difficulty": "hard"}, "sold out": {"difficulty": "tiny"}}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterable[RoomTask]:
        if config is not None and config.difficulty == "tiny":
            raise MissingExtraError("pip install rooms")
        source = "catalogue" if config is not None and config.difficulty == "hard" else "synthetic-v1"
        for task in super().load(split, config):
            yield task.model_copy(update={"source": source})

    def oracle(self) -> Iterator[str] | None:  # type: ignore[override]
        return None if (self.task.id, self.task.source) == ("test-0", "catalogue") else super().oracle()


def test_what_comes_installed_is_played_beside_the_generator() -> None:
    report = asyncio.run(check(ComesWithRooms, EnvironmentConfig(), split=None, limit=None))
    assert {name: (tally.success, tally.n) for name, tally in report.oracles.items()} == {
        "oracle": (8, 8),
        "bought": (3, 3),
    }
    assert report.without_oracle == {"bought": 1}
    assert report.failures == ["oracle on 'sold out' left out: pip install rooms"]
    part = asyncio.run(check(ComesWithRooms, EnvironmentConfig(), split="test", limit=None))
    assert (part.oracle.success, part.oracle.n, part.oracles) == (4, 4, {})


def test_transcripts_tell_plays_apart_that_differ_in_a_byte_and_no_others() -> None:
    def played(limit: int) -> Tally:
        return asyncio.run(check(ComesWithRooms, EnvironmentConfig(), split="test", limit=limit)).oracle

    assert played(3).transcripts == played(3).transcripts
    assert played(3).transcripts != played(2).transcripts


def test_noise_is_the_same_on_every_machine() -> None:
    def heard() -> list[str]:
        replies: list[str] = []

        class Listens(Sound):
            async def step(self, reply: str) -> Step:
                replies.append(reply)
                return await super().step(reply)

        asyncio.run(play_noise(Listens, tasks(Listens)))
        return replies

    first = heard()
    assert first == heard()
    assert len(first) >= NOISE_REPLIES
    assert {"", "A" * 100_000, "ACTION:"} <= set(first)
    assert len(set(first)) > 100


def test_a_world_that_never_starts_ends_the_noise() -> None:
    noise, _ = asyncio.run(play_noise(NeverStarts, tasks(NeverStarts)))
    assert (noise.n, noise.success) == (0, 0)


def test_few_failures_are_shown_and_the_rest_counted() -> None:
    assert shown([str(number) for number in range(20)]) == [str(number) for number in range(20)]
    assert shown([str(number) for number in range(25)])[-2:] == ["19", "... and 5 more"]


@pytest.mark.parametrize(
    ("name", "code", "part"),
    [
        ("Sound", 0, "oracle: 8 of 8 won"),
        ("OpensForAnything", 1, "noise on task"),
        ("TripsOverText", 1, "IndexError"),
        ("HalfAnOracle", 1, "oracle: 6 of 8 won"),
        ("LosingExpert", 0, "95 % interval of its win rate 40.9% to 92.9%"),
        ("ClumsyExpert", 1, "expert on task"),
        ("Restless", 1, "two plays of task 'train-0' differ"),
        ("Solved", 1, "is solved before the first action"),
        ("NeverStarts", 1, "OSError: no such database"),
        ("SlamsShut", 1, "cannot be opened and left"),
    ],
)
def test_the_command_fails_for_a_broken_world(
    name: str, code: int, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", f"{__name__}:{name}"]) == code
    assert part in " ".join(capsys.readouterr().out.split())

"""The hostile suite: worlds that are broken in one way each are found out, and no world of ours is."""

from __future__ import annotations

import asyncio
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.rooms import Rooms, RoomTask

from agenttuning.core.environment import Step
from agenttuning.core.records import Reply, Score
from agenttuning.environments import environment_ids, load_environment
from agenttuning.errors import MissingExtraError
from agenttuning.pipeline.hostility import suite
from agenttuning.pipeline.hostility.suite import HostileReport, play_hostile

if TYPE_CHECKING:
    from typing import IO

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task

REPLIES, SLOW_REPLIES = 120, 5
HEAVY = {"operating_system": 8, "webarena": SLOW_REPLIES, "card_game": 60, "webshop": 60}
"""Hostile replies of the worlds whose episodes cost more than a few milliseconds."""


def _advance(*, steps: int = 1, note: str = "") -> None:
    del steps, note


def attack(kind: type[Environment[Task]], *, replies: int = 60, tasks: int = 12) -> HostileReport:
    chosen = list(islice(kind.load("train"), tasks))
    return asyncio.run(play_hostile(kind, chosen, replies=replies, seed=7, advance=_advance))


class Generous(Rooms):
    """Pays for the right words wherever they stand, an oracle's reply within other text included."""

    async def step(self, reply: str) -> Step:
        self.open = "open" in reply.lower()
        return Step(observation="", done=self.open, action="", valid=False)


class Trips(Rooms):
    async def step(self, reply: str) -> Step:
        assert len(reply.encode()) < 100_000
        return await super().step(reply)


class Sleeps(Rooms):
    async def step(self, reply: str) -> Step:
        await asyncio.sleep(600 if len(reply) > 40 else 0)
        return await super().step(reply)


class Litters(Rooms):
    async def step(self, reply: str) -> Step:
        tempfile.mkdtemp(prefix="litter-")
        return await super().step(reply)


_kept: list[IO[str]] = []


class KeepsFiles(Rooms):
    async def step(self, reply: str) -> Step:
        _kept.append(Path("/dev/null").open())  # noqa: ASYNC230, SIM115  the leak itself
        return await super().step(reply)


class Halved(Rooms):
    """Writes what no file can hold into the record."""

    async def step(self, reply: str) -> Step:
        return Step(observation="\ud800", action=reply)


def test_a_world_without_faults_is_sound() -> None:
    report = attack(Rooms)
    assert report.sound
    assert report.replies >= 60
    assert set(report.explained) <= {"oracle's moves"}


def test_words_that_are_paid_for_are_found() -> None:
    report = attack(Generous)
    assert report.unearned
    assert not report.sound


def test_crashes_are_found() -> None:
    report = attack(Trips)
    assert report.crashes > 0
    assert "AssertionError" in report.faults[0]


def test_what_cannot_be_written_down_is_a_crash() -> None:
    report = attack(Halved)
    assert report.crashes > 0
    assert "surrogates not allowed" in report.faults[0]


def test_hangs_are_found_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "REPLY_SECONDS", 1.0)
    report = attack(Sleeps, replies=12)
    assert report.hangs > 0
    assert any("no answer" in fault for fault in report.faults)


@pytest.mark.parametrize(("kind", "told"), [(Litters, "litter-"), (KeepsFiles, "open files")])
def test_what_is_left_behind_is_found(
    kind: type[Environment[RoomTask]], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "_SETTLING_SECONDS", 0.5)
    report = attack(kind)
    while _kept:
        _kept.pop().close()
    assert any(told in leak for leak in report.leaks)


def test_what_closes_by_itself_a_moment_later_is_no_leak() -> None:
    class ClosesLate(Rooms):
        async def step(self, reply: str) -> Step:
            _kept.append(Path("/dev/null").open())  # noqa: ASYNC230, SIM115
            asyncio.get_running_loop().call_later(0.5, lambda: _kept.pop().close())
            return await super().step(reply)

    assert attack(ClosesLate).leaks == []


def test_the_same_seed_says_the_same() -> None:
    reports = [attack(load_environment("hotpotqa"), replies=30) for _ in range(2)]
    drop = {"slowest_seconds", "processor_seconds"}
    assert reports[0].model_dump(exclude=drop) == reports[1].model_dump(exclude=drop)


@pytest.mark.parametrize("name", environment_ids())
def test_no_world_breaks_hangs_leaks_or_pays(name: str) -> None:
    kind = load_environment(name)
    replies = HEAVY.get(name, REPLIES)
    try:
        report = attack(kind, replies=replies, tasks=3 if replies < 30 else 25)
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    assert report.faults == report.leaks == report.unearned == []
    assert report.sound


def test_half_a_character_is_replaced_in_a_reply() -> None:
    assert Reply(content="a\ud800b").content == "a\ufffdb"
    assert Reply(content="\U0001f600").content == "\U0001f600"


def test_a_score_is_taken_after_the_attack() -> None:
    """An episode that the attack leaves open is judged, too: nothing of a half is worth anything here."""

    class Scored(Rooms):
        scores = 0

        async def score(self) -> Score:
            type(self).scores += 1
            return await super().score()

    report = attack(Scored, replies=20)
    assert Scored.scores >= report.episodes

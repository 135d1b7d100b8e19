"""Where the time goes: shares of known delays, nothing left over, and the limit that binds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.faults.teacher_server import Settings, running_teacher
from tests.pipeline.executors.test_processes import answers
from tests.pipeline.executors.worlds import LIFTS, collected, constructed

from agenttuning.core.watch import OWN, Track, span, spend, tracking
from agenttuning.pipeline.executors.seating import Seats
from agenttuning.pipeline.profile import PROFILE, Profile, read_profiles, verdict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Call

STEP = f"{LIFTS}: step"
HERE = Seats(64)


def profiled(folder: Path, *, latency: float, step: float, **teacher: object) -> Profile:
    folder.mkdir(exist_ok=True)
    settings = Settings(
        log=folder / "log", answers=answers(folder / "answers.json"), fault_share=0.0, latency_seconds=latency
    )
    with running_teacher(settings) as url:
        run = constructed(folder / "run", tasks=12, seconds=step, profile=True)
        told = {"kind": "openai", "base_url": url, "model": "m", "sampling": {"temperature": 0.7}, **teacher}
        collected(run, teacher=told, concurrency=6)
    return read_profiles(run.stage_folder("collect"))["collect"]


def test_known_delays_have_their_shares_and_the_shares_are_the_whole(tmp_path: Path) -> None:
    slow_model = profiled(tmp_path / "model", latency=0.3, step=0.05)
    slow_world = profiled(tmp_path / "world", latency=0.01, step=0.3)
    for profile in (slow_model, slow_world):
        assert sum(part.share for part in profile.parts.values()) == pytest.approx(1.0, abs=0.02)
        assert profile.episodes == 12
        assert profile.parts["parse"].calls == profile.parts["model: answer"].calls
    assert slow_model.parts["model: answer"].seconds > 2 * slow_model.parts[STEP].seconds
    assert slow_model.parts[STEP].seconds >= 0.05 * slow_model.parts[STEP].calls
    assert slow_world.parts[STEP].seconds > 2 * slow_world.parts["model: answer"].seconds
    assert slow_model.parts["store"].seconds > 0


def test_a_queue_before_our_own_limits_is_told_from_the_servers_time(tmp_path: Path) -> None:
    profile = profiled(tmp_path, latency=0.2, step=0.0, max_connections=1)
    parts = profile.parts
    assert parts["queue: connections"].seconds > 2 * parts["model: answer"].seconds
    assert profile.binds == "server concurrency"
    assert "max_connections" in profile.advice


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that is told the time."""
    now = [100.0]
    monkeypatch.setattr("agenttuning.core.watch.time.monotonic", lambda: now[0])
    return now


def test_every_moment_belongs_to_one_phase(ticks: list[float]) -> None:
    track = Track()
    with tracking(track):
        ticks[0] += 1
        with span("model"):
            ticks[0] += 2
            with span("inner"):
                ticks[0] += 4
            ticks[0] += 8
            spend("queue", 3.0)
    with span("model"):
        ticks[0] += 50
    assert dict(track.seconds) == {OWN: 1, "model": 7, "inner": 4, "queue": 3}
    assert track.calls == {"model": 1, "inner": 1, "queue": 1}


@pytest.mark.parametrize(
    ("shares", "busy", "binds", "advice"),
    [
        ({"model: answer": 0.9}, 0.1, "the model", "raise concurrency"),
        ({"model: answer": 0.9}, 0.97, "the CPU of this process", "--shard"),
        ({"alfworld: step": 0.6, "model: answer": 0.2}, 0.97, "the CPU of this process", "processes = n"),
        ({"queue: rate": 0.5, "model: answer": 0.4}, 0.1, "the rate limit", "requests_per_minute"),
        ({"empty: memory": 0.4, "model: answer": 0.5}, 0.1, "memory", "further machines"),
        ({"empty: width of miniwob": 0.7, "miniwob: step": 0.3}, 0.5, "the pool of miniwob", "processors"),
        ({"empty: nothing left to play": 0.8, "model: answer": 0.2}, 0.1, "too few plays", "lower"),
        ({"scienceworld: start": 0.7, "model: answer": 0.2}, 0.1, "scienceworld: start", "processes"),
    ],
)
def test_the_limit_that_binds_is_named(shares: dict[str, float], busy: float, binds: str, advice: str) -> None:
    told = verdict(shares, busy=busy, starved=0.05, seats=HERE)
    assert told[0] == binds
    assert advice in told[1]


def test_a_machine_that_others_use_is_told_from_a_full_process() -> None:
    assert verdict({"model: answer": 0.9}, busy=0.2, starved=0.7, seats=HERE)[0] == "the processors of this machine"
    assert verdict({"model: answer": 0.9}, busy=0.6, starved=0.3, seats=HERE)[0] == "the CPU of this process"


def test_without_the_option_nothing_is_written(tmp_path: Path) -> None:
    run = constructed(tmp_path)
    plain, _ = collected(run)
    assert not (run.stage_folder("collect") / PROFILE).exists()
    other = constructed(tmp_path / "other", profile=True)
    profiled, _ = collected(other, processes=1)
    assert profiled.outputs == plain.outputs
    assert "way to the worker process and back" in read_profiles(other.stage_folder("collect"))["collect"].parts


def test_the_command_prints_a_table_and_writes_json(recipe: Path, call: Call) -> None:
    assert call("construct", recipe).code == 0
    told = call("collect", recipe, "--profile")
    assert told.code == 0
    assert "| where | share |" in told.out
    assert "What binds: " in told.out
    folder = recipe.parent / "runs" / "mine" / "2-collect"
    written = json.loads((folder / PROFILE).read_text())
    assert {"alfworld: step", "chat: step"} < set(written["collect"]["parts"])
    assert PROFILE not in json.loads((folder / "manifest.json").read_text())["outputs"]

"""Worlds in worker processes: the same results, and a process that dies takes nothing with it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.faults.teacher_server import Settings, read_log, running_teacher
from tests.pipeline.executors.worlds import LIFTS, collected, constructed

from agenttuning.core.records import Stop
from agenttuning.errors import RecipeError, StageError
from agenttuning.pipeline.executors.crew import Crew
from agenttuning.pipeline.executors.relay import WorkerLostError

UP = "Action: up"


def answers(path: Path) -> Path:
    """The model goes up, whatever it sees, and once says something else."""
    asked = [f"Go to floor {floor}." for floor in (1, 2, 3)]
    rides = {"\x1f".join((first, *(f"Floor {at}." for at in range(1, n)))): UP for first in asked for n in range(1, 4)}
    path.write_text(json.dumps(rides | {asked[1]: "Action: down"} | {f"{asked[1]}\x1fFloor 0.": UP}))
    return path


def test_models_are_asked_here_with_one_ledger_and_nothing_is_different(tmp_path: Path) -> None:
    settings = Settings(log=tmp_path / "log", answers=answers(tmp_path / "answers.json"), fault_share=0.0)
    manifests, asked = [], []
    for name, seats in (("here", {}), ("there", {"processes": 2, "concurrency": 5})):
        with running_teacher(settings) as url:
            teacher = {"kind": "openai", "base_url": url, "model": "m", "sampling": {"temperature": 0.7}}
            told = {"teacher": teacher, "samples": 2, "budget": {"calls": 1000}, **seats}
            run = constructed(tmp_path / name)
            manifest, played = collected(run, **told)
            lines = [json.loads(line) for line in run.calls("collect").read_bytes().splitlines()]
        manifests.append(manifest)
        asked.append(sorted((line["key"].encode() != b"", line["content"]) for line in lines))
        assert all(one.failure is None for one in played)
    assert asked[0] == asked[1]
    assert len(read_log(settings.log)) == 2 * len(asked[0])
    told = [[{**row, "t": 0} for row in manifest.counts.values() if isinstance(row, dict)] for manifest in manifests]
    assert told[0] == told[1]


def test_a_budget_holds_over_processes(tmp_path: Path) -> None:
    settings = Settings(log=tmp_path / "log", answers=answers(tmp_path / "answers.json"), fault_share=0.0)
    with running_teacher(settings) as url:
        teacher = {"kind": "openai", "base_url": url, "model": "m"}
        with pytest.raises(StageError, match="7 of 7 calls spent"):
            collected(constructed(tmp_path / "run"), teacher=teacher, budget={"calls": 7}, processes=2)
    assert len(read_log(settings.log)) == 7


def test_a_process_that_dies_loses_no_episode(tmp_path: Path) -> None:
    whole, _ = collected(constructed(tmp_path / "whole", tasks=12))
    grave = str(tmp_path / "grave")
    manifest, played = collected(constructed(tmp_path / "killed", tasks=12, grave=grave), processes=2)
    assert Path(grave).exists()
    assert len(played) == len({one.key for one in played}) == 12
    assert all(one.score.success for one in played)
    assert manifest.counts == whole.counts


def test_an_episode_that_kills_every_process_is_a_failed_episode(tmp_path: Path) -> None:
    _, played = collected(constructed(tmp_path, tasks=5, deadly=True), processes=1)
    lost = [one for one in played if one.failure is not None]
    assert len(played) == 5
    assert [(one.task, one.stop, one.provenance.policy) for one in lost] == [("train-0", Stop.ERROR, "oracle")]
    assert lost[0].failure is not None
    assert (lost[0].failure.side, lost[0].failure.error) == ("environment", "WorkerLostError")


def test_workers_do_not_outlive_a_killed_driver(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.pipeline.executors.worlds import constructed, collected\n"
        "collected(constructed(Path(sys.argv[1]), tasks=6, seconds=60.0), processes=1)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    driver = subprocess.Popen((sys.executable, "-c", script, str(tmp_path)), env=environment)
    try:
        worker = _child(driver.pid)
    finally:
        driver.kill()
        driver.wait()
    until = time.monotonic() + 60
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < until, "the worker outlives its driver"
        time.sleep(0.05)


def _child(parent: int) -> int:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                told = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
                words = (status.parent / "cmdline").read_bytes()
            except OSError:
                continue
            if told["PPid"] == str(parent) and b"executors.process" in words:
                return int(told["Pid"])
        time.sleep(0.05)
    raise AssertionError("no worker was started")


def test_a_person_sits_at_one_terminal(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="policy 'human' plays at this terminal"):
        collected(constructed(tmp_path), teacher={"kind": "human"}, processes=2)


def test_processes_that_cannot_start_end_the_stage() -> None:
    async def start() -> None:
        raise WorkerLostError("no such program")

    async def wait() -> None:
        async with Crew(start, size=2, seats=4) as crew, crew.seat():  # type: ignore[arg-type]
            pass

    with pytest.raises(StageError, match="no process to play in can be started: no such program"):
        asyncio.run(wait())


def test_a_process_that_ends_at_its_start_is_no_failed_episode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = constructed(tmp_path)
    with pytest.raises(StageError, match="the new process ended with 1 before it was ready"):
        collected(run, processes=1)
    assert (run.stage_folder("collect") / "trajectories.jsonl").read_bytes() == b""


def test_what_is_interrupted_leaves_no_process(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from tests.pipeline.executors.worlds import constructed, collected\n"
        "collected(constructed(Path(sys.argv[1]), tasks=6, seconds=60.0), processes=1)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    driver = subprocess.Popen((sys.executable, "-c", script, str(tmp_path)), env=environment, stderr=subprocess.PIPE)
    worker = _child(driver.pid)
    driver.send_signal(signal.SIGINT)
    _, told = driver.communicate(timeout=120)
    assert b"KeyboardInterrupt" in told
    assert not Path(f"/proc/{worker}").exists()


def test_the_id_is_the_worlds_own() -> None:
    assert LIFTS.endswith("worlds:Lifts")

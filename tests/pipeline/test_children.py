"""Children end with their parent, take each other along, and their words become one sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.errors import RecipeError, StageError
from agenttuning.pipeline.children import run_ranks

_SCRIPT = """
import json, os, signal, sys, time
from pathlib import Path
from agenttuning.errors import RecipeError
from agenttuning.pipeline.children import be_rank
folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
rank = os.environ["RANK"]
Path(job["pids"], rank).write_text(str(os.getpid()))
def work():
    what = job["work"].get(rank, "wait")
    if what == "wait":
        time.sleep(120)
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "raise":
        raise RuntimeError("a thing nobody thought of")
    if what == "tell":
        raise RecipeError("lower the rate")
    return {"rank": int(rank), "count": int(os.environ["WORLD_SIZE"])}
raise SystemExit(be_rank(folder, work))
"""


def _run(tmp_path: Path, work: dict[str, str], count: int = 2) -> object:
    (tmp_path / "pids").mkdir()
    job = json.dumps({"pids": str(tmp_path / "pids"), "work": work})
    return run_ranks((sys.executable, "-c", _SCRIPT), count=count, logs=tmp_path / "logs", job=job)


def _running(tmp_path: Path) -> list[int]:
    pids = [int(path.read_text()) for path in (tmp_path / "pids").iterdir()]
    return [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_the_first_rank_counts_and_the_logs_go(tmp_path: Path) -> None:
    assert _run(tmp_path, {"0": "end", "1": "end", "2": "end"}, count=3) == {"rank": 0, "count": 3}
    assert not (tmp_path / "logs").exists()


def test_a_killed_rank_ends_the_others(tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"rank 1 of 2 was killed \(SIGKILL\) and the others were ended; .*--resume"):
        _run(tmp_path, {"1": "die"})
    assert _running(tmp_path) == []


def test_the_words_of_a_rank_are_the_error(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^lower the rate$"):
        _run(tmp_path, {"0": "raise", "1": "tell"})


def test_what_nobody_foresaw_is_in_a_log(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(
        StageError, match=r"rank 0 of 2 failed: RuntimeError: a thing nobody thought of; see .*rank-0\.log"
    ):
        _run(tmp_path, {"0": "raise"})
    assert "Traceback" in (tmp_path / "logs" / "rank-0.log").read_text()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_parent_ends(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "pids").mkdir()
    job = json.dumps({"pids": str(tmp_path / "pids"), "work": {}})
    script = (
        "import sys; from pathlib import Path; from agenttuning.pipeline.children import run_ranks\n"
        f"run_ranks((sys.executable, '-c', {_SCRIPT!r}), count=2, logs=Path({str(tmp_path / 'logs')!r}), job={job!r})"
    )
    parent = subprocess.Popen((sys.executable, "-c", script), stderr=subprocess.DEVNULL, env={**os.environ})
    _until(lambda: sum(bool(path.read_text()) for path in (tmp_path / "pids").iterdir()) == 2)
    parent.send_signal(number)
    parent.wait()
    _until(lambda: _running(tmp_path) == [])


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

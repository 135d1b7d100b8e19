"""Ctrl-C, a full disk and a second process: real processes, stopped in the middle, lose nothing that was finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from agenttuning.core.records import Trajectory
from agenttuning.core.run import Run
from agenttuning.core.store import read_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Call

MANY = """
[construct.environments.alfworld]
tasks = { train = 150, test = 1 }
difficulty = "tiny"

[construct.environments.chat]
tasks = { train = 150, test = 1 }
difficulty = "tiny"

[mix]
examples = 200

[train]
model = "fresh"
shape = { hidden = 16, layers = 1, heads = 2, feed_forward = 16, max_length = 256 }
vocabulary = 300
batch_tokens = 256
max_length = 256
batching = "buckets"
steps = 100
checkpoint_every = 2
"""
HEARS = """
import signal, sys
from agenttuning.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
raise SystemExit(main(sys.argv[1:]))
"""
"""A shell gives an ignored SIGINT to what it starts in the background, such as this test; undone."""
FULL = """
import resource, signal, sys
from agenttuning.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
raise SystemExit(main(sys.argv[2:]))
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.toml"
    path.write_text(f'runs = "{tmp_path}/runs"\n{MANY}')
    return path


def start(*words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = (sys.executable, "-c", HEARS, *words)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def interrupt(process: subprocess.Popen[str], reached: Callable[[], bool]) -> tuple[str, str]:
    deadline = time.monotonic() + 240
    while not reached():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=240)


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def digest(folder: Path, stage: str) -> dict[str, str]:
    manifest = Run(folder).manifest(stage)
    assert manifest is not None
    return manifest.outputs


def test_ctrl_c_while_collecting(many: Path, call: Call) -> None:
    path = many.parent / "runs" / "many" / "2-collect" / "trajectories.jsonl"
    process = start("run", str(many), "--until", "collect")
    out, err = interrupt(process, lambda: size(path) > 20_000)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "agenttuning: interrupted; what is finished is kept, continue with --resume"
    assert "Traceback" not in err
    kept = path.read_bytes()
    assert 0 < kept.count(b"\n") < 300
    assert call("run", many, "--until", "collect", "--resume").code == 0
    assert path.read_bytes().startswith(kept[: kept.rindex(b"\n") + 1])
    assert max(Counter(one.key for one in read_records(path, Trajectory)).values()) == 1
    assert call("run", many, "name=whole", "--until", "collect").code == 0
    folder = many.parent / "runs"
    assert digest(folder / "many", "collect") == digest(folder / "whole", "collect")


@pytest.mark.slow
def test_ctrl_c_while_training(many: Path, call: Call) -> None:
    assert call("run", many, "--until", "mix").code == 0
    folder = many.parent / "runs" / "many"
    process = start("train", str(many))
    out, err = interrupt(process, (folder / "6-train" / "checkpoints").exists)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1].startswith("agenttuning: interrupted; ")
    assert Run(folder).manifest("train") is None
    assert call("train", many, "--resume").code == 0
    resumed = digest(folder, "train")
    assert call("run", many, "--from", "train", "--until", "train").code == 0
    assert digest(folder, "train") == resumed


@pytest.mark.parametrize(("limit", "stage"), [(60_000, "1-construct"), (300_000, "2-collect")])
def test_a_disk_that_is_full(limit: int, stage: str, many: Path, call: Call) -> None:
    """A file size limit stands in for the full disk: the kernel refuses the rest of a write in the same way."""
    done = subprocess.run(
        (sys.executable, "-c", FULL, str(limit), "run", str(many), "--until", "filter"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert f"agenttuning: cannot write {many.parent}/runs/many/{stage}/" in done.stderr
    assert done.stderr.endswith("nothing finished is lost, free space and continue with --resume\n")
    assert call("run", many, "--until", "filter", "--resume").code == 0
    assert call("run", many, "name=whole", "--until", "filter").code == 0
    for name in ("construct", "collect", "filter"):
        folder = many.parent / "runs"
        assert digest(folder / "many", name) == digest(folder / "whole", name)
    assert not list((many.parent / "runs").rglob("*.tmp"))


def test_the_folder_is_free_as_soon_as_its_process_is_killed(many: Path, call: Call) -> None:
    process = start("run", str(many), "--until", "collect")
    path = many.parent / "runs" / "many" / "2-collect" / "trajectories.jsonl"
    while size(path) == 0:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    told = call("run", many, "--until", "collect", "--resume")
    assert (told.code, "another process is working in" in told.sentence) == (1, True)
    process.kill()
    process.communicate()
    assert call("run", many, "--until", "collect", "--resume").code == 0

"""A file system that fills up in the middle of a stage: one sentence, nothing finished lost, the same digests later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.faults.small import CONTINUED, command, write_recipe

from agenttuning.environments.worlds.sandbox.bwrap import namespaces_allowed

STAGES = ("collect", "train", "evaluate", "report")
INSIDE = """
import json, os, subprocess, sys
from pathlib import Path
folder, *commands = Path(sys.argv[1]), *map(json.loads, sys.argv[2:])
mount = ("mount", "-t", "tmpfs", "-o", "size=64m", "none", folder)
subprocess.run(mount, check=True)
for before, command, spare in commands:
    subprocess.run(before, check=True, capture_output=True)
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    (folder / "ballast").write_bytes(bytes(free - spare))
    told = subprocess.run(command, capture_output=True, text=True)
    (folder / "ballast").unlink()
    left = [str(path) for path in folder.rglob(".*.tmp")]
    print(json.dumps([told.returncode, told.stdout, told.stderr, left]))
sys.path[:0] = [str(Path.cwd())]
from tests.faults.small import digests
print(json.dumps(digests(folder / "small")))
"""
"""In a mount namespace of its own, so that the file system ends with it."""


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif("AGENTTUNING_LONG" not in os.environ, reason="part of the long form: make faults")
@pytest.mark.skipif(not namespaces_allowed(), reason="a small file system needs a user namespace")
def test_a_full_disk_in_every_stage_that_writes_much(undisturbed: dict[str, str], tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path)
    (tmp_path / "runs").mkdir()
    spare = {"collect": 24_000, "train": 100_000, "evaluate": 24_000, "report": 8_000}
    before = {"collect": "construct", "train": "mix", "evaluate": "serve", "report": "evaluate"}
    steps = [
        json.dumps([command(recipe, "--until", before[stage]), command(recipe, "--until", stage), spare[stage]])
        for stage in STAGES
    ]
    steps.append(json.dumps([command(recipe), command(recipe), 8_000]))
    done = subprocess.run(
        ("unshare", "--user", "--map-root-user", "--mount", sys.executable, "-c", INSIDE, tmp_path / "runs", *steps),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    *told, final = map(json.loads, done.stdout.splitlines())
    for stage, (code, _, err, left) in zip(STAGES, told, strict=False):
        assert (code, left) == (1, []), (stage, err)
        assert "Traceback" not in err, stage
        assert CONTINUED in err, stage
    assert told[-1][0] == 0
    assert final == undisturbed

"""A recipe of seconds that passes through all nine stages, and the digests that an undisturbed run of it has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from agenttuning.core.run import STAGE_NAMES, Run

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = """
[construct.environments.alfworld]
tasks = { train = 20, test = 4 }
difficulty = "tiny"

[construct.environments.chat]
tasks = { train = 20, test = 4 }
difficulty = "tiny"

[mix]
examples = 30

[train]
model = "fresh"
shape = { hidden = 16, layers = 1, heads = 2, feed_forward = 16, max_length = 256 }
vocabulary = 300
batch_tokens = 256
max_length = 256
batching = "buckets"
steps = 12
checkpoint_every = 2

[evaluate]
sampling = { max_new_tokens = 4 }

[evaluate.models.tuned]
dtype = "float64"
"""
CONTINUED = "; nothing finished is lost, free space and continue with --resume"


def write_recipe(folder: Path) -> Path:
    """Write the recipe into a folder."""
    path = folder / "small.toml"
    path.write_text(f'runs = "{folder / "runs"}"\n{RECIPE}')
    return path


def command(recipe: Path, *words: str) -> tuple[str, ...]:
    """Return the command line of a run that continues."""
    return (sys.executable, "-m", "agenttuning", "run", str(recipe), "--resume", *words)


def call(recipe: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    variables = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command(recipe, *words), capture_output=True, text=True, check=False, env=variables)


def digests(folder: Path) -> dict[str, str]:
    """Return digests and counts of every finished stage of a run."""
    run = Run(folder)
    finished = {stage: run.manifest(stage) for stage in STAGE_NAMES}
    return {stage: json.dumps([one.outputs, one.counts]) for stage, one in finished.items() if one is not None}

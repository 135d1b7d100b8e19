"""kill -9 at random moments of collect, train and evaluate, each followed by `--resume`: what is lost, what is doubled.

    python benchmarks/kills.py [--kills 50] [--folder DIR] [--seed 0]

A small recipe runs undisturbed once. Then it runs again and again, killed at random moments in a stage drawn from the
three, until so many kills are done; the last runs are finished. A call with the same folder goes on where the one
before ended, so that batches add up: `--kills 10` five times is `--kills 50`. Before every resume the finished lines of
the episode files are noted: one that is missing at the end is lost, a key that stands there twice is doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from agenttuning.core.orphans import leftovers
from agenttuning.core.records import Trajectory
from agenttuning.core.run import STAGE_NAMES, Run
from agenttuning.core.store import read_records

STAGES = ("collect", "train", "evaluate")
RECIPE = """
[construct.environments.alfworld]
tasks = { train = 60, test = 12 }
difficulty = "tiny"

[construct.environments.database]
tasks = { train = 60, test = 12 }
difficulty = "tiny"

[construct.environments.chat]
tasks = { train = 60, test = 12 }
difficulty = "tiny"

[mix]
examples = 120

[train]
model = "fresh"
shape = { hidden = 32, layers = 2, heads = 2, feed_forward = 64, max_length = 512 }
vocabulary = 400
batch_tokens = 512
max_length = 512
batching = "buckets"
steps = 60
checkpoint_every = 4

[evaluate]
concurrency = 4
sampling = { max_new_tokens = 16 }

[evaluate.models.gold]
policy = "oracle"

[evaluate.models.tuned]
dtype = "float64"
"""


@dataclass(frozen=True)
class Kill:
    """One kill and what was finished then."""

    run: str
    stage: str
    """The first stage that was not finished."""
    episodes: int
    """Finished lines of all episode files."""


def main() -> int:
    """Kill, resume, compare, and print the table; exits with 1 when anything was lost, doubled or left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50, help="of this call")
    parser.add_argument("--folder", type=Path, help="of the runs; kept, and continued by a further call")
    parser.add_argument("--seed", type=int, default=None)
    told = parser.parse_args()
    folder = told.folder or Path(tempfile.mkdtemp(prefix="kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(XDG_STATE_HOME=str(folder / "state"), OMP_NUM_THREADS="1")
    (folder / "recipe.toml").write_text(RECIPE)
    whole = finish(folder, "whole")
    draw = random.Random(told.seed)
    began = time.monotonic()
    for number in range(told.kills):
        kill = disturb(folder, whole, draw)
        print(f"{number + 1}: {kill.run} killed in {kill.stage}, {kill.episodes} episodes finished", flush=True)
    print(f"{told.kills} kills in {time.monotonic() - began:.0f} s")
    return report(folder, whole)


def start(folder: Path, name: str) -> subprocess.Popen[bytes]:
    """Run or continue the recipe under a name."""
    words = ("run", str(folder / "recipe.toml"), f"name={name}", f"runs={folder / 'runs'}", "--resume")
    log = (folder / f"{name}.log").open("ab")
    return subprocess.Popen((sys.executable, "-m", "agenttuning", *words), stdout=log, stderr=log)


def finish(folder: Path, name: str) -> Run:
    """Let a run come to its end."""
    assert start(folder, name).wait() == 0, f"see {folder / f'{name}.log'}"
    return Run(folder / "runs" / name)


def disturb(folder: Path, whole: Run, draw: random.Random) -> Kill:
    """Kill the run in progress, or a new one where that is finished, at a random moment of a random stage."""
    while True:
        number = sum(1 for path in (folder / "runs").glob("killed-*") if unfinished(Run(path)) is None)
        run = Run(folder / "runs" / f"killed-{number:02}")
        left = [stage for stage in STAGES if run.manifest(stage) is None]
        stage = draw.choice(left) if left else STAGES[-1]
        manifest = whole.manifest(stage)
        assert manifest is not None
        before = begun(folder, run, stage)
        process = start(folder, run.folder.name)
        while process.poll() is None and begun(folder, run, stage) == before:
            time.sleep(0.005)
        deadline = time.monotonic() + draw.uniform(0.0, 0.8) * manifest.seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        ended = process.poll() is not None
        process.kill()
        process.wait()
        if not ended:
            return note(folder, run)


def begun(folder: Path, run: Run, stage: str) -> int:
    """Return how often a stage of a run has been begun, by what the command said."""
    log = folder / f"{run.folder.name}.log"
    return log.read_text().count(str(run.stage_folder(stage))) if log.exists() else 0


def unfinished(run: Run) -> str | None:
    """Return the first stage that is not finished."""
    return next((stage for stage in STAGE_NAMES if run.manifest(stage) is None), None)


def note(folder: Path, run: Run) -> Kill:
    """Write down where a run was killed, and every line that was finished."""
    finished = [line for path in episode_files(run) for line in whole_lines(path)]
    kill = Kill(run.folder.name, unfinished(run) or "after the last", len(finished))
    with (folder / f"{run.folder.name}.seen").open("ab") as file:
        file.writelines(finished)
    with (folder / "kills.jsonl").open("a") as file:
        file.write(json.dumps(asdict(kill)) + "\n")
    return kill


def episode_files(run: Run) -> list[Path]:
    """Return the files that hold one line per episode."""
    found = [run.stage_folder("collect") / "trajectories.jsonl"]
    found += [run.stage_folder("evaluate") / f"{model}.jsonl" for model in ("gold", "tuned")]
    return [path for path in found if path.exists()]


def whole_lines(path: Path) -> list[bytes]:
    """Return the complete lines of a file that may have been cut."""
    return [line for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def report(folder: Path, whole: Run) -> int:
    """Finish the last run, compare every run with the undisturbed one, and print the table."""
    kills = [Kill(**json.loads(line)) for line in (folder / "kills.jsonl").read_text().splitlines()]
    names = sorted({kill.run for kill in kills})
    lost, doubled, unequal = 0, 0, []
    for name in names:
        run = finish(folder, name)
        final = {line for path in episode_files(run) for line in whole_lines(path)}
        lost += len(set((folder / f"{name}.seen").read_bytes().splitlines(keepends=True)) - final)
        for path in episode_files(run):
            keys = Counter(one.key for one in read_records(path, Trajectory))
            doubled += sum(count - 1 for count in keys.values())
        same_code = revisions(run) == revisions(whole)  # the report names the revision of every stage
        compared = STAGE_NAMES if same_code else STAGE_NAMES[:-1]
        unequal += [f"{name} {stage}" for stage in compared if outputs(run, stage) != outputs(whole, stage)]
    left = [one.told for one in leftovers() if one.kind != "entry"]
    counts = Counter(kill.stage for kill in kills)
    print("\n| killed in | kills |\n| --- | ---: |")
    for stage in (*STAGE_NAMES, "after the last"):
        if counts[stage]:
            print(f"| {stage} | {counts[stage]} |")
    episodes = sum(kill.episodes for kill in kills)
    print(f"\n{len(kills)} kills of {len(names)} runs, {episodes} times a finished episode stood at risk")
    print(f"lost {lost}, doubled {doubled}, other digests {len(unequal)} {unequal}, left behind {len(left)} {left}")
    return int(bool(lost or doubled or unequal or left))


def revisions(run: Run) -> list[str]:
    """Return which revision of the code finished each stage."""
    return [manifest.git for stage in STAGE_NAMES if (manifest := run.manifest(stage)) is not None]


def outputs(run: Run, stage: str) -> tuple[dict[str, str], object]:
    """Return digests and counts of a finished stage."""
    manifest = run.manifest(stage)
    assert manifest is not None, f"{run.folder} has not finished {stage}"
    return manifest.outputs, manifest.counts


if __name__ == "__main__":
    sys.exit(main())

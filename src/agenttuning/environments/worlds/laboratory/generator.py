"""Draws experiments by seed; the two splits share no combination of a kind, its target and the things it needs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import digest
from agenttuning.environments.worlds.laboratory.draft import SIZES, Draft
from agenttuning.environments.worlds.laboratory.experiments import ALL, TINY

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.laboratory.scene import Experiment

SPLITS: Final = {"train": 20_000, "test": 1_000}
_TEST_SHARE: Final = 8
"""One combination in so many belongs to the test split, whatever the seed."""


def draw_experiment(index: int, *, split: str, difficulty: Difficulty, seed: int) -> Experiment:
    """Return the experiment of a number; kinds take turns."""
    stream = random.Random(f"{seed}/{difficulty}/{split}/{index}")
    kinds = TINY if difficulty == "tiny" else ALL
    while True:
        found = kinds[index % len(kinds)](Draft(stream, SIZES[difficulty]))
        if split_of(found) == split:
            return found


def split_of(experiment: Experiment) -> str:
    """Return the split that an experiment's combination belongs to."""
    rooms = ",".join(sorted(experiment.scene.rooms))
    named = ",".join(f"{role}={name}" for role, name in sorted(experiment.places.items()))
    return "test" if int(digest(f"{experiment.kind}:{rooms}:{named}"), 16) % _TEST_SHARE == 0 else "train"

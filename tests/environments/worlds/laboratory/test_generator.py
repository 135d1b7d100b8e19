"""Experiments drawn by seed: sound, solvable, varied, and apart from split to split."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.laboratory.engine import UNKNOWN, Laboratory
from agenttuning.environments.worlds.laboratory.expert import Expert
from agenttuning.environments.worlds.laboratory.generator import draw_experiment, split_of
from agenttuning.environments.worlds.laboratory.scene import Experiment

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty

SAMPLES = {"tiny": 300, "standard": 120, "hard": 80}


def sample(split: str, difficulty: Difficulty, *, seed: int = 0) -> list[Experiment]:
    return [draw_experiment(i, split=split, difficulty=difficulty, seed=seed) for i in range(SAMPLES[difficulty])]


@pytest.mark.parametrize("difficulty", SAMPLES)
def test_train_and_test_share_no_combination_whatever_the_seeds(difficulty: Difficulty) -> None:
    def combinations(experiments: list[Experiment]) -> set[str]:
        return {f"{one.kind} {sorted(one.scene.rooms)} {sorted(one.places.items())}" for one in experiments}

    train = combinations(sample("train", difficulty))
    test = combinations(sample("test", difficulty)) | combinations(sample("test", difficulty, seed=7))
    assert len(train) > 0.6 * SAMPLES[difficulty]
    assert not train & test
    assert {split_of(one) for one in sample("test", difficulty, seed=3)} == {"test"}


@pytest.mark.parametrize("difficulty", SAMPLES)
def test_scenes_are_sound(difficulty: Difficulty) -> None:
    for experiment in sample("train", difficulty):
        scene = experiment.scene
        names = [thing.name for thing in scene.things]
        assert len(names) == len(set(names))
        holders = {thing.name for thing in scene.things if thing.holds}
        assert {thing.where for thing in scene.things} <= holders | set(scene.rooms)
        assert sum(milestone.points for milestone in experiment.milestones) == 100
        made = {recipe.product for recipe in scene.recipes}
        grown = {f"{stage} {thing.species}" for thing in scene.things if thing.species for stage in ("flowering",)}
        grown |= {f"{thing.species} seedling" for thing in scene.things if thing.species}
        assert {milestone.thing for milestone in experiment.milestones} <= set(names) | made | grown


@pytest.mark.parametrize(("difficulty", "kinds", "longest"), [("tiny", 3, 4), ("standard", 11, 40), ("hard", 11, 70)])
def test_the_expert_reaches_100_with_valid_actions(difficulty: Difficulty, kinds: int, longest: int) -> None:
    seen: Counter[str] = Counter()
    for experiment in sample("test", difficulty):
        laboratory = Laboratory(experiment)
        actions = 0
        for move in Expert(laboratory).plan():
            assert laboratory.act(move.action) != UNKNOWN, (experiment.goal, move)
            actions += 1
            if laboratory.done:
                break
        assert laboratory.score == 100, experiment.goal
        assert actions <= longest
        seen[experiment.kind] += 1
    assert len(seen) == kinds


def test_the_expert_finds_only_what_it_has_seen() -> None:
    """Where places are not told, no thing is acted upon before it was shown."""
    for experiment in sample("train", "hard")[:32]:
        laboratory = Laboratory(experiment)
        shown = experiment.goal + laboratory.look()
        for move in Expert(laboratory).plan():
            named = [name for name in laboratory.things if name in move.action]
            assert all(name in shown for name in named), move
            shown += laboratory.act(move.action)
            if laboratory.done:
                break


def test_a_number_always_gives_the_same_experiment_and_quickly() -> None:
    began = time.process_time()
    for difficulty in SAMPLES:
        one, other = (draw_experiment(5, split="test", difficulty=difficulty, seed=2) for _ in range(2))
        assert one == other
        assert Experiment.model_validate_json(one.model_dump_json(exclude_defaults=True)) == one
    assert time.process_time() - began < 0.5

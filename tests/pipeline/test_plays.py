"""What is still to be played is told from the results alone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.episodes import episode

from agenttuning.pipeline.construct import Entry
from agenttuning.pipeline.plays import Play, PlayPlan, Results

if TYPE_CHECKING:
    from collections.abc import Sequence

WORLDS = ("alfworld", "database")
plans = st.builds(
    PlayPlan,
    samples=st.integers(1, 5),
    enough=st.none() | st.integers(1, 3),
    enough_per_world=st.dictionaries(st.sampled_from(WORLDS), st.integers(1, 12)),
)


def entries(count: int) -> list[Entry]:
    return [
        Entry(environment=world, split="train", task={"id": f"t{number}"})
        for world in WORLDS
        for number in range(count)
    ]


def outcome(play: Play, rate: float) -> bool:
    name = f"{play.entry.environment}/{play.entry.task['id']}/{play.sample}"
    return random.Random(name).random() < rate


def record(results: Results, play: Play, rate: float) -> None:
    results.held[play.entry.environment, str(play.entry.task["id"])][play.sample] = outcome(play, rate)


def play_all(plan: PlayPlan, tasks: Sequence[Entry], rate: float, results: Results) -> int:
    """Play wave after wave; return how many episodes were played."""
    played = 0
    while wave := list(plan.next_wave(tasks, results)):
        for play in wave:
            record(results, play, rate)
        played += len(wave)
    return played


@settings(max_examples=60)
@given(plans, st.integers(0, 15), st.sampled_from((0.0, 0.3, 1.0)), st.randoms())
def test_a_run_killed_anywhere_plays_the_same_episodes(
    plan: PlayPlan, count: int, rate: float, draw: random.Random
) -> None:
    tasks, whole, killed = entries(count), Results(), Results()
    play_all(plan, tasks, rate, whole)
    while wave := list(plan.next_wave(tasks, killed)):  # of every wave some end, in any order, before the kill
        for play in draw.sample(wave, draw.randint(1, len(wave))):
            record(killed, play, rate)
    assert killed.held == whole.held


@settings(max_examples=60)
@given(plans, st.integers(0, 15), st.sampled_from((0.0, 0.3, 1.0)))
def test_no_more_is_played_than_enough_asks_for(plan: PlayPlan, count: int, rate: float) -> None:
    tasks, results = entries(count), Results()
    assert play_all(plan, tasks, rate, results) == len(results)
    for held in results.held.values():
        assert sorted(held) == list(range(len(held)))
        assert len(held) <= plan.samples
        if plan.enough is None or sum(held.values()) < plan.enough:
            assert len(held) == plan.samples
        else:
            assert sum(held.values()) == plan.enough
            assert sum(list(dict(sorted(held.items())).values())[:-1]) < plan.enough
    for world, wanted in plan.enough_per_world.items():
        tried = [held for (name, _), held in results.held.items() if name == world]
        assert len(tried) == count or sum(sum(held.values()) for held in tried) >= wanted


def test_with_every_play_a_success_a_world_draws_exactly_what_it_wants() -> None:
    results = Results()
    assert play_all(PlayPlan(enough_per_world={"alfworld": 7}), entries(15), 1.0, results) == 7 + 15


def test_finished_trajectories_are_results() -> None:
    results = Results()
    results.add(episode(environment="alfworld", task="t0"))
    assert [play.entry.task["id"] for play in PlayPlan().next_wave(entries(2)[:2], results)] == ["t1"]

"""Laws of the filter that hold for every set of trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Failure, Message, Provenance, Score, StepRecord, Stop, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.pipeline import filter as stage
from agenttuning.pipeline.filter import Dropped, FilterConfig, keep, rules

if TYPE_CHECKING:
    import random
    from pathlib import Path

    import pytest
    from pydantic import JsonValue

WORLDS = ("alfworld", "chat", "mind2web")
MADE = Provenance(source="synthetic-v1", difficulty="tiny", environment_version="x/1", prompt="", policy="oracle")
REWARDS = (0.0, 0.5, 2 / 3, 0.99, 1.0)


@st.composite
def episodes(draw: st.DrawFn) -> Trajectory:
    messages: list[Message] = [Message(role="system", content="s")] if draw(st.booleans()) else []
    steps = []
    for reply, valid, trained in draw(
        st.lists(st.tuples(st.sampled_from(["a", "b", " "]), st.booleans(), st.booleans()), max_size=3)
    ):
        messages.append(Message(role=draw(st.sampled_from(["user"] * 9 + ["assistant"])), content="go", train=None))
        steps.append(StepRecord(message=len(messages), action=reply, valid=valid))
        messages.append(Message(role="assistant", content=reply, train=trained))
    reward = draw(st.sampled_from(REWARDS))
    failed = draw(st.integers(0, 9)) == 0
    return Trajectory(
        environment=draw(st.sampled_from(WORLDS)),
        task=str(draw(st.integers(0, 9))),
        split="train",
        sample=draw(st.integers(0, 1)),
        messages=tuple(messages),
        steps=tuple(steps),
        stop=Stop.ERROR if failed else Stop.DONE,
        score=Score(reward=reward, success=reward == 1.0),
        failure=Failure(side="environment", error="E", message="") if failed else None,
        provenance=MADE,
    )


played = st.lists(episodes(), max_size=20, unique_by=lambda one: one.key)
configs = st.builds(
    FilterConfig,
    threshold=st.sampled_from(REWARDS),
    thresholds=st.dictionaries(st.sampled_from(WORLDS), st.sampled_from(REWARDS), max_size=2),
    max_invalid_share=st.sampled_from((0.0, 0.5, 1.0)),
    drop_duplicates=st.booleans(),
)
Judged = tuple[list[Trajectory], list[Dropped], dict[str, "JsonValue"]]


def judge(folder: Path, trajectories: list[Trajectory], config: FilterConfig) -> Judged:
    run = Run(folder)
    begun = run.open("collect", StageConfig())
    write_records(begun.folder / "trajectories.jsonl", trajectories)
    begun.finish(outputs=("trajectories.jsonl",), counts={})
    counts = stage.run(config, run).counts
    kept = list(read_records(run.output("filter", "kept.jsonl"), Trajectory))
    return kept, list(read_records(run.output("filter", "dropped.jsonl"), Dropped)), counts


@settings(max_examples=25, deadline=None)
@given(played, configs, st.randoms(use_true_random=False))
def test_every_trajectory_is_kept_or_dropped_with_a_reason_and_the_table_says_so(
    tmp_path_factory: pytest.TempPathFactory,
    trajectories: list[Trajectory],
    config: FilterConfig,
    draw: random.Random,
) -> None:
    kept, dropped, counts = judge(tmp_path_factory.mktemp("a"), trajectories, config)
    assert sorted([*kept, *(row.trajectory for row in dropped)], key=lambda one: one.key) == sorted(
        trajectories, key=lambda one: one.key
    )
    assert all(row.reason for row in dropped)
    table, rejected = counts["table"], counts["rejected"]
    assert isinstance(table, dict)
    assert isinstance(rejected, dict)
    for world in {one.environment for one in trajectories}:
        row, reasons = table[world], rejected.get(world, {})
        assert isinstance(row, dict)
        assert isinstance(reasons, dict)
        mine = [one for one in kept if one.environment == world]
        assert row["kept"] == len(mine)
        assert row["trajectories"] == len(mine) + sum(n for n in reasons.values() if isinstance(n, int))
        assert row["instructions"] == len({one.task for one in trajectories if one.environment == world})
        assert row["mean_turns"] == (round(sum(one.turns for one in mine) / len(mine), 2) if mine else 0.0)
    shuffled = draw.sample(trajectories, len(trajectories))
    assert judge(tmp_path_factory.mktemp("b"), shuffled, config) == (kept, dropped, counts)
    assert judge(tmp_path_factory.mktemp("c"), kept, config)[:2] == (kept, [])


@given(episodes(), configs)
def test_what_is_kept_may_be_learned_from_and_all_of_that_is_kept(one: Trajectory, config: FilterConfig) -> None:
    dialogue = [message for message in one.messages if message.role != "system"]
    good = (
        one.failure is None,
        one.score.reward >= config.thresholds.get(one.environment, config.threshold),
        [message.role for message in dialogue] == ["user", "assistant"] * (len(dialogue) // 2),
        any(message.train for message in dialogue),
        all(message.content.strip() for message in dialogue),
        sum(not step.valid for step in one.steps) <= config.max_invalid_share * len(one.steps),
    )
    assert keep(one, rules(config)).kept == all(good)


@given(episodes(), configs, st.sampled_from(REWARDS))
def test_a_stricter_filter_keeps_no_more(one: Trajectory, config: FilterConfig, threshold: float) -> None:
    lower, higher = sorted((config.threshold, threshold))
    lenient, strict = (config.model_copy(update={"threshold": value}) for value in (lower, higher))
    assert keep(one, rules(lenient)).kept >= keep(one, rules(strict)).kept
    never_invalid = config.model_copy(update={"max_invalid_share": 0.0})
    assert keep(one, rules(config)).kept >= keep(one, rules(never_invalid)).kept


@given(st.lists(episodes(), min_size=1, max_size=3), st.integers(2, 4), st.booleans())
def test_one_of_equal_dialogues_stays_when_asked(some: list[Trajectory], copies: int, drop: bool) -> None:
    config = FilterConfig(threshold=0.0, thresholds={}, drop_duplicates=drop)
    played = [
        one.model_copy(update={"task": f"{number}", "sample": sample})
        for number, one in enumerate(some)
        for sample in range(copies)
    ]
    contents = [tuple(m.content for m in one.messages) for one in some if keep(one, rules(config)).kept]
    judged = list(stage.judge(played, config))
    kept = [tuple(m.content for m in one.trajectory.messages) for one in judged if one.verdict.kept]
    assert sorted(kept) == sorted(set(contents) if drop else contents * copies)

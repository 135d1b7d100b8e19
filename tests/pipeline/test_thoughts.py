"""Thoughts that a second model writes: the action stays to the byte, the record says who wrote what."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.faults.teacher_server import Settings, running_teacher
from tests.pipeline.rooms import ROOMS, Rooms

from agenttuning.core.records import Message, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.environments import load_environment
from agenttuning.errors import BudgetError, PolicyError
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, Entry
from agenttuning.pipeline.thoughts import Kind, Writer, clean_thought, find_turns
from agenttuning.policies import ModelConfig, OracleConfig, ScriptedConfig, open_player

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.core.records import Sampling

WORLDS = ("alfworld", "database", "webshop", "mind2web", "knowledge_graph", "card_game", "miniwob")
MISSING: tuple[Kind, ...] = ("missing",)
HINDSIGHT: tuple[Kind, ...] = ("hindsight",)


class Muse:
    """A model that says the same to everyone, or raises it."""

    name = "muse"

    def __init__(self, said: str | PolicyError = "This follows from what I see.") -> None:
        self.said = said
        self.asked: list[str] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.asked.append(messages[-1].content)
        if isinstance(self.said, PolicyError):
            raise self.said
        return Reply(content=self.said)


def first_entry(world: str) -> Entry:
    kind = load_environment(world)
    config = kind.config_type(difficulty="tiny")
    task = next(iter(islice(kind.load("train", config), 1)))
    return Entry(environment=world, split="train", task=task.model_dump(mode="json", exclude_defaults=True))


def play(entry: Entry, *, silent: bool) -> Trajectory:
    """Play the oracle's solution, with its thoughts or the bare actions."""

    async def scenario(replies: tuple[str, ...]) -> Trajectory:
        kind = load_environment(entry.environment)
        policy = ScriptedConfig(replies=replies, name="quiet") if replies else OracleConfig()
        async with open_player(policy) as player:
            return await rollout(kind(kind.task_type.model_validate(entry.task)), player, split="train")

    solved = asyncio.run(scenario(()))
    if not silent:
        return solved
    turns = {turn.step: turn.action for turn in find_turns(solved, HINDSIGHT)}
    bare = tuple(turns.get(number, solved.messages[step.message].content) for number, step in enumerate(solved.steps))
    return asyncio.run(scenario(bare))


def repair(
    trajectory: Trajectory, entry: Entry, muse: Muse, kinds: tuple[Kind, ...] = MISSING
) -> tuple[Trajectory, dict[str, int]]:
    counts: Counter[str] = Counter()
    repaired = asyncio.run(Writer(muse, ModelConfig(), kinds).repaired(trajectory, entry, counts))
    return repaired, dict(+counts)


@pytest.mark.parametrize("world", WORLDS)
def test_a_missing_thought_is_added_before_an_action_that_stays_to_the_byte(world: str) -> None:
    entry = first_entry(world)
    quiet = play(entry, silent=True)
    assert quiet.score.reward == 1.0, "the world needs no thought"
    wanted = len(list(find_turns(quiet, MISSING)))
    assert wanted
    repaired, counts = repair(quiet, entry, Muse())
    assert counts == {"missing": wanted}
    for before, after in zip(quiet.steps, repaired.steps, strict=True):
        old, new = quiet.messages[before.message].content, repaired.messages[after.message].content
        assert new.endswith(old)
        if after.thought_by is None:
            assert new == old
        else:
            assert after.thought_by == "muse"
            assert new[: -len(old)].split(":", 1)[1].strip() == "This follows from what I see."
    assert [one for one in repaired.messages if one.role == "user"] == [
        one for one in quiet.messages if one.role == "user"
    ]
    assert Trajectory.model_validate_json(repaired.model_dump_json(exclude_defaults=True)) == repaired
    assert repair(repaired, entry, Muse("Something else."))[0] == repaired  # nothing is written twice


def test_hindsight_replaces_the_thoughts_of_gold_actions_and_nobody_elses() -> None:
    entry = first_entry("mind2web")
    gold, muse = play(entry, silent=False), Muse()
    repaired, counts = repair(gold, entry, muse, HINDSIGHT)
    assert counts == {"hindsight": len(gold.steps)}
    said = repaired.messages[repaired.steps[0].message].content
    assert said.startswith("Thought: This follows from what I see.\nAnswer: ")
    assert repaired.score == gold.score
    assert "This move is known to be right." in muse.asked[0]
    assert gold.messages[gold.steps[0].message].content not in muse.asked[0]  # its old thought is not shown
    assert repair(play(entry, silent=True), entry, muse, HINDSIGHT)[1] == {}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "left: no thought in the answer"),
        ("Action: DROP TABLE", "left: no thought in the answer"),
        ("word " * 100_000, "left: no thought in the answer"),
        (PolicyError("refused"), "left: no answer"),
        (BudgetError("used up"), "left: budget"),
    ],
)
def test_an_answer_that_is_no_thought_leaves_the_turn_alone(said: str | PolicyError, reason: str) -> None:
    entry = first_entry("database")
    quiet = play(entry, silent=True)
    assert repair(quiet, entry, Muse(said)) == (quiet, {reason: len(quiet.steps)})


def test_a_world_that_reads_thoughts_keeps_its_dialogue_as_it_was() -> None:
    entry = Entry(environment=ROOMS, split="train", task={"id": "x", "colour": "red"})
    quiet = play(entry, silent=True)
    assert quiet.stop is Stop.DONE
    assert repair(quiet, entry, Muse()) == (quiet, {"left: the world takes the turn otherwise": 1})


def test_a_lost_dialogue_is_worth_no_call() -> None:
    async def scenario() -> Trajectory:
        async with open_player(ScriptedConfig(replies=("Action: open no door",) * 3)) as player:
            return await rollout(Rooms(next(iter(Rooms.load("train")))), player)

    assert list(find_turns(asyncio.run(scenario()), MISSING)) == []


@given(
    st.text(),
    st.sampled_from(("", "Thought: ", "THOUGHT:", "\nThink:\n")),
    st.sampled_from(("", "\nAction: go", "\nAct: x")),
)
def test_a_thought_is_one_paragraph_without_marks(text: str, before: str, after: str) -> None:
    cleaned = clean_thought(before + text + after)
    assert "\n" not in cleaned
    assert "Action: go" not in cleaned
    assert clean_thought(cleaned) == cleaned or cleaned.startswith(("Thought", "THOUGHT", "Think"))


def test_collect_repairs_in_a_pass_of_its_own_and_pays_for_each_thought_once(tmp_path: Path) -> None:
    settings = Settings(log=tmp_path / "log.jsonl", answers=tmp_path / "answers.json", fault_share=0.0)
    settings.answers.write_text(json.dumps({}))
    worlds = {"mind2web": {"tasks": {"train": 3, "test": 0}, "difficulty": "tiny"}}
    with running_teacher(settings) as url:
        run = Run(tmp_path / "run")
        construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
        writer = {"kind": "openai", "base_url": url, "model": "m", "name": "writer"}
        config = CollectConfig.model_validate({"thoughts": {"policy": writer, "kinds": ["hindsight", "missing"]}})
        manifest = collect.run(config, run)
        played = list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))
        steps = [step for one in played for step in one.steps]
        assert {step.thought_by for step in steps} == {"writer"}
        assert manifest.counts["thoughts"] == {"hindsight": len(steps)}
        asked = settings.log.read_bytes()
        resumed = Run(tmp_path / "run", resume=True)
        (resumed.stage_folder("collect") / "manifest.json").unlink()
        assert collect.run(config, resumed).outputs == manifest.outputs
        assert settings.log.read_bytes() == asked
    assert not (run.stage_folder("collect") / "repaired.jsonl").exists()

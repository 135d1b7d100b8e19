"""The Knowledge Graph environment: protocol, reward, oracle, configuration."""

import asyncio
import json
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.playing import play

from agenttuning.core.records import Difficulty, Stop, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments import load_environment
from agenttuning.environments.held_in.knowledge_graph import KnowledgeGraph, KnowledgeGraphConfig, KnowledgeGraphTask
from agenttuning.environments.worlds.graph.scoring import f1
from agenttuning.environments.worlds.graph.triples import number
from agenttuning.errors import DataError
from agenttuning.policies.oracle import oracle_player

GOLDEN = Path(__file__).parents[1] / "golden" / "knowledge_graph.json"
DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
STAFF = "organisation.company.employees"
TASK = KnowledgeGraphTask(
    id="q",
    shape="one hop",
    question="Who works for Moss, Ltd?",
    entities={"Moss, Ltd": "m.moss", "Fern (Books)": "m.fern"},
    answer=("m.ada", "m.bob"),
    actions=("get_relations(m.moss)", f"get_neighbors(m.moss,{STAFF})"),
    triples=(
        ("m.moss", STAFF, "m.ada"),
        ("m.moss", STAFF, "m.bob"),
        ("m.fern", STAFF, "m.bob"),
        ("m.fern", STAFF, "m.cid"),
        ("m.fern", "organisation.company.annual_revenue_millions", number(2.5)),
    ),
)
MOSS = ("Action: get_relations(Moss, Ltd)", f"Action: get_neighbors(Moss, Ltd, {STAFF})")
FERN = ("Action: get_relations(Fern (Books))", f"Action: get_neighbors(Fern (Books), {STAFF})")


def _play(task: KnowledgeGraphTask, *replies: str) -> Trajectory:
    return play(KnowledgeGraph(task), *replies)


def _oracle(task: KnowledgeGraphTask) -> Trajectory:
    return asyncio.run(rollout(KnowledgeGraph(task), oracle_player))


def test_an_episode_is_stored_as_the_model_saw_it() -> None:
    played = _play(TASK.model_copy(update={"instruction": "Walk."}), *MOSS, "Final Answer: #0")
    assert len(played.messages) == 2 + 16 + 1 + 5
    opening, example, rest = played.messages[:2], played.messages[2:18], played.messages[18:]
    assert [message.content for message in opening] == ["Walk.", "I've understood your instruction, start please."]
    assert [message.role for message in example] == ["user", "assistant"] * 8
    assert {message.train for message in (*opening, *example) if message.role == "assistant"} == {False}
    assert [(message.role, message.content, message.train) for message in rest] == [
        ("user", "A new question: Who works for Moss, Ltd?\nEntities: [Moss, Ltd, Fern (Books)]", None),
        ("assistant", MOSS[0], True),
        ("user", f"Observation: [{STAFF}]", None),
        ("assistant", MOSS[1], True),
        ("user", "Observation: variable #0, which are instances of people.person", None),
        ("assistant", "Final Answer: #0", True),
    ]
    assert (played.stop, played.score.reward, played.turns) == (Stop.DONE, 1.0, 3)
    assert [step.action for step in played.steps] == [
        "get_relations(Moss, Ltd)",
        f"get_neighbors(Moss, Ltd, {STAFF})",
        "Final Answer: #0",
    ]


def test_an_invented_observation_is_neither_read_nor_kept() -> None:
    played = _play(TASK, f"{MOSS[0]}\nObservation: [x]\nFinal Answer: #0", "get\\_relations", *MOSS, "Final Answer: #0")
    assert played.messages[19].content == f"{MOSS[0]}\n"
    assert played.messages[21].content == "get_relations"
    assert played.turns == 5
    assert played.score.success


@pytest.mark.parametrize(
    ("replies", "reward", "executable"),
    [
        ((*MOSS, "Final Answer: #0"), 1.0, 1.0),
        ((*FERN, "Final Answer: #0"), 0.5, 1.0),
        ((*MOSS, *FERN, "Action: intersection(#0, #1)", "Final Answer: #2"), 2 / 3, 1.0),
        ((*MOSS, "Action: count(#0)", "Final Answer: #1"), 0.0, 1.0),
        ((*MOSS, "Action: count(#0)", "Action: intersection(#0, #1)", "Final Answer: #2"), 0.0, 0.0),
        (("I do not know.",), 0.0, 0.0),
        (("Final Answer: #0",), 0.0, 0.0),
    ],
)
def test_the_reward_is_f1_and_success_an_exact_match(
    replies: tuple[str, ...], reward: float, executable: float
) -> None:
    score = _play(TASK, *replies).score
    assert score.reward == pytest.approx(reward)
    assert score.success == (reward == 1.0)
    assert score.metrics == pytest.approx({"f1": reward, "exact_match": float(reward == 1.0), "executable": executable})


def test_f1_is_the_harmonic_mean() -> None:
    assert f1({"a", "b"}, {"b", "c", "d"}) == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))
    assert (f1(set(), {"a"}), f1({"a"}, set()), f1(set(), set()), f1({"a"}, {"a"})) == (0, 0, 0, 1)


def test_fifteen_replies_and_no_more() -> None:
    assert _play(TASK, *MOSS, *["nothing"] * 12, "Final Answer: #0").score.success
    played = _play(TASK, *MOSS, *["nothing"] * 13, "Final Answer: #0")
    assert (played.stop, played.turns, played.score.reward) == (Stop.TURNS, 15, 0.0)


def test_parity_decides_whether_names_break_arguments() -> None:
    strict = TASK.model_copy(update={"parity": "strict"})
    assert not _play(strict, *MOSS, "Final Answer: #0").score.success
    assert _oracle(strict).score.success
    assert "get_relations(m.moss)" in _oracle(strict).messages[19].content
    assert "get_relations(Moss, Ltd)" in _oracle(TASK).messages[19].content


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.text("#01,() -m.oafcuntie\\", max_size=40).map(lambda text: f"Action: {text}"),
        st.builds("Action: {}({})".format, st.sampled_from(["count", "argmax", "get_relations"]), st.text(max_size=30)),
    ),
    st.sampled_from(["strict", "repaired"]),
)
def test_noise_never_raises_and_never_wins(reply: str, parity: str) -> None:
    played = _play(TASK.model_copy(update={"parity": parity}), reply, "Final Answer: #9")
    assert played.failure is None
    assert not played.score.success


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_oracle_solves_every_generated_task(difficulty: Difficulty) -> None:
    for split in ("train", "test"):
        for task in islice(KnowledgeGraph.load(split, KnowledgeGraphConfig(difficulty=difficulty)), 40):
            played = _oracle(task)
            assert (played.score.reward, played.stop) == (1.0, Stop.DONE), played
            assert all(step.valid for step in played.steps)
            assert all(message.content.startswith("Thought: ") for message in played.messages if message.train)


def test_tiny_dialogues_are_short() -> None:
    for task in islice(KnowledgeGraph.load("train", KnowledgeGraphConfig(difficulty="tiny")), 100):
        played = _oracle(task)
        assert 3 <= played.turns <= 5
        assert max(len(message.content) for message in played.messages[1:]) <= 200
        assert sum(len(message.content) for message in played.messages) < 1_600


def test_opening_messages_and_observations_stay_as_recorded() -> None:
    """Golden: a changed line here changes what every number of this environment means; raise `version` with it."""
    recorded = {}
    for difficulty in DIFFICULTIES:
        for split in ("train", "test"):
            task = next(iter(KnowledgeGraph.load(split, KnowledgeGraphConfig(difficulty=difficulty, seed=11))))
            recorded[f"{difficulty}/{split}"] = [message.content for message in _oracle(task).messages]
    assert recorded == json.loads(GOLDEN.read_text())


def test_episodes_at_once_are_the_episodes_one_by_one() -> None:
    tasks = list(islice(KnowledgeGraph.load("test", KnowledgeGraphConfig(difficulty="hard")), 12))

    async def together() -> list[Trajectory]:
        entries = ((KnowledgeGraph(task), "test", 0) for task in tasks)
        return [played async for played in rollouts(entries, oracle_player, concurrency=8)]

    assert {played.task: played for played in asyncio.run(together())} == {task.id: _oracle(task) for task in tasks}


def test_tasks_survive_json_and_name_what_made_them() -> None:
    config = KnowledgeGraphConfig(difficulty="tiny", backend="virtuoso", parity="strict")
    for task in islice(KnowledgeGraph.load("train", config), 5):
        assert KnowledgeGraphTask.model_validate_json(task.model_dump_json()) == task
        assert (task.source, task.difficulty, task.backend) == ("synthetic-v1", "tiny", "virtuoso")
        assert KnowledgeGraph(task).variant() == "react-2023 strict, virtuoso"


def test_an_unknown_split_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"no split 'tset' \(did you mean 'test'\?\); known: train, test"):
        KnowledgeGraph.load("tset")


def test_it_is_found_by_its_id() -> None:
    assert load_environment("knowledge_graph") is KnowledgeGraph
    assert KnowledgeGraph.splits() == {"train": 20_000, "test": 1_000}

"""Generated questions: sound, seeded, apart; the worked example is a true play."""

import asyncio
import re
from functools import cache
from itertools import islice

import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.graph.actions import gold_calls, gold_programs
from agenttuning.environments.worlds.graph.embedded import EmbeddedStore
from agenttuning.environments.worlds.graph.evaluation import Graph
from agenttuning.environments.worlds.graph.example import OBSERVATIONS, REPLIES
from agenttuning.environments.worlds.graph.full_schema import FULL
from agenttuning.environments.worlds.graph.generator import MAX_ANSWERS, Question, questions
from agenttuning.environments.worlds.graph.ontology import Ontology
from agenttuning.environments.worlds.graph.programs import Superlative, walk
from agenttuning.environments.worlds.graph.session import Session
from agenttuning.environments.worlds.graph.tiny_schema import TINY
from agenttuning.environments.worlds.graph.tools import Toolbox
from agenttuning.environments.worlds.graph.triples import number

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")


@cache
def _drawn(difficulty: Difficulty, *, test: bool = False, count: int = 120, seed: int = 0) -> list[Question]:
    return list(questions(difficulty, seed=seed, test=test, count=count))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_answer_is_what_the_gold_calls_find(difficulty: Difficulty) -> None:
    for question in _drawn(difficulty):
        program = gold_programs(question.actions)[-1]
        assert gold_calls(program) == question.actions
        assert Graph(question.triples).answer(program) == set(question.answer)
        assert 1 <= len(question.answer) <= MAX_ANSWERS
        assert len(question.actions) < 15
        assert all(name in question.text for name in question.entities)
        assert not set(question.answer) & set(question.entities.values())


@pytest.mark.parametrize(
    ("difficulty", "shapes"),
    [
        ("tiny", {"one hop", "two hops", "count", "superlative"}),
        ("standard", {"one hop", "two hops", "three hops", "count", "superlative", "both", "both after two"}),
        ("hard", {"three hops", "four hops", "both after two each", "both, then on", "count after two"}),
    ],
)
def test_every_kind_of_question_comes_up(difficulty: Difficulty, shapes: set[str]) -> None:
    assert shapes <= {question.shape for question in _drawn(difficulty)}


def test_a_superlative_has_rivals_and_one_winner() -> None:
    for question in _drawn("hard"):
        graph = Graph(question.triples)
        for part in walk(gold_programs(question.actions)[-1]):
            if isinstance(part, Superlative):
                assert len(graph.members(part)) == 1
                assert len(graph.members(part.of)) >= 2


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_train_and_test_share_no_entity(difficulty: Difficulty) -> None:
    things = [
        {
            subject
            for question in _drawn(difficulty, test=test, seed=seed, count=40)
            for subject, _, _ in question.triples
        }
        for test, seed in ((False, 0), (True, 0), (True, 7))
    ]
    assert things[0].isdisjoint(things[1] | things[2])
    assert {len(part) > 50 for part in things} == {True}


def test_the_same_seed_gives_the_same_questions_and_another_seed_others() -> None:
    assert _drawn("hard", count=10) == _drawn("hard", count=20)[:10]
    assert _drawn("hard", count=10) != _drawn("hard", count=10, seed=1)
    texts = {(question.text, question.triples) for question in _drawn("tiny", count=300)}
    assert len(texts) == 300


def test_some_names_hold_commas_and_parentheses() -> None:
    names = [name for question in _drawn("standard") for name in question.entities]
    assert any("," in name for name in names)
    assert any(")" in name for name in names)


def test_every_relation_has_an_inverse_and_words_for_one_and_for_several() -> None:
    for schema in (FULL, TINY):
        assert len(schema.relations) == 2 * len(schema.links)
        assert schema.ontology.relations.isdisjoint(schema.ontology.attributes)
        kinds = {kind.type for kind in schema.kinds}
        for relation in schema.relations.values():
            assert {relation.domain, relation.range} <= kinds
            assert re.fullmatch(rf"{relation.domain}\.\w+", relation.name)
            for wording in relation.wordings:
                assert wording.one.count("{x}") == wording.several.count("{x}") == 1
        assert {measure.domain for measure in schema.measures} <= kinds


def test_the_worked_example_can_be_played() -> None:
    climbs, kind, height = (
        "geography.mountaineer.first_ascents",
        "geography.mountain_type",
        "geography.mountain.prominence",
    )
    triples = [
        ("m.ew", climbs, "m.1"),
        ("m.ew", climbs, "m.2"),
        ("m.ew", "people.person.nationality", "m.uk"),
        ("m.ew", "people.person.profession", "m.job"),
        *(("m.sv", f"{kind}.mountains_of_this_type", f"m.{place}") for place in range(1, 4)),
        *((f"m.{place}", height, number(place)) for place in range(1, 4)),
        *((f"m.{place}", "geography.mountain.date_of_first_ascent", number(place)) for place in range(1, 4)),
    ]
    ontology = Ontology(
        relations={relation for _, relation, _ in triples} - {height, "geography.mountain.date_of_first_ascent"},
        attributes={height, "geography.mountain.date_of_first_ascent"},
        ranges={climbs: "geography.mountain", f"{kind}.mountains_of_this_type": "geography.mountain"},
    )

    async def play() -> list[str]:
        store = EmbeddedStore(triples)
        await store.open()
        tools = Toolbox(store, ontology=ontology, parity="strict")
        session = Session(tools, entities={"edward whymper": "m.ew", "stratovolcano": "m.sv"}, parity="strict")
        turns = [await session.take(reply) for reply in REPLIES]
        assert turns[-1].answer == ("m.2",)
        return [turn.observation for turn in turns[:-1]]

    assert tuple(asyncio.run(play())) == OBSERVATIONS


def test_loading_is_lazy() -> None:
    assert len(list(islice(questions("hard", seed=0, test=False, count=10**9), 2))) == 2

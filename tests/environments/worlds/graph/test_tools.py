"""The seven tools: what they give, what they refuse, and that nothing in an argument reaches a query."""

import asyncio
from collections.abc import Sequence

import pytest

from agenttuning.environments.worlds.graph.embedded import EmbeddedStore
from agenttuning.environments.worlds.graph.ontology import Ontology
from agenttuning.environments.worlds.graph.queries import Parity
from agenttuning.environments.worlds.graph.session import Session, Turn
from agenttuning.environments.worlds.graph.tools import Toolbox
from agenttuning.environments.worlds.graph.triples import Triple

ONTOLOGY = Ontology(
    relations=frozenset({"people.person.children", "people.person.parents", "people.person.friend", "p.no_range"}),
    attributes=frozenset({"people.person.height", "people.person.born"}),
    ranges={
        "people.person.children": "people.person",
        "people.person.parents": "people.person",
        "people.person.friend": "people.friend",
    },
)
ENTITIES = {"Ann": "m.ann", "Bob (the elder), sr": "m.bob", "Gee": "g.1"}
CHILDREN = ("Action: get_relations(Ann)", "Action: get_neighbors(Ann, people.person.children)")
BOTH = (
    *CHILDREN,
    "Action: get_relations(m.bob)",
    "Action: get_neighbors(m.bob, people.person.children)",
)
MISTAKE = "cannot be executed. You may make a mistake and need to fix it."


def talk(triples: Sequence[Triple], *replies: str, parity: Parity = "repaired") -> list[Turn]:
    async def episode() -> list[Turn]:
        store = EmbeddedStore(triples)
        await store.open()
        tools = Toolbox(store, ontology=ONTOLOGY, parity=parity, known=frozenset(ENTITIES.values()))
        session = Session(tools, entities=ENTITIES, parity=parity)
        turns = [await session.take(reply) for reply in replies]
        await store.close()
        return turns

    return asyncio.run(episode())


def test_relations_are_the_vocabularys_and_sorted(family: tuple[Triple, ...]) -> None:
    (ann, nobody) = talk(family, "Action: get_relations(Ann)", "Action: get_relations(m.nobody)")
    assert ann.observation == "Observation: [people.person.children]"
    assert nobody.observation == "Observation: []"
    turns = talk(family, *CHILDREN, "Action: get_relations(#0)")
    assert turns[-1].observation == "Observation: [people.person.friend, people.person.parents]"


def test_a_chain_makes_variables_and_an_answer(family: tuple[Triple, ...]) -> None:
    turns = talk(family, *BOTH, "Action: intersection(#0, #1)", "Action: count(#0)", "Final Answer: #2")
    assert [turn.observation for turn in turns] == [
        "Observation: [people.person.children]",
        "Observation: variable #0, which are instances of people.person",
        "Observation: [people.person.children]",
        "Observation: variable #1, which are instances of people.person",
        "Observation: variable #2, which are instances of people.person",
        "Observation: variable #3, which is a number",
        "",
    ]
    assert turns[-1].answer == ("m.dan",)
    assert all(turn.valid for turn in turns)
    assert talk(family, *BOTH, "Action: count(#0)", "Final Answer: #2")[-1].answer == ("2",)


@pytest.mark.parametrize(
    ("function", "attribute", "answer"),
    [
        ("argmax", "people.person.height", ("m.dan",)),
        ("argmin", "people.person.height", ("m.cara",)),
        ("argmax", "people.person.born", ("m.cara",)),
        ("argmin", "people.person.born", ("m.dan",)),
    ],
)
def test_superlatives_compare_numbers_and_dates(
    family: tuple[Triple, ...], function: str, attribute: str, answer: tuple[str, ...]
) -> None:
    steps = (*CHILDREN, "Action: get_attributes(#0)", f"Action: {function}(#0, {attribute})", "Final Answer: #1")
    turns = talk(family, *steps)
    assert turns[2].observation == "Observation: [people.person.born, people.person.height]"
    assert turns[3].observation == "Observation: variable #1, which are instances of people.person"
    assert turns[-1].answer == answer


def test_ties_all_win(family: tuple[Triple, ...]) -> None:
    bob = ("Action: get_relations(m.bob)", "Action: get_neighbors(m.bob, people.person.children)")
    steps = (*bob, "Action: get_attributes(#0)", "Action: argmax(#0, people.person.height)", "Final Answer: #1")
    assert talk(family, *steps)[-1].answer == ("m.dan", "m.eve")


@pytest.mark.parametrize(
    ("reply", "observation"),
    [
        ("I think.", "No executable function found! Need to recheck the action."),
        ("Action: think", "Function is not executed!"),
        ("Final Answer: #7", "Invalid variable id! Need to recheck the action."),
        ("Action: get_neighbors(Ann, people.person.friend)", f"get_neighbors(Ann, people.person.friend) {MISTAKE}"),
        (
            "Action: get_neighbors(m.bob, people.person.children)",
            f"get_neighbors(m.bob, people.person.children) {MISTAKE}",
        ),
        ("Action: get_relations(#5)", f"get_relations(#5) {MISTAKE}"),
        ("Action: get_relations(#-9)", f"get_relations(#-9) {MISTAKE}"),
        ("Action: get_relations(Zed)", f"get_relations(Zed) {MISTAKE}"),
        ("Action: get_relations(Ann, #0)", f"get_relations(Ann, #0) {MISTAKE}"),
        ("Action: count(Ann)", f"count(Ann) {MISTAKE}"),
        ("Action: get_attributes(Ann)", f"get_attributes(Ann) {MISTAKE}"),
        ("Action: argmax(#0, people.person.height)", f"argmax(#0, people.person.height) {MISTAKE}"),
        ("Action: argmax(#0, #0)", f"argmax(#0, #0) {MISTAKE}"),
        ("Action: get_neighbors(Ann, #0)", f"get_neighbors(Ann, #0) {MISTAKE}"),
        (
            "Action: intersection(#0, m.ann)",
            (
                "intersection(#0, m.ann) cannot be executed. The two variables are not of the same type. "
                "You may further explore them by call get_relations"
            ),
        ),
        (
            "Action: union(#0, #0)",
            (
                "I may make a syntax error when calling union (e.g., unmatched parenthesis). "
                "I need to fix it and reuse the tool"
            ),
        ),
        (
            "Action: __import__(os)",
            (
                "I may make a syntax error when calling __import__ (e.g., unmatched parenthesis). "
                "I need to fix it and reuse the tool"
            ),
        ),
        (
            "Action: count(#0",
            (
                "I may make a syntax error when calling count (e.g., unmatched parenthesis). "
                "I need to fix it and reuse the tool"
            ),
        ),
        ("Action: nonsense(x) count(#0)", "Observation: variable #1, which is a number"),
        ("Action: count(#0) count(#0)", "Observation: variable #1, which is a number"),
    ],
)
def test_what_cannot_be_executed_is_said_in_the_protocols_words(
    family: tuple[Triple, ...], reply: str, observation: str
) -> None:
    turn = talk(family, *CHILDREN, reply)[-1]
    assert turn.observation == observation
    assert turn.answer is None
    assert turn.valid == observation.startswith("Observation")


@pytest.mark.parametrize(
    "argument",
    [
        "m.ann> ?p ?o } #",
        "m.ann> <x> <y> . } ; DROP ALL #",
        'm.ann" . "',
        "m.ann}{ SELECT * WHERE { ?s ?p ?o",
        "m.ann\t",
        "m.\u202eann",
        "m.",
        "<m.ann>",
        "x' OR '1'='1",
    ],
)
@pytest.mark.parametrize("parity", ["strict", "repaired"])
def test_no_argument_reaches_a_query(family: tuple[Triple, ...], argument: str, parity: Parity) -> None:
    replies = (f"Action: get_relations({argument})", f"Action: get_neighbors({argument}, people.person.children)")
    turns = talk(family, *replies, f"Action: get_neighbors(Ann, {argument})", parity=parity)
    assert [turn.valid for turn in turns] == [argument == "m.ann\t" and parity == "repaired"] * 2 + [False]


def test_a_letter_outside_ascii_is_an_unknown_thing(family: tuple[Triple, ...]) -> None:
    assert talk(family, "Action: get_relations(m.änn)", parity="strict")[0].observation == "Observation: []"


def test_strict_keeps_the_gates_and_repaired_lifts_them(family: tuple[Triple, ...]) -> None:
    unlike = (*CHILDREN, "Action: get_relations(#0)", "Action: get_neighbors(#0, people.person.friend)")
    for parity, valid in (("strict", False), ("repaired", True)):
        chosen: Parity = "strict" if parity == "strict" else "repaired"
        assert talk(family, *unlike, "Action: intersection(#0, #1)", parity=chosen)[-1].valid is valid
        assert talk(family, "Action: get_relations(g.1)", parity=chosen)[0].valid is valid
        assert talk(family, "Action: get_relations(Gee)", parity=chosen)[0].valid is valid
        assert talk(family, "Action: get_relations(Bob (the elder), sr)", parity=chosen)[0].valid is valid
        assert talk(family, *CHILDREN, "Action: count(#-1)", parity=chosen)[-1].valid is not valid


def test_a_huge_list_of_relations_is_shown_whole() -> None:
    names = [f"p.r{place:05}" for place in range(20_000)]
    ontology = Ontology(relations=frozenset(names), attributes=frozenset(), ranges={})

    async def shown() -> str:
        store = EmbeddedStore([("m.ann", name, "m.x") for name in names])
        await store.open()
        return await Toolbox(store, ontology=ontology, parity="strict").call("get_relations", ["m.ann"])

    assert asyncio.run(shown()) == f"Observation: [{', '.join(names)}]"


def test_a_relation_of_unknown_range_is_shown_and_cannot_be_followed() -> None:
    triples = (("m.ann", "p.no_range", "m.x"),)
    shown, followed = talk(triples, "Action: get_relations(Ann)", "Action: get_neighbors(Ann, p.no_range)")
    assert shown.observation == "Observation: [p.no_range]"
    assert not followed.valid


def test_the_same_program_is_the_same_variable(family: tuple[Triple, ...]) -> None:
    twice = (*CHILDREN, CHILDREN[1], "Action: get_relations(#0)", "Action: get_neighbors(#1, people.person.friend)")
    assert talk(family, *twice)[-1].valid


def test_numbers_have_no_relations_and_doubling_sets_ends(family: tuple[Triple, ...]) -> None:
    turns = talk(
        family, *CHILDREN, "Action: count(#0)", "Action: get_relations(#1)", "Action: count(#1)", "Final Answer: #2"
    )
    assert [turn.valid for turn in turns[2:]] == [True, False, True, True]
    assert turns[-1].answer == ()
    doubled = talk(family, *CHILDREN, *[f"Action: intersection(#{n}, #{n})" for n in range(10)])
    assert [turn.valid for turn in doubled] == [True] * 5 + [False] * 7
    assert "intersection(#9, #9) cannot be executed" in doubled[-1].observation


@pytest.mark.parametrize(("parity", "answers"), [("strict", [(), ()]), ("repaired", [("2",), ("m.dan",)])])
def test_superlatives_are_counted_and_nested_only_when_repaired(
    family: tuple[Triple, ...], parity: Parity, answers: list[tuple[str, ...]]
) -> None:
    tallest = (
        "Action: get_relations(m.bob)",
        "Action: get_neighbors(m.bob, people.person.children)",
        "Action: get_attributes(#0)",
        "Action: argmax(#0, people.person.height)",
    )
    counted = talk(family, *tallest, "Action: count(#1)", "Final Answer: #2", parity=parity)
    attributes = talk(family, *tallest, "Action: get_attributes(#1)", parity=parity)[-1].observation
    nested = talk(
        family,
        *tallest,
        "Action: get_attributes(#1)",
        "Action: argmin(#1, people.person.born)",
        "Final Answer: #2",
        parity=parity,
    )
    assert attributes == "Observation: [people.person.born, people.person.height]"
    assert [turns[-1].answer for turns in (counted, nested)] == answers

"""One query text for every store, and the answers of an evaluation by hand."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.worlds.graph.conftest import Ask, asker

from agenttuning.environments.worlds.graph.embedded import EmbeddedStore
from agenttuning.environments.worlds.graph.evaluation import Graph
from agenttuning.environments.worlds.graph.programs import Count, Entity, Intersection, Join, Program, Superlative
from agenttuning.environments.worlds.graph.queries import Parity, answer_query, property_query
from agenttuning.environments.worlds.graph.store import QueryRefusedError
from agenttuning.environments.worlds.graph.triples import NAMESPACE, Triple, date, number, plain

CHILDREN = "people.person.children"
ANN = Join(CHILDREN, Entity("m.ann"))
BOB = Join(CHILDREN, Entity("m.bob"))
HEIGHT = "people.person.height"
CASES: list[tuple[Program, Parity, list[str] | str]] = [
    (ANN, "strict", ["m.cara", "m.dan"]),
    (Intersection(ANN, BOB), "strict", ["m.dan"]),
    (Count(BOB), "strict", ["2"]),
    (Count(Join(CHILDREN, Entity("m.nobody"))), "strict", ["0"]),
    (Join("people.person.parents", ANN), "strict", ["m.bob"]),
    (Join("people.person.parents", ANN), "repaired", ["m.bob"]),
    (Superlative(BOB, HEIGHT, highest=True), "strict", ["m.dan", "m.eve"]),
    (Superlative(ANN, HEIGHT, highest=False), "repaired", ["m.cara"]),
    (Join("people.person.friend", Superlative(ANN, HEIGHT, highest=True)), "strict", ["m.eve"]),
    (Join("people.person.friend", Superlative(ANN, HEIGHT, highest=True)), "repaired", []),
    (Superlative(Superlative(BOB, HEIGHT, highest=True), "people.person.born", highest=True), "strict", "refused"),
    (Superlative(Superlative(BOB, HEIGHT, highest=True), "people.person.born", highest=True), "repaired", ["m.dan"]),
    (Count(Superlative(BOB, HEIGHT, highest=True)), "strict", "refused"),
    (Count(Superlative(BOB, HEIGHT, highest=True)), "repaired", ["2"]),
    (Count(Count(ANN)), "repaired", "refused"),
    (Join("type.object.name", Entity("m.ann")), "strict", ["Ann"]),
    (Entity("m.ann"), "repaired", []),
]


def _run(ask: Ask, triples: Sequence[Triple], program: Program, parity: Parity) -> list[str] | str:
    try:
        query = answer_query(program, parity=parity)
    except QueryRefusedError:
        return "refused"
    (answer,) = ask(triples, [query])
    return answer if isinstance(answer, str) else sorted(plain(value) for value in answer)


@pytest.mark.parametrize(("program", "parity", "answer"), CASES)
def test_programs_have_the_answers_of_the_benchmarks_rules(
    ask: Ask, family: tuple[Triple, ...], program: Program, parity: Parity, answer: list[str] | str
) -> None:
    assert _run(ask, family, program, parity) == answer


def test_a_superlative_leaves_the_questions_entities_out_only_when_strict(ask: Ask) -> None:
    """The newest arena of the team of an arena may be that arena: the original can never say so."""
    triples = (
        ("m.arena", "p.team", "m.team"),
        ("m.team", "p.arena", "m.arena"),
        ("m.team", "p.arena", "m.old"),
        ("m.arena", "p.opened", date("2006-04-10")),
        ("m.old", "p.opened", date("1966-05-12")),
    )
    newest = Superlative(Join("p.arena", Join("p.team", Entity("m.arena"))), "p.opened", highest=True)
    assert _run(ask, triples, newest, "strict") == ["m.old"]
    assert _run(ask, triples, newest, "repaired") == ["m.arena"]


def test_literals_are_told_as_they_stand(ask: Ask) -> None:
    triples = (
        ("m.a", "p.when", '"1970-01-02-08:00"^^<http://www.w3.org/2001/XMLSchema#date>'),
        ("m.a", "p.when", date("2001-09-09")),
        ("m.a", "p.said", '"a \\"quoted\\" \\\\ line, (with) #1 {all}\\nof é it"'),
        ("m.a", "p.much", number(3)),
        ("m.a", "p.much", number(2.5)),
    )
    assert _run(ask, triples, Join("p.when", Entity("m.a")), "strict") == ["1970-01-02", "2001-09-09"]
    assert _run(ask, triples, Join("p.said", Entity("m.a")), "strict") == [
        'a "quoted" \\ line, (with) #1 {all}\nof é it'
    ]
    assert _run(ask, triples, Join("p.much", Entity("m.a")), "strict") == ["2.5", "3"]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("parity", ["strict", "repaired"])
def test_the_ways_to_reach_a_member_do_not_multiply(ask: Ask, parity: Parity) -> None:
    """Ten things that all know each other: each further step has ten times as many ways, and the same ten ends."""
    things = [f"m.{number}" for number in range(10)]
    triples = [(one, "p.r", other) for one in things for other in things]
    triples += [(thing, "p.v", number(place)) for place, thing in enumerate(things)]
    program: Program = Join("p.r", Entity("m.0"))
    for _ in range(3):
        program = Join("p.r", program)
    for _ in range(2):
        program = Intersection(program, program)
    assert _run(ask, triples, program, parity) == things[1:]
    assert _run(ask, triples, Superlative(program, "p.v", highest=True), parity) == ["m.9"]


THINGS = st.sampled_from(["m.a", "m.b", "m.c", "m.d"])
RELATIONS = st.sampled_from(["p.r", "p.s"])
LINKS = st.lists(st.tuples(THINGS, RELATIONS, THINGS), max_size=20)
VALUES = st.lists(st.tuples(THINGS, st.just("p.v"), st.integers(0, 3).map(number)), max_size=5)


def _grown(inner: st.SearchStrategy[Program]) -> st.SearchStrategy[Program]:
    return st.one_of(
        st.builds(Join, RELATIONS, inner),
        st.builds(Intersection, inner, inner),
        st.builds(lambda of, highest: Superlative(of, "p.v", highest=highest), inner, st.booleans()),
    )


SETS: st.SearchStrategy[Program] = st.recursive(
    st.builds(Join, RELATIONS, st.builds(Entity, THINGS)), _grown, max_leaves=4
)


@settings(max_examples=200, deadline=None)
@given(LINKS, VALUES, SETS, st.booleans())
def test_the_embedded_store_agrees_with_an_evaluation_by_hand(
    links: list[Triple], values: list[Triple], members: Program, counted: bool
) -> None:
    program = Count(members) if counted else members
    graph = Graph([*links, *values])
    ask = asker(EmbeddedStore)
    assert _run(ask, [*links, *values], program, "repaired") == sorted(graph.answer(program))
    (properties,) = ask([*links, *values], [property_query(members, parity="repaired")])
    assert properties == sorted(NAMESPACE + name for name in graph.properties(members))


@pytest.mark.virtuoso
@settings(max_examples=12, deadline=None)
@given(LINKS, VALUES, st.lists(SETS, min_size=1, max_size=6))
def test_virtuoso_agrees_with_the_embedded_store(
    on_virtuoso: Ask, links: list[Triple], values: list[Triple], programs: list[Program]
) -> None:
    queries: list[str] = []
    for program in [*programs, *map(Count, programs)]:
        for parity in ("strict", "repaired"):
            chosen: Parity = "strict" if parity == "strict" else "repaired"
            try:
                queries.append(answer_query(program, parity=chosen))
                if not isinstance(program, Count):
                    queries.append(property_query(program, parity=chosen))
            except QueryRefusedError:
                assert chosen == "strict"
    triples = [*links, *values]
    assert on_virtuoso(triples, queries) == asker(EmbeddedStore)(triples, queries)

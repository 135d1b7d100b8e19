"""Every rule of the parser of 2023, and what the repaired one does instead."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.graph.protocol import (
    Call,
    entity_id,
    final_index,
    heard,
    read_calls,
    variable_index,
)

NAMES = {"Foo": "m.1", "Ford Falcon (XY)": "m.2", "canon, inc.": "m.3", "canon": "m.4", "variable stars": "m.5"}


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("Thought: x\nAction: f(a)\nObservation: [made up]\nFinal Answer: #0", "Thought: x\nAction: f(a)\n"),
        ("get\\_relations(m.1)", "get_relations(m.1)"),
        ("observation: stays", "observation: stays"),
        ("Observation: all gone", ""),
        ("", ""),
    ],
)
def test_a_reply_ends_where_it_invents_an_observation(reply: str, kept: str) -> None:
    assert heard(reply) == kept


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("Final Answer: #3", 3),
        ("Find Answer: #0", 0),
        ("Thought: done. Final Answer: #12.", 12),
        ("Action: count(#1)\nFinal Answer: #1", 1),
        ("Final Answer: #2 or Final Answer: #1", 2),
        ("Final Answer: #-1", None),
        ("Final Answer: 3", None),
        ("Final Answer:#3", None),
        ("Final answer: #3", None),
        ("Final Answer: variable #3", None),
        ("Final Answer: #" + "9" * 5000, 10**9),
    ],
)
def test_a_final_answer_is_a_variable_anywhere_in_the_reply(text: str, index: int | None) -> None:
    assert final_index(text) == index


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Action: get_relations(m.1)", [Call("get_relations", ("m.1",))]),
        ("Action 1: count(#0)", [Call("count", ("#0",))]),
        ("Actions to take: count(#0)", [Call("count", ("#0",))]),
        ("Thought: x\nAction: count(#0)\nAction: count(#1)", [Call("count", ("#0",))]),
        ("Action: think\nAction: count(#1)", []),
        ("Action:\ncount(#1)", []),
        ("action: count(#0)", None),
        (" Action: count(#0)", None),
        ("I act. Action: count(#0)", None),
        ("Action count(#0)", None),
        ("", None),
        ("Action: intersection(#0 ,  #1)", [Call("intersection", ("#0", "#1"))]),
        ("Action: count(#0) then count(#1)", [Call("count", ("#0",))]),
        ("Action: count(#0), argmax(#1, p.q)", [Call("count", ("#0",)), Call("argmax", ("#1", "p.q"))]),
        ("Action: count(#0", [Call("count", None)]),
        ("Action: count()", [Call("count", None)]),
        ("Action: get_relations(Ford Falcon (XY))", [Call("get_relations", ("Ford Falcon (XY",))]),
        ("Action: get_relations(canon, inc.)", [Call("get_relations", ("canon", "inc."))]),
        ("Action: get_relations( Foo)", [Call("get_relations", (" Foo",))]),
        (
            "Action: get_neighbors(get_relations(Foo), p.q)",
            [Call("get_neighbors", ("get_relations(Foo",)), Call("get_relations", ("Foo",))],
        ),
    ],
)
def test_the_strict_parser_is_the_one_of_2023(text: str, calls: list[Call] | None) -> None:
    assert read_calls(text, names=NAMES, parity="strict") == calls


@pytest.mark.parametrize(
    ("text", "calls"),
    [
        ("Action: get_relations(Ford Falcon (XY))", [Call("get_relations", ("Ford Falcon (XY)",))]),
        ("Action: get_relations(canon, inc.)", [Call("get_relations", ("canon, inc.",))]),
        ("Action: get_relations(canon)", [Call("get_relations", ("canon",))]),
        ("Action: get_neighbors(canon, inc., p.q)", [Call("get_neighbors", ("canon, inc.", "p.q"))]),
        ("Action: get_neighbors(Ford Falcon (XY) , p.q )", [Call("get_neighbors", ("Ford Falcon (XY)", "p.q"))]),
        ("Action: get_relations( Foo )", [Call("get_relations", ("Foo",))]),
        ("Action: get_relations(variable #0)", [Call("get_relations", ("#0",))]),
        ("Action: get_relations(variable stars)", [Call("get_relations", ("variable stars",))]),
        ("Action: get_relations(Variable Foo)", [Call("get_relations", ("Foo",))]),
        ("Action: get_relations(Football)", [Call("get_relations", ("Football",))]),
        ("Action: count()", [Call("count", ("",))]),
        ("Action: count(#0", [Call("count", None)]),
        ("Action: count(#0) then count(#1)", [Call("count", ("#0",)), Call("count", ("#1",))]),
        ("Action: think", []),
        ("nothing", None),
    ],
)
def test_the_repaired_parser_looks_for_the_entities_first(text: str, calls: list[Call] | None) -> None:
    assert read_calls(text, names=NAMES, parity="repaired") == calls


@pytest.mark.parametrize(
    ("argument", "strict", "repaired"),
    [
        ("#0", 0, 0),
        ("#2", 2, 2),
        ("variable #1", 1, None),
        ("m.1", None, None),
        ("#-1", 2, "error"),
        ("# 1", 1, "error"),
        ("#1_0", "error", "error"),
        ("#3", "error", "error"),
        ("#-4", "error", "error"),
        ("#", "error", "error"),
        ("#x", "error", "error"),
        ("#" + "9" * 5000, "error", "error"),
    ],
)
def test_a_variable_is_read_as_python_reads_an_index_or_by_its_digits(
    argument: str, strict: int | str | None, repaired: int | str | None
) -> None:
    found: list[int | str | None] = []
    for parity in ("strict", "repaired"):
        try:
            found.append(variable_index(argument, made=3, parity="strict" if parity == "strict" else "repaired"))
        except LookupError:
            found.append("error")
    assert found == [strict, repaired]


def test_a_name_is_an_id_and_anything_else_itself() -> None:
    assert entity_id("Foo", NAMES, parity="strict") == entity_id("variable Foo", NAMES, parity="strict") == "m.1"
    assert entity_id("variable Bar", NAMES, parity="strict") == "variable Bar"
    assert entity_id("variable stars", NAMES, parity="strict") == "variable stars"
    assert entity_id("variable stars", NAMES, parity="repaired") == "m.5"


@settings(max_examples=200, deadline=None)
@given(st.text("Action: get_rlsFo(),# \n\\", max_size=200), st.sampled_from(["strict", "repaired"]))
def test_any_text_is_read(text: str, parity: str) -> None:
    calls = read_calls(heard(text), names=NAMES, parity="strict" if parity == "strict" else "repaired")
    assert calls is None or all(call.function for call in calls)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line", ["a(" * 50_000, "".join(f"f{n}(" for n in range(20_000)), "a(,)" * 25_000, "(" * 100_000]
)
def test_huge_lines_take_no_time(line: str) -> None:
    for parity in ("strict", "repaired"):
        read_calls(f"Action: {line}", names=NAMES, parity="strict" if parity == "strict" else "repaired")

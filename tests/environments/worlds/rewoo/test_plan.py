"""Plans: the plain form, what is forgiven, what becomes a fault, and that nothing ever raises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.rewoo.plan import MOST_STEPS, PlannedStep, parse_plan
from agenttuning.environments.worlds.rewoo.question import written_plan

PLAIN = """\
Plan: Find the lake.
#E1 = Wikipedia[Lake Tarn]
Plan: Double its depth.
#E2 = Calculator[#E1 * 2]
"""
PLAIN_STEPS = (
    PlannedStep("#E1", "Find the lake.", "Wikipedia", "Lake Tarn"),
    PlannedStep("#E2", "Double its depth.", "Calculator", "#E1 * 2"),
)


def test_the_plain_form_is_read_as_it_stands() -> None:
    plan = parse_plan(PLAIN)
    assert plan.steps == PLAIN_STEPS
    assert plan.sound
    assert plan.steps[1].references == ("#E1",)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace("Plan", "PLAN").replace("\n#E", "\n#e"),
        PLAIN.replace("Plan:", "**Plan 1:**").replace("#E1 =", "- #E1 ="),
        PLAIN.replace("Plan: ", "1. Plan: ").replace(" = ", "="),
        PLAIN.replace("\n#E", " #E"),
        PLAIN.replace("] *", "]").replace("#E1 = ", "#E01 : "),
        f"Of course! Here is my plan.\n\n{PLAIN}\nI hope this helps.",
        PLAIN.replace("\n", "\r\n\r\n"),
        PLAIN.replace("* 2]", "* 2"),
        PLAIN.replace("Plan: Find", "Step 1. Find"),
    ],
)  # fmt: skip
def test_other_forms_of_the_same_plan_are_forgiven(text: str) -> None:
    assert parse_plan(text).steps == PLAIN_STEPS


def test_brackets_inside_the_input_belong_to_it() -> None:
    (step,) = parse_plan("#E7 = LLM[Which of [a] and [b[c]] is it?] because").steps
    assert (step.name, step.purpose, step.query) == ("#E7", "", "Which of [a] and [b[c]] is it?")


@pytest.mark.parametrize("number", [1, 9, 10, 11, 100, 12345])
def test_any_number_is_a_name(number: int) -> None:
    plan = parse_plan(f"#E{number} = LLM[x]\n#E0 = LLM[#E{number} and #E{number}0]")
    assert plan.steps[0].name == f"#E{number}"
    assert plan.steps[1].references == (f"#E{number}", f"#E{number}0")


def test_what_cannot_be_run_is_a_fault_that_says_why() -> None:
    plan = parse_plan("Plan: think.\nPlan: look.\n#E1 = just words\n#E2 = LLM[a]\n#E2 = LLM[b]\nPlan: the end.")
    assert [(step.name, step.purpose, bool(step.fault)) for step in plan.steps] == [
        ("", "think.", True),
        ("#E1", "look.", True),
        ("#E2", "", False),
        ("#E2", "", True),
        ("", "the end.", True),
    ]
    assert not plan.sound
    assert [step.fault.split()[0] for step in plan.steps if step.fault] == ["this", "this", "#E2", "this"]


def test_a_plan_of_500_steps_is_cut() -> None:
    plan = parse_plan("\n".join(f"Plan: step {number}.\n#E{number} = LLM[#E{number - 1}]" for number in range(1, 501)))
    assert (len(plan.steps), plan.left_out, plan.sound) == (MOST_STEPS, 480, False)


@pytest.mark.parametrize("text", ["", "\n\n", "I do not know.", "Plan", "#E", "#E = LLM[x]", "E1 = LLM[x]"])
def test_no_plan_is_an_empty_one(text: str) -> None:
    assert parse_plan(text).steps == ()
    assert not parse_plan(text).sound


WORDS = st.text(st.characters(exclude_characters="[]#\n\r", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
PIECES = st.sampled_from(["Plan:", "#E1", "#E2", "#E10", "=", "LLM", "[", "]", "\n", " ", "Calculator[9**9]", "\u2028"])


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8))
def test_what_an_expert_writes_is_read_back(steps: list[tuple[str, str]]) -> None:
    plan = parse_plan(written_plan([(f"say {purpose}", f"LLM[{query}]") for purpose, query in steps]))
    assert [step.query for step in plan.steps] == [query for _, query in steps]
    assert plan.sound


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join)))
def test_no_text_raises(text: str) -> None:
    plan = parse_plan(text)
    assert len(plan.steps) <= MOST_STEPS
    assert all(step.fault or (step.name and step.tool is not None) for step in plan.steps)

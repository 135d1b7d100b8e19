"""Running plans: order, concurrency, faults as evidence, limits."""

from __future__ import annotations

import asyncio

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.rewoo.plan import parse_plan
from agenttuning.environments.worlds.rewoo.tools import CalculatorTool
from agenttuning.environments.worlds.rewoo.worker import MOST_AT_ONCE, MOST_INPUT, Evidence, Worker, fill, shorten
from agenttuning.errors import WorldError


class Echo:
    """Gives its input back, after as many hundredths of a second as it begins with."""

    name = "Echo"
    description = "Echo[text]"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.running = self.most = 0

    async def run(self, query: str) -> str:
        self.asked.append(query)
        self.running += 1
        self.most = max(self.most, self.running)
        await anyio.sleep(int(query[0]) / 100 if query[:1].isdecimal() else 0)
        self.running -= 1
        return query

    async def close(self) -> None:
        """Nothing is open."""


class Broken(Echo):
    """Fails in the way that it is told."""

    name = "Broken"

    async def run(self, query: str) -> str:
        if query == "world":
            raise WorldError("the wiki is down")
        if query == "bug":
            raise ZeroDivisionError("oh")
        if query == "hang":
            await anyio.sleep_forever()
        return ""


def run(text: str, *, evidence_limit: int = 100, seconds: float = 5.0) -> tuple[list[Evidence], Echo]:
    echo = Echo()
    tools = {tool.name: tool for tool in (echo, Broken(), CalculatorTool())}
    worker = Worker(tools, evidence_limit=evidence_limit, seconds=seconds)
    return asyncio.run(worker.run(parse_plan(text))), echo


def texts(text: str) -> list[str]:
    return [found.text for found in run(text)[0]]


def test_evidence_is_filled_in_wherever_its_step_stands() -> None:
    assert texts("#E12 = Echo[a #E2 and #e2]\n#E2 = Echo[b]\n#E3 = Echo[#E12#E2]") == [
        "a [b] and [b]", "b", "[a [b] and [b]][b]",
    ]  # fmt: skip


def test_the_order_is_the_plans_whatever_ends_first() -> None:
    found, echo = run("#E1 = Echo[5 slow]\n#E2 = Echo[0 fast]\n#E3 = Echo[2]")
    assert [one.text for one in found] == ["5 slow", "0 fast", "2"]
    assert echo.most == 3


def test_calls_in_flight_are_bounded() -> None:
    _, echo = run("\n".join(f"#E{number} = Echo[1]" for number in range(1, 13)))
    assert echo.most == MOST_AT_ONCE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#E1 = Echo[#E1]", "waits, directly or through other steps, for its own result"),
        ("#E1 = Echo[#E4]", "no step of the plan gathers #E4"),
        ("#E1 = Eco[x]", "there is no tool 'Eco' (did you mean 'Echo'?); tools: Echo, Broken, Calculator"),
        ("#E1 = Echo", "a call is written Tool[input]"),
        ("#E1 = Broken[world]", "the wiki is down"),
        ("#E1 = Broken[bug]", "ZeroDivisionError: oh"),
        ("#E1 = Broken[nothing]", "nothing was found"),
        ("#E1 = Calculator[9**9**9**9]", "the value is too large"),
        ("Plan: think", "calls no tool"),
    ],
)
def test_what_fails_says_so_in_place_of_evidence(text: str, told: str) -> None:
    ((found,), _) = run(text)
    assert found.failed
    assert found.text.startswith("No evidence: ")
    assert told in found.text


def test_a_circle_fails_alone_and_what_hangs_on_it_is_told() -> None:
    found, echo = run("#E1 = Echo[#E2]\n#E2 = Echo[#E3]\n#E3 = Echo[#E1]\n#E4 = Echo[see #E2]\n#E5 = Echo[free]")
    assert [one.failed for one in found] == [True, True, True, False, False]
    assert found[3].text.startswith("see [No evidence: its input waits")
    assert min(echo.asked) == "free"


def test_a_tool_that_hangs_is_left() -> None:
    found, _ = run("#E1 = Broken[hang]\n#E2 = Echo[b]", seconds=0.05)
    assert [one.text for one in found] == ["No evidence: Broken gave nothing within 0.05 s", "b"]


def test_evidence_and_inputs_cannot_grow_without_bound() -> None:
    doubling = "\n".join(f"#E{number} = Echo[{f'#E{number - 1} ' * 9}]" for number in range(2, 20))
    found, echo = run(f"#E1 = Echo[{'a' * 90}]\n{doubling}", evidence_limit=3_000)
    assert max(len(one.text) for one in found) == 3_000
    assert max(map(len, echo.asked)) == MOST_INPUT


def test_shortened_text_keeps_the_limit_and_says_so() -> None:
    assert shorten("abcdefgh", 8) == "abcdefgh"
    assert shorten("abcdefghi", 8) == "abcd ..."
    assert fill("#E1 #E2", {"#E1": "#E2", "#E2": "x"}) == "[#E2] [x]"


STEPS = st.lists(
    st.tuples(
        st.integers(0, 6), st.sampled_from(["Echo", "Broken", "Nothing"]), st.lists(st.integers(0, 7), max_size=4)
    ),
    max_size=10,
)


@given(STEPS)
def test_any_graph_ends_with_one_piece_of_evidence_a_step(steps: list[tuple[int, str, list[int]]]) -> None:
    text = "\n".join(f"#E{name} = {tool}[{' '.join(f'#E{one}' for one in asked)}]" for name, tool, asked in steps)
    found, _ = run(text)
    assert len(found) == len(steps)
    assert [one.text for one in run(text)[0]] == [one.text for one in found]

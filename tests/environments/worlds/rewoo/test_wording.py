"""What is said, word for word: a changed prompt is another benchmark, and raises the version of the environment."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path

import pytest

from agenttuning.environments.worlds.rewoo import judge, wording
from agenttuning.environments.worlds.rewoo.examples import EXAMPLES
from agenttuning.environments.worlds.rewoo.plan import PlannedStep
from agenttuning.environments.worlds.rewoo.tools import LLM_SYSTEM, CalculatorTool, LanguageModelTool, WikipediaTool
from agenttuning.environments.worlds.rewoo.web_tools import GoogleTool, WolframTool
from agenttuning.environments.worlds.rewoo.worker import Evidence

GOLDEN = Path(__file__).parents[3] / "golden" / "rewoo.json"
QUESTION = "How deep is Lake Tarn, twice?"
EVIDENCE = (
    Evidence(PlannedStep("#E1", "Find the lake.", "Wikipedia", "Lake Tarn"), "Lake Tarn: It is 48 m deep."),
    Evidence(PlannedStep("#E2", "", "Calculator", "#E1 * 2"), "96"),
    Evidence(PlannedStep("", "Think.", fault="no call"), "No evidence: no call", failed=True),
)


class _Described:
    """A tool that is only told of."""

    def __init__(self, name: str, description: str) -> None:
        self.name, self.description = name, description

    async def run(self, query: str) -> str:
        return query

    async def close(self) -> None:
        """Nothing is open."""


TOOLS = [
    _Described(kind.name, kind.description)
    for kind in (WikipediaTool, LanguageModelTool, CalculatorTool, GoogleTool, WolframTool)
]


def said() -> dict[str, object]:
    """Everything that a model is told."""
    asked: list[str] = []

    async def ask(prompt: str) -> str:
        asked.append(prompt)
        return "CORRECT"

    verdict = asyncio.run(judge.judge_answer(ask, question=QUESTION, answer="96 m", golds=("96", "96 m")))
    assert verdict.correct
    return {
        "planner": [wording.PLANNER, wording.ask_planner(QUESTION, TOOLS, brief=False)],
        "planner without tools": wording.ask_planner(QUESTION, [], brief=False),
        "solver": [wording.SOLVER, wording.ask_solver(QUESTION, EVIDENCE, left_out=3, brief=False)],
        "solver without evidence": wording.ask_solver(QUESTION, [], left_out=0, brief=False),
        "tiny planner": [wording.TINY_PLANNER, wording.ask_planner(QUESTION, TOOLS[::2], brief=True)],
        "tiny solver": [wording.TINY_SOLVER, wording.ask_solver(QUESTION, EVIDENCE[:2], left_out=0, brief=True)],
        "examples": [f"{example.question}\n{example.plan}" for example in EXAMPLES],
        "tool": LLM_SYSTEM,
        "judge": asked,
    }


def test_every_prompt_is_as_recorded() -> None:
    assert said() == json.loads(GOLDEN.read_text("utf-8"))


def test_much_evidence_is_cut_alike() -> None:
    long = [found._replace(text="word " * 1_000) for found in EVIDENCE * 6]
    told = wording.ask_solver(QUESTION, long, left_out=0, brief=False)
    assert wording.MOST_EVIDENCE - 500 < len(told) < wording.MOST_EVIDENCE + 1_000
    assert told.count(" ...") == len(long)


def conclude(*evidence: Evidence, brief: bool = False, seed: int = 0) -> str:
    return wording.Wording(random.Random(seed), brief=brief).conclude(evidence, "96")


def test_the_thought_rests_on_what_no_other_step_asks_for() -> None:
    assert conclude(*EVIDENCE[:2], brief=True) == "#E2: 96"
    assert all(
        conclude(*EVIDENCE[:2], seed=seed).endswith("96") and "48 m" not in conclude(*EVIDENCE[:2], seed=seed)
        for seed in range(9)
    )
    assert len({conclude(*EVIDENCE[:2], seed=seed) for seed in range(20)}) > 2


@pytest.mark.parametrize("evidence", [(), EVIDENCE[2:]])
def test_without_evidence_nothing_is_claimed(evidence: tuple[Evidence, ...]) -> None:
    assert conclude(*evidence) == "the evidence does not tell, so I answer from what I know."


def test_a_comparison_names_both_sides_and_the_answer() -> None:
    sides = [Evidence(PlannedStep(f"#E{number}", tool="T", query="x"), f"side {number}") for number in (1, 2)]
    thought = conclude(*sides)
    assert thought.startswith("side 1 side 2 ")
    assert "96" in thought

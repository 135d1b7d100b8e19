"""Answers to another question are found; the oracle's own are not taken for them."""

from __future__ import annotations

import asyncio
from itertools import islice, pairwise

import pytest
from tests.pipeline.filtering.made import said

from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.pipeline.filter import FilterConfig, keep, rules
from agenttuning.pipeline.filtering.alignment import misalignment
from agenttuning.policies.oracle import oracle_player

pytest.importorskip("bm25s", reason="needs the extra [search]")

QUESTION = """'''
<html> <a id=0 quote /> <input id=1 zip code /> </html>
'''

Task: Find a clinic for a health screening near 90028
Previous actions:
None
What comes next?

A. None of the above
B. <input id=1 zip code />
C. <a id=2 clinics />
"""


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("Thought: screenings are at clinics.\nAnswer: C.\nAction: CLICK", ""),
        ("Thought: nothing of it is shown.\nAnswer: A.", ""),
        ("Thought: the zip code comes first.\nAnswer: B.\nAction: TYPE\nValue: 90028", ""),
        ("Thought: the maximum budget.\nAnswer: B.\nAction: SET\nValue: $50,000", "action not legal"),
        ("Thought: the clinic.\nAnswer: C.", "action not legal"),
        ("Thought: the clinic.\nAnswer: E.\nAction: CLICK", "answer not among the choices"),
        ("Thought: the clinic.\nAction: CLICK", "answer not among the choices"),
        ("Thought: request the car's price quote.\nAnswer: C.\nAction: CLICK", "answer has nothing of the question"),
    ],
)
def test_misalignment(answer: str, fault: str) -> None:
    assert misalignment(QUESTION, answer) == fault
    judges = rules(FilterConfig(aligned=("mind2web",)))
    assert keep(said(QUESTION, answer, world="mind2web"), judges).reason == fault
    assert keep(said(QUESTION, answer, world="webshop"), judges).kept


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_oracle_answers_its_question_and_seldom_another(difficulty: str) -> None:
    kind = load_environment("mind2web")
    tasks = islice(kind.load("train", kind.config_type.model_validate({"difficulty": difficulty})), 40)

    async def play() -> list[tuple[str, str]]:
        pairs = []
        for task in tasks:
            played = await rollout(kind(task), oracle_player)
            pairs += [
                (question.content, answer.content) for question, answer in pairwise(played.messages) if answer.train
            ]
        return pairs

    pairs = asyncio.run(play())
    assert not any(misalignment(question, answer) for question, answer in pairs)
    crossed = [misalignment(pairs[number - 21][0], answer) for number, (_, answer) in enumerate(pairs)]
    assert sum(bool(fault) for fault in crossed) > len(pairs) / 2

"""What is said to planner and solver, and what an expert says: all in words of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.rewoo.worker import shorten

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from agenttuning.environments.worlds.rewoo.tool import Tool
    from agenttuning.environments.worlds.rewoo.worker import Evidence

PLANNER: Final = """\
You plan how a question can be answered before anything is looked up. Your reply is the whole plan, and nothing else. \
Every step takes two lines, the first for its purpose, the second for one call of a tool:

Plan: what this step is to find out
#E1 = Tool[input]

What a call brings is kept under its name, #E1, #E2 and so on. The input of another step may name it: the evidence \
itself is then written in its place. The calls are made when the plan is finished, steps that need nothing of each \
other at the same time; you see no result before that. Use the tools that are listed with the question and no others, \
and as few steps as will do. Do not answer the question."""
SOLVER: Final = """\
You answer a question from evidence. You are given the question, the steps of a plan that somebody made for it, and \
what each step brought. Evidence can be beside the point, and a step can have failed: use what helps.

Reply with one line of reasoning and then the answer by itself, a name, a number or a few words, like this:
Thought: what the evidence says about the question
Answer: the answer"""
TINY_PLANNER: Final = "Plan with tools. Each step: Plan: and a purpose, then #E1 = Tool[input]."
TINY_SOLVER: Final = "Answer from the evidence with Thought: and Answer:."
ACKNOWLEDGEMENT: Final = "OK."
MOST_EVIDENCE: Final = 8_000
"""Characters of evidence shown to the solver in all; many long pieces are cut alike."""


def ask_planner(question: str, tools: Sequence[Tool], *, brief: bool) -> str:
    """Return the message that asks for a plan."""
    if brief:
        return f"Tools: {', '.join(tool.name for tool in tools)}\n{question}"
    listed = "\n".join(f"- {tool.description}" for tool in tools) or "- none; write the purposes alone"
    return f"Tools:\n{listed}\n\nQuestion: {question}"


def ask_solver(question: str, evidence: Sequence[Evidence], *, left_out: int, brief: bool) -> str:
    """Return the message that asks for the answer."""
    limit = MOST_EVIDENCE // max(len(evidence), 1)
    told = [_told(found, limit=limit, brief=brief) for found in evidence] or ["There is no evidence."]
    if left_out:
        told.append(f"The plan had {left_out} more steps, which were not run.")
    return f"{question}\n" + "\n".join(told) if brief else f"Question: {question}\n\n" + "\n\n".join(told)


def _told(found: Evidence, *, limit: int, brief: bool) -> str:
    name, text = found.step.name or "No call", shorten(found.text, limit)
    return f"{name}: {text}" if brief or not found.step.purpose else f"Plan: {found.step.purpose}\n{name}: {text}"


class Wording:
    """An expert's way to say why; `brief` says the same in one way."""

    def __init__(self, draw: random.Random, *, brief: bool) -> None:
        self._draw = draw
        self._brief = brief

    def look_up(self, what: str) -> str:
        """Say the purpose of a look-up: `the author of Last Road`."""
        if self._brief:
            return f"Find {what}."
        return self._draw.choice(_LOOK_UP).format(what)

    def work_out(self, formula: str) -> str:
        """Say the purpose of a calculation."""
        if self._brief:
            return f"Work out {formula}."
        return self._draw.choice(_WORK_OUT).format(formula)

    def conclude(self, evidence: Sequence[Evidence], answer: str) -> str:
        """Say what the evidence comes to: that of the steps that no other step asks for."""
        asked = {name for found in evidence for name in found.step.references}
        ends = [found for found in evidence if found.step.name not in asked and not found.failed]
        if not ends:
            return "the evidence does not tell, so I answer from what I know."
        texts = [shorten(" ".join(found.text.split()), 160) for found in ends]
        if self._brief:
            return " ".join(f"{found.step.name}: {text}" for found, text in zip(ends, texts, strict=True))
        if len(ends) > 1:
            return f"{' '.join(texts)} {self._draw.choice(_DECIDE).format(answer=answer)}"
        return self._draw.choice(_CONCLUDE).format(name=ends[0].step.name, text=texts[0])


_LOOK_UP: Final = (
    "Find out what {} is.",
    "Look up {}.",
    "The next thing I need is {}.",
    "Search the page that tells {}.",
    "I have to know {} first.",
)
_WORK_OUT: Final = (
    "Work out {}.",
    "Calculate {} from the evidence.",
    "The numbers are known then, so compute {}.",
    "What is asked for is {}.",
)
_CONCLUDE: Final = (
    "{name} settles it: {text}",
    "by {name} I know: {text}",
    "the last piece, {name}, says: {text}",
    "the plan led to {name}: {text}",
)
_DECIDE: Final = (
    "Of the two it is {answer}.",
    "Side by side, that makes it {answer}.",
    "So {answer} it is.",
)

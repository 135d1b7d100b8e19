"""One way to fail for every branch of the evaluators: the script of a task, less what makes it right."""

import asyncio
import re
from dataclasses import dataclass

import pytest

from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.webarena import Webarena
from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.minisites.tasks import TEMPLATES
from agenttuning.environments.worlds.webarena.task import WebarenaConfig, WebarenaTask
from agenttuning.policies.oracle import oracle_player


@dataclass(frozen=True)
class Wrong:
    """How a script is spoilt."""

    template: str
    without: int = 0
    """Actions before the last one that are left out."""
    answer: str = "done"
    instead: tuple[str, str] = ("", "")
    """A pattern in actions, and what stands in its place."""


WRONG = {
    "string, exact": Wrong("shop-price", answer="$1.00"),
    "string, all phrases": Wrong("shop-stock", answer="The SKU is on the page."),
    "string, meaning": Wrong("shop-criticism", answer="Nothing was said about bicycles."),
    "string, impossible": Wrong("shop-weight", answer="Two kilograms."),
    "url, exact": Wrong("shop-order-page", without=1),
    "url, contained, with a query": Wrong("shop-sorted", without=1),
    "url, alternatives": Wrong("forum-top", without=1),
    "url and page": Wrong("forum-sign-in", without=1),
    "page, fixed, whole": Wrong("shop-add", without=1),
    "page, fixed, alternatives": Wrong("shop-add-either", without=1),
    "page, fixed, one element": Wrong("shop-phone", without=1),
    "page, fixed, elements": Wrong("code-invite", without=1),
    "page, fixed, role function": Wrong("code-invite", instead=(r"radio '\w+'", "radio 'Guest'")),
    "page, last": Wrong("code-issue", instead=("Please", "Kindly")),
    "page, newest order": Wrong("shop-buy", without=1),
    "page, post of the address": Wrong("forum-submit", instead=("We start", "They start")),
    "text, newest author": Wrong("shop-review", instead=(r"'Nickname'\] \[", "'Nickname'] [not-")),
    "text, newest rating": Wrong("shop-review", without=1),
}


def spoilt(task: WebarenaTask, wrong: Wrong) -> WebarenaTask:
    *script, (thought, ending) = task.script
    kept = script[: len(script) - wrong.without]
    pattern, other = wrong.instead
    if pattern:
        kept = [(why, re.sub(pattern, other, action)) for why, action in kept]
        assert kept != script
    answer = wrong.answer if task.raw.eval.reference_answers else ending.removeprefix("stop [").removesuffix("]")
    return task.model_copy(update={"script": (*kept, (thought, f"stop [{answer}]"))})


@pytest.mark.browser
@pytest.mark.skipif(bool(missing_program()), reason="no Chromium")
@pytest.mark.parametrize("branch", WRONG)
def test_who_does_less_or_other_than_asked_fails(branch: str) -> None:
    wrong = WRONG[branch]
    number = [template.name for template in TEMPLATES].index(wrong.template)
    task = next(
        each
        for each in Webarena.load("test", WebarenaConfig())
        if each.raw.intent_template_id == number and "Guest" not in each.raw.intent
    )
    played = asyncio.run(rollout(Webarena(spoilt(task, wrong)), oracle_player))
    assert played.failure is None
    assert played.score.reward == 0

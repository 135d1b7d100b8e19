"""Generated questions: none without a way, none twice, none shared, answers by an independent reading of the pages."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.rewoo.generator import PER_VOLUME, questions
from agenttuning.environments.worlds.rewoo.plan import parse_plan
from agenttuning.environments.worlds.wiki.encyclopaedia import open_volume
from agenttuning.environments.worlds.wiki.relations import RELATIONS

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.rewoo.question import Question
    from agenttuning.environments.worlds.wiki.encyclopaedia import Fact, Volume

NOUNS = {relation.noun.removesuffix("{}"): relation.name for relation in RELATIONS}


def drawn(difficulty: Difficulty, *, test: bool, count: int = 2 * PER_VOLUME) -> list[tuple[int, Question]]:
    return list(questions(difficulty, seed=3, test=test, count=count))


def fact_of(pages: Volume, title: str, relation: str) -> Fact:
    return next(fact for fact in pages.articles[title].facts if fact.relation == relation)


def value(phrase: str, pages: Volume) -> str:
    """Follow a phrase such as `the mayor of the birthplace of Amy Bell` from its end."""
    for noun, relation in NOUNS.items():
        if phrase.startswith(noun):
            fact = fact_of(pages, value(phrase.removeprefix(noun), pages), relation)
            return fact.value
    assert phrase in pages.articles
    return phrase


def decided(question: str, pages: Volume) -> str:
    """Answer a comparison: the title of the page with the higher or the lower number."""
    for relation in RELATIONS:
        for template, better in ((relation.more, max), (relation.less, min)):
            found = re.fullmatch(re.escape(template).replace(r"\{\}", "(.+)"), question) if template else None
            if found:
                titles = [value(phrase, pages) for phrase in found.groups()]
                numbers = {title: fact_of(pages, title, relation.name) for title in titles}
                return better(titles, key=lambda title: numbers[title].number or 0)
    raise AssertionError(question)


def number(phrase: str, pages: Volume) -> int:
    return int(value(phrase, pages).replace(",", ""))


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_answers_follow_from_the_pages(difficulty: Difficulty) -> None:
    for volume, question in drawn(difficulty, test=True):
        pages = open_volume(difficulty, seed=3, test=True, number=volume)
        if found := re.fullmatch(r"(?:What|Who) is (the .*)\?", question.text):
            left, plus, right = found[1].partition(" plus ")
            told = str(number(left, pages) + number(right, pages)) if plus else value(left, pages)
        elif found := re.fullmatch(r"How many years lie between (.*) and (the .*)\?", question.text):
            told = str(abs(number(found[1], pages) - number(found[2], pages)))
        elif found := re.fullmatch(r"What is (\d) times (.*)\?", question.text):
            told = str(int(found[1]) * number(found[2], pages))
        else:
            assert question.kind == "comparison"
            told = decided(question.text, pages)
        assert question.golds == (told,)


def test_questions_are_all_different_and_of_all_kinds() -> None:
    found = [question for _, question in drawn("standard", test=False, count=320)]
    assert len({question.text for question in found}) == len(found)
    assert {question.kind for question in found} == {"chain", "comparison", "years", "sum", "times"}
    assert all(parse_plan(question.plan).sound for question in found)


@pytest.mark.parametrize("difficulty", ["tiny", "standard"])
def test_train_and_test_share_no_page_and_no_question(difficulty: Difficulty) -> None:
    sides = [drawn(difficulty, test=test) for test in (False, True)]
    titles = [
        {title for volume in {entry[0] for entry in side} for title in open_volume(
            difficulty, seed=3, test=test, number=volume).articles}
        for test, side in enumerate(sides)
    ]  # fmt: skip
    assert titles[0].isdisjoint(titles[1])
    assert {question.text for _, question in sides[0]}.isdisjoint(question.text for _, question in sides[1])


def test_hard_questions_need_longer_plans() -> None:
    means = []
    for difficulty in ("tiny", "standard", "hard"):
        plans = [parse_plan(question.plan) for _, question in islice(drawn(difficulty, test=False), 64)]
        means.append(sum(len(plan.steps) for plan in plans) / len(plans))
    assert means[0] < means[1] < means[2]


def test_the_same_seed_gives_the_same_questions() -> None:
    assert drawn("standard", test=True) == drawn("standard", test=True)
    assert drawn("standard", test=True) != list(questions("standard", seed=4, test=True, count=2 * PER_VOLUME))

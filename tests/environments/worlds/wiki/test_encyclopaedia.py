"""The generated encyclopaedia and the questions about it."""

from collections import Counter
from itertools import islice

import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.wiki.backend import Page, Similar
from agenttuning.environments.worlds.wiki.encyclopaedia import PAGES, open_volume, relation_of
from agenttuning.environments.worlds.wiki.questions import PER_VOLUME, Question, questions
from agenttuning.environments.worlds.wiki.relations import BY_NAME, RELATIONS

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_every_fact_stands_in_its_sentence_and_links_to_a_page(difficulty: Difficulty) -> None:
    volume = open_volume(difficulty, seed=1, test=False, number=2)
    assert Counter(article.kind for article in volume.articles.values()) == PAGES[difficulty]
    for fact in volume.facts:
        page = volume.articles[fact.subject].page
        sentence = page.paragraphs[fact.paragraph]
        assert fact.value in sentence
        assert relation_of(fact).keyword in sentence.lower()
        assert fact.target is None or (volume.articles[fact.target].kind == relation_of(fact).target)
        assert fact.target != fact.subject
        assert fact.number is None or int(fact.value.replace(",", "")) == fact.number


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_train_and_test_share_no_page_whatever_the_seed(difficulty: Difficulty) -> None:
    train, test = (
        {
            title
            for seed in range(3)
            for number in range(3)
            for title in open_volume(difficulty, seed=seed, test=is_test, number=number).articles
        }
        for is_test in (False, True)
    )
    assert train
    assert train.isdisjoint(test)


def test_a_volume_is_drawn_from_its_arguments_alone() -> None:
    open_volume.cache_clear()
    first = open_volume("standard", seed=5, test=False, number=7)
    open_volume.cache_clear()
    open_volume("standard", seed=5, test=False, number=6)
    again = open_volume("standard", seed=5, test=False, number=7)
    assert first.articles == again.articles
    assert first.articles != open_volume("standard", seed=6, test=False, number=7).articles


def test_every_kind_has_one_opening_and_relations_have_one_name() -> None:
    assert len(BY_NAME) == len(RELATIONS)
    for relation in RELATIONS:
        assert ("{subject}" in relation.sentence) == (
            relation is next(one for one in RELATIONS if one.subject == relation.subject)
        )
        assert bool(relation.numbers) == bool(relation.more) == bool(relation.less)
        assert [bool(relation.target), bool(relation.words), bool(relation.numbers)].count(True) == 1


def _told(question: Question, *, difficulty: Difficulty, test: bool) -> list[str]:
    """Read the supporting sentences from the pages."""
    wiki = open_volume(difficulty, seed=9, test=test, number=question.volume).wiki
    pages = [wiki.find(support.title) for support in question.supports]
    sentences = []
    for page, support in zip(pages, question.supports, strict=True):
        assert isinstance(page, Page)
        sentences.append(page.paragraphs[support.paragraph])
    return sentences


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_answer_follows_from_the_supporting_sentences(difficulty: Difficulty, test: bool) -> None:
    count = 2 * PER_VOLUME[difficulty] + 5
    asked = list(questions(difficulty, seed=9, test=test, count=count))
    assert len(asked) == count
    assert {question.volume for question in asked} == {0, 1, 2}
    for question in asked:
        sentences = _told(question, difficulty=difficulty, test=test)
        values = [support.value for support in question.supports]
        assert all(value in sentence for value, sentence in zip(values, sentences, strict=True))
        if question.kind == "bridge":
            assert question.answer == values[-1]
            assert question.answer not in question.text
            assert [support.title for support in question.supports[1:]] == values[:-1]
        elif question.answer in ("yes", "no"):
            assert (values[0] == values[1]) == (question.answer == "yes")
        else:
            numbers = {
                support.title: int(support.value.replace(",", ""))
                for support in question.supports
                if support.value.replace(",", "").isdecimal()
            }
            later = ("later", "more", "longer", "younger")
            best = max if any(word in question.text for word in later) else min
            assert question.answer == best(numbers, key=numbers.__getitem__)


def test_questions_of_one_volume_differ_and_of_both_kinds() -> None:
    asked = list(islice(questions("hard", seed=0, test=False, count=20_000), 200))
    assert len({question.text for question in asked}) == 200
    kinds = Counter(question.kind for question in asked)
    assert min(kinds["bridge"], kinds["comparison"]) > 30
    assert {"yes", "no"} < {question.answer for question in asked}
    assert max(len(question.supports) for question in asked) == 4


def test_some_titles_are_named_without_their_article_and_offered_by_a_search() -> None:
    for difficulty in DIFFICULTIES[1:]:
        asked = list(questions(difficulty, seed=2, test=False, count=200))
        loose = [(one, support) for one in asked for support in one.supports if support.asked]
        assert 5 < len(loose) < 100
        for question, support in loose:
            assert support.title == f"The {support.asked}"
            assert support.title not in question.text
            found = open_volume(difficulty, seed=2, test=False, number=question.volume).wiki.find(support.asked)
            assert isinstance(found, Similar)
            assert support.title in found.titles


def test_tiny_questions_rest_on_two_pages() -> None:
    for question in questions("tiny", seed=4, test=False, count=100):
        assert len(question.supports) == 2
        assert len(question.text) < 80

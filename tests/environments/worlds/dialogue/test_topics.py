"""Each topic against a second, independent way to find its answer."""

from __future__ import annotations

import json
import re
from collections import Counter
from random import Random

import pytest

from agenttuning.environments.worlds.dialogue import figures, formats, lookup, talk, wording
from agenttuning.environments.worlds.dialogue.dialogues import MAKERS
from agenttuning.environments.worlds.dialogue.topic import SIZES, Exchange, Maker, Topic
from agenttuning.environments.worlds.dialogue.vocabulary import ANYTHING, NOUNS


def drawn(maker: Maker, *, number: int = 150) -> list[Topic]:
    sizes = list(SIZES.values())
    return [maker(Random(index), sizes[index % len(sizes)]) for index in range(number)]


def firsts(maker: Maker) -> list[Exchange]:
    return [topic.exchanges[0] for topic in drawn(maker)]


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r"\d+", text)]


@pytest.mark.parametrize("maker", MAKERS)
def test_every_topic_is_clean_and_repeatable(maker: Maker) -> None:
    assert drawn(maker) == drawn(maker)
    for topic in drawn(maker):
        assert 1 <= len(topic.exchanges) <= 2
        for turn in topic.exchanges:
            for text in (turn.question, turn.answer):
                assert text
                assert text == text.strip()
                assert "  " not in text
                assert "{" not in text or turn.kind == "json_object"


@pytest.mark.parametrize("maker", MAKERS)
def test_equal_questions_have_equal_answers(maker: Maker) -> None:
    answers: dict[str, str] = {}
    for turn in firsts(maker):
        assert answers.setdefault(turn.question, turn.answer) == turn.answer


@pytest.mark.parametrize("maker", [maker for maker in MAKERS if maker not in (talk.fact, talk.small_talk)])
def test_equal_keys_are_equal_instances(maker: Maker) -> None:
    answers: dict[str | None, str] = {}
    for topic in drawn(maker):
        assert topic.key is not None
        assert answers.setdefault(topic.key, topic.exchanges[0].answer) == topic.exchanges[0].answer


def test_sums() -> None:
    for turn in firsts(figures.plus):
        assert sum(numbers(turn.question)) == int(turn.answer)
    for turn in firsts(figures.minus):
        left, right = numbers(turn.question)
        assert left - right == int(turn.answer) >= 0


def test_order_and_extremes() -> None:
    for turn in firsts(figures.order):
        down = "down" in turn.question
        assert numbers(turn.answer) == sorted(numbers(turn.question), reverse=down)
    for turn in firsts(figures.extreme):
        points = {name: int(value) for name, value in re.findall(r"(\w+) (\d+)", turn.question)}
        ranked = Counter(points).most_common()
        assert turn.answer == ranked[0 if "most" in turn.question else -1][0]
    for turn in firsts(figures.compare):
        best = max if "larger" in turn.question else min
        assert int(turn.answer) == best(numbers(turn.question))


def test_words_are_reversed_and_kept() -> None:
    for turn in firsts(wording.reverse):
        assert turn.question.endswith(" ".join(turn.answer.split()[::-1]))
    for turn in firsts(wording.repeat):
        assert turn.answer in turn.question


def test_counts() -> None:
    for turn in firsts(wording.count):
        if turn.kind == "count":
            assert len(turn.question.split(": ")[1].split()) == int(turn.answer)
        else:
            word = turn.question.split()[3]
            assert turn.question.split("? ")[1].split(", ").count(word) == int(turn.answer)


def test_replaced_and_removed_words_are_gone() -> None:
    for turn in firsts(wording.replace):
        found = re.match(r"(?:Replace|Change) (\S+) (?:with|to) (\S+?)(?:: | in: )(.*)", turn.question)
        assert found is not None
        old, new, text = found.groups()
        assert turn.answer.split() == [new if word == old else word for word in text.split()]
    for turn in firsts(wording.remove):
        before = set(turn.question.split(": ")[1].split(", "))
        assert len(before - set(turn.answer.split(", "))) == 1


def test_where_the_text_does_not_say_is_told() -> None:
    missing = 0
    for turn in firsts(lookup.where):
        story, _, asked = turn.question.rpartition(" Where is the ")
        places = dict(re.findall(r"The (\w+) is ([^.]+)\.", story))
        expected = places.get(asked.rstrip("?"), "It is not there.")
        missing += expected == "It is not there."
        assert turn.answer == expected
    assert 10 < missing < 60


def test_tables_and_records_hold_the_answer() -> None:
    for turn in firsts(lookup.table):
        head, *rows, asked = turn.question.split("\n")
        found = re.match(r"(?:What is|Give) the (\w+) of (\w+)", asked)
        assert found is not None
        row = next(row for row in rows if row.split(" | ")[0] == found[2])
        assert turn.answer == row.split(" | ")[head.split(" | ").index(found[1])]
    for turn in firsts(lookup.listing):
        assert turn.answer in turn.question
        word = turn.answer.split()[1]
        assert word in re.split(r"[.?]", turn.question)[0]


def test_the_next_of_a_list_is_the_first_that_is_not_done() -> None:
    for turn in firsts(lookup.remaining):
        found = re.match(r"(?:List:|We want) (.*?)\. (?:Done:|So far we have) (.*?)\. ", turn.question)
        assert found is not None
        wanted, done = (part.split(", ") for part in found.groups())
        assert turn.answer == next(word for word in wanted if word not in done)


def test_membership() -> None:
    for turn in firsts(lookup.member):
        asked = re.search(r"(?:Is|name) (\w+)", turn.question)
        assert asked is not None
        listed = turn.question.split("? ")[1].split(", ")
        assert turn.answer == ("Yes" if asked[1] in listed else "No")


def test_json_is_json() -> None:
    for turn in firsts(formats.json_list):
        assert json.loads(turn.answer) == turn.question.split(": ")[1].split(", ")
    for turn in firsts(formats.json_object):
        told = [pair.split(" ", 1) for pair in turn.question.split(": ")[1].split(", ")]
        assert json.loads(turn.answer) == dict(told)


def test_templates_are_filled_in() -> None:
    for turn in firsts(formats.template):
        told = re.search(r"X = (\w+), Y = (\w+)(?:, Z = (\w+))?", turn.question)
        assert told is not None
        assert all(word in turn.answer for word in told.groups() if word)
        assert not re.search(r"\b[XYZ]\b", turn.answer)


def test_the_vocabulary_is_large_and_its_words_are_plain() -> None:
    assert len(ANYTHING) > 700
    assert len(NOUNS) > 300
    assert all(word.isalpha() and word.islower() for word in ANYTHING)

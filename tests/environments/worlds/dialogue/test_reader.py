"""Every dialogue beside an independent reading of its words; and what its makers owe a learner."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.environments.worlds.dialogue.reader import RULES, read

from agenttuning.environments.worlds.dialogue import figures, formats, lookup, talk, wording
from agenttuning.environments.worlds.dialogue.dialogues import MAKERS, is_test, make_dialogue
from agenttuning.environments.worlds.dialogue.topic import SIZES, Exchange, Maker, Topic

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
OPEN = [maker for maker in MAKERS if maker not in (talk.fact, talk.small_talk)]


def made(split: str, difficulty: Difficulty, *, number: int, seed: int = 3) -> list[tuple[Exchange, ...]]:
    return [make_dialogue(seed, split=split, index=index, difficulty=difficulty) for index in range(number)]


def drawn(maker: Maker, *, number: int = 200, difficulty: Difficulty = "tiny") -> list[Topic]:
    return [maker(Random(index), SIZES[difficulty]) for index in range(number)]


def questions(maker: Maker, difficulty: Difficulty) -> list[Exchange]:
    return [topic.exchanges[0] for topic in drawn(maker, difficulty=difficulty)]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_an_independent_reading_answers_every_dialogue(split: str, difficulty: Difficulty) -> None:
    seen: Counter[str] = Counter()
    for dialogue in made(split, difficulty, number=1_200):
        earlier: list[str] = []
        for turn in dialogue:
            assert read(turn.kind, turn.question, earlier) == turn.answer, (turn, earlier)
            earlier.append(turn.question)
            seen[turn.kind] += 1
    assert seen.keys() <= RULES.keys() if difficulty == "tiny" else seen.keys() == RULES.keys()


def test_what_was_told_is_told_once_before_it_is_asked_for() -> None:
    """Two lists to remember would leave open which "last word" is meant."""
    for index in (451, 1993, *range(600)):
        kinds = [turn.kind for turn in make_dialogue(0, split="test", index=index, difficulty="hard")]
        if "recall" in kinds:
            assert sum(kind in talk.RECALLED for kind in kinds[: kinds.index("recall")]) == 1, (index, kinds)


@pytest.mark.parametrize("maker", OPEN)
def test_one_question_has_one_key_so_that_no_wording_carries_it_over_to_the_other_split(maker: Maker) -> None:
    keys: dict[tuple[str, ...], str | None] = {}
    for topic in drawn(maker, number=1_500):
        asked = tuple(turn.question for turn in topic.exchanges)
        if topic.exchanges[-1].kind != "recall":
            asked = asked[:1]
        assert keys.setdefault(asked, topic.key) == topic.key


@pytest.mark.parametrize("maker", [figures.plus, figures.minus, wording.capitals, formats.json_list])
def test_one_instance_asked_in_two_ways_has_one_key(maker: Maker) -> None:
    ways: dict[tuple[str | None, str], set[str]] = {}
    for topic in drawn(maker, number=2_000):
        (turn,) = topic.exchanges
        ways.setdefault((topic.key, turn.answer), set()).add(turn.question)
    assert max(map(len, ways.values())) >= 2


@pytest.mark.parametrize("maker", OPEN)
def test_every_open_topic_is_both_trained_and_tested_on(maker: Maker) -> None:
    keys = {topic.key for topic in drawn(maker, number=600) if topic.key is not None}
    assert 0.03 < sum(map(is_test, keys)) / len(keys) < 0.3


@pytest.mark.parametrize("maker", OPEN)
def test_keys_of_different_topics_never_meet(maker: Maker) -> None:
    kinds = {topic.exchanges[0].kind for topic in drawn(maker)}
    heads = {topic.key.split()[0] for topic in drawn(maker) if topic.key is not None}
    assert heads == kinds or maker in (lookup.where, lookup.table)


def test_a_closed_topic_belongs_to_both_splits() -> None:
    assert {topic.key for maker in (talk.fact, talk.small_talk) for topic in drawn(maker)} == {None}
    both = [
        {turn.question for dialogue in made(split, "tiny", number=1_500) for turn in dialogue if turn.kind == "fact"}
        for split in ("train", "test")
    ]
    assert both[0] & both[1]


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_lists_tables_and_sums_are_as_large_as_told(difficulty: Difficulty) -> None:
    sizes = SIZES[difficulty]
    lengths = {len(turn.answer.split()) for turn in questions(wording.reverse, difficulty)}
    assert lengths == set(range(sizes.words[0], sizes.words[1] + 1))
    shapes = [turn.question.split("\n")[:-1] for turn in questions(lookup.table, difficulty)]
    assert {len(lines) - 1 for lines in shapes} == set(range(sizes.rows[0], sizes.rows[1] + 1))
    assert {lines[0].count(" | ") + 1 for lines in shapes} == set(range(sizes.columns[0], sizes.columns[1] + 1))
    sums = [int(turn.answer) for turn in questions(figures.plus, difficulty)]
    assert min(sums) >= 2
    assert sizes.operand < max(sums) <= 2 * sizes.operand


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_dialogues_are_as_long_as_told(difficulty: Difficulty) -> None:
    lengths = Counter(len(dialogue) for dialogue in made("train", difficulty, number=2_000))
    one, _, three = SIZES[difficulty].turns
    assert lengths[1] / 2_000 <= one + 0.03
    assert lengths[3] / 2_000 >= three - 0.03
    assert lengths.keys() == {1, 2, 3}


@pytest.mark.parametrize(
    ("maker", "low", "high"),
    [
        (lookup.member, 0.4, 0.6),
        (figures.compare, 0.4, 0.6),
        (lookup.listing, 0.05, 0.35),
        (wording.position, 0.1, 0.4),
    ],
)
def test_always_choosing_the_first_is_no_way_to_answer(maker: Maker, low: float, high: float) -> None:
    """The first of what is offered: `Yes`, the left number, the first entry, the first word."""
    hits = 0
    turns = [topic.exchanges[0] for topic in drawn(maker, number=500, difficulty="standard")]
    for turn in turns:
        if maker is lookup.member:
            hits += turn.answer == "Yes"
        elif maker is figures.compare:
            hits += turn.question.split(turn.answer)[0].count("or") == 0
        elif maker is lookup.listing:
            hits += turn.question.split(".", 1)[-1].split("?", 1)[-1].strip().startswith(turn.answer)
        else:
            hits += ", " in turn.question and turn.question.replace("? ", ": ").split(": ")[1].startswith(turn.answer)
    assert low < hits / len(turns) < high


def test_only_one_entry_of_a_list_holds_the_word_asked_for() -> None:
    for topic in drawn(lookup.listing, number=1_500, difficulty="hard"):
        turn = topic.exchanges[0]
        noun = turn.answer.split()[1]
        assert len(re.findall(rf"\b{noun}\b", turn.question)) == 2, turn.question


def test_a_pattern_keeps_every_character_that_is_no_letter_to_fill() -> None:
    patterns = {topic.exchanges[0].question.split("\n", 1)[1] for topic in drawn(formats.template, number=600)}
    assert len(patterns) == 20
    for topic in drawn(formats.template, number=600):
        turn = topic.exchanges[0]
        told, pattern = turn.question.split("\n", 1)
        words = [pair.strip(":").split(" = ")[1].split(" ")[0] for pair in told.split(", ")]
        bare = turn.answer
        for word in sorted(words, key=len, reverse=True):
            bare = bare.replace(word, "")
        for letter in "XYZ":
            pattern = pattern.replace(letter, "")
        assert bare == pattern

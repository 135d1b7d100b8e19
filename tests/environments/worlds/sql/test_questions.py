"""The generated questions: what their words ask for is what their gold does, and nothing less will do."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from functools import cache
from random import Random
from typing import TYPE_CHECKING

import pytest
from tests.environments.worlds.sql.reader import RULES, expected

from agenttuning.environments.worlds.sql import changes, hard, standard
from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.domains import DOMAINS
from agenttuning.environments.worlds.sql.generator import questions
from agenttuning.environments.worlds.sql.scene import Scene, identifier, literal
from agenttuning.environments.worlds.sql.sqlite import SqliteDatabase
from agenttuning.environments.worlds.sql.table import check_loadable, table_hash
from agenttuning.environments.worlds.sql.values import fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.sql.question import Draft, Question

    Family = Callable[[Scene], Draft | None]

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
FAMILIES: list[Family] = list(
    dict.fromkeys(
        [*standard._QUESTIONS, *hard.HARD_QUESTIONS]
        + [family for group in (*changes.CHANGES, *changes.HARD_CHANGES) for family in group]
    )
)
NUMBER = 320


@cache
def drawn(difficulty: Difficulty, *, test: bool) -> tuple[Question, ...]:
    return tuple(questions(difficulty, seed=8, test=test, count=NUMBER if not test else 80))


def run(question: Question, *statements: str) -> tuple[list[str] | SqlError, str]:
    """Return the cells of the last result and the hash of the table that is left."""

    async def episode() -> tuple[list[str] | SqlError, str]:
        database = SqliteDatabase(question.table)
        await database.open()
        result: list[tuple[object, ...]] | SqlError = []
        for statement in statements:
            result = await database.execute(statement)
        rows = await database.table_rows()
        await database.close()
        cells = result if isinstance(result, SqlError) else [str(cell) for row in result for cell in row]
        return cells, table_hash(rows or [])

    return asyncio.run(episode())


@cache
def read(difficulty: Difficulty, *, test: bool) -> tuple[list[object], set[str]]:
    """Return what the words of each question ask for, and the rules that were needed."""
    used: set[str] = set()
    return [expected(question, used=used) for question in drawn(difficulty, test=test)], used


@pytest.mark.parametrize("test", [False, True])
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_words_ask_for_what_the_gold_gives(difficulty: Difficulty, test: bool) -> None:
    for question, asked in zip(drawn(difficulty, test=test), read(difficulty, test=test)[0], strict=True):
        assert isinstance(asked, list)
        if question.answer is None:
            assert table_hash(asked) == question.answer_hash, question.text
        else:
            assert asked == sorted(question.answer), question.text


def test_every_wording_is_heard() -> None:
    used = set().union(*(read(difficulty, test=False)[1] for difficulty in DIFFICULTIES))
    assert [pattern for pattern, _ in RULES if pattern not in used] == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_a_family_is_sound_on_every_subject(family: Family) -> None:
    stream, subjects, wordings = Random(family.__name__), Counter[str](), set()
    for _ in range(250):
        scene = Scene(stream, test=False, hard=False)
        draft = family(scene)
        if draft is None:
            continue
        subjects[scene.domain.subject] += 1
        wordings.add(draft.text.split()[0])
        assert (draft.answer is None) != (draft.rows is None)
        assert draft.text[-1] in ".?"
        assert "{" not in draft.text + draft.sql + draft.thought
        assert identifier(scene.title) in draft.sql
        assert draft.kind == draft.sql.split()[0] or draft.sql.startswith("SELECT")
    assert len(subjects) >= len(DOMAINS) - 3
    assert wordings


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_condition_left_out_loses(difficulty: Difficulty) -> None:
    lost = told = 0
    for question in drawn(difficulty, test=False):
        head, where, _ = question.sql.partition(" WHERE ")
        if not where or question.sql.startswith("SELECT ("):
            continue
        cells, left = run(question, head)
        told += 1
        lost += (left != question.answer_hash) if question.answer is None else cells != list(question.answer)
    assert told > 50
    assert lost / told > 0.95


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_other_end_of_an_order_loses(difficulty: Difficulty) -> None:
    swapped = {" DESC": " ASC", " ASC": " DESC", "MAX(": "MIN(", "MIN(": "MAX("}
    lost = told = 0
    for question in drawn(difficulty, test=False):
        other = re.sub(r" DESC| ASC|MAX\(|MIN\(", lambda found: swapped[found[0]], question.sql)
        if other != question.sql and "GROUP BY" not in other:
            cells, _ = run(question, other)
            told += 1
            lost += cells != list(question.answer or ())
    assert told > 20
    assert lost / told > 0.95


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_row_entered_twice_and_a_number_raised_twice_are_wrong(difficulty: Difficulty) -> None:
    once = 0
    for question in drawn(difficulty, test=False)[:150]:
        if question.answer is not None:
            continue
        assert run(question, question.sql)[1] == question.answer_hash
        assert run(question, "SELECT 1")[1] != question.answer_hash
        if question.sql.startswith("INSERT") or re.search(r" SET (`[^`]+`) = \1 \+ ", question.sql):
            assert run(question, question.sql, question.sql)[1] != question.answer_hash
            once += 1
    assert once > 5


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_no_two_keys_or_values_are_one_to_the_collation(difficulty: Difficulty) -> None:
    """`name = 'x'` must not find a row that the rows themselves would call another one."""
    for question in drawn(difficulty, test=False):
        check_loadable(question.table)
        columns = list(zip(*question.table.rows, strict=True))
        assert len({fold(str(key)) for key in columns[0]}) == len(columns[0])
        for column in columns:
            assert len({fold(str(cell)) for cell in column}) == len(set(column))
            assert all(cell and cell == cell.strip() for cell in column)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_hint_names_the_table_and_all_its_columns(difficulty: Difficulty) -> None:
    for question in drawn(difficulty, test=False)[:100]:
        assert question.table.name in question.hint
        assert question.hint.rstrip(".").endswith(", ".join(question.table.columns))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_questions_differ_and_answers_are_of_every_kind(difficulty: Difficulty) -> None:
    made = drawn(difficulty, test=False)
    assert len({(question.text, question.table) for question in made}) == NUMBER
    kinds = Counter(question.kind.partition("-")[0] for question in made)
    asked = {"other", "counting", "comparison", "ranking", "aggregation"}
    assert kinds.keys() == asked | {"INSERT", "UPDATE", "DELETE"}
    assert min(kinds.values()) >= 5
    answers = Counter(question.answer for question in made if question.answer is not None)
    assert answers.most_common(1)[0][1] < 0.15 * NUMBER


@pytest.mark.parametrize("value", ["O'Dell", 'a"b', "'", "''", "x"])
def test_a_quoted_value_is_itself_again(value: str) -> None:
    question = drawn("standard", test=False)[0]
    assert run(question, f"SELECT {literal(value)}")[0] == [value]

"""The embedded questions: sound, fixed by their seed, and of two kinds that share nothing."""

import time

import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.sql.domains import DOMAINS, Names
from agenttuning.environments.worlds.sql.generator import question, questions
from agenttuning.environments.worlds.sql.names import belongs_to_test
from agenttuning.environments.worlds.sql.question import Draft, checked
from agenttuning.environments.worlds.sql.table import Table, table_hash

DIFFICULTIES: list[Difficulty] = ["tiny", "standard", "hard"]
NAMED = {column.name for domain in DOMAINS for column in (domain.key, *domain.columns) if isinstance(column, Names)}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_question_is_made_alone_from_its_index(difficulty: Difficulty) -> None:
    listed = list(questions(difficulty, seed=3, test=False, count=30))
    assert [question(difficulty, seed=3, test=False, index=index) for index in (29, 0)] == [listed[29], listed[0]]
    assert listed != list(questions(difficulty, seed=4, test=False, count=30))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("seeds", [(0, 0), (0, 7)])
def test_train_and_test_share_no_table(difficulty: Difficulty, seeds: tuple[int, int]) -> None:
    train = {
        frozenset(row[0] for row in drawn.table.rows)
        for drawn in questions(difficulty, seed=seeds[0], test=False, count=400)
    }
    test = {
        frozenset(row[0] for row in drawn.table.rows)
        for drawn in questions(difficulty, seed=seeds[1], test=True, count=400)
    }
    assert train.isdisjoint(test)


@pytest.mark.parametrize("difficulty", DIFFICULTIES[1:])
def test_train_and_test_share_no_person_place_or_title(difficulty: Difficulty) -> None:
    for test in (False, True):
        for drawn in questions(difficulty, seed=1, test=test, count=100):
            places = [place for place, column in enumerate(drawn.table.columns) if column in NAMED]
            names = {row[place] for row in drawn.table.rows for place in places if row[place]}
            assert names
            assert {belongs_to_test(str(name)) for name in names} == {test}


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_all_four_statements_occur_often(difficulty: Difficulty) -> None:
    kinds = [drawn.sql.split()[0] for drawn in questions(difficulty, seed=0, test=False, count=400)]
    shares = {kind: kinds.count(kind) / len(kinds) for kind in ("SELECT", "INSERT", "UPDATE", "DELETE")}
    assert shares["SELECT"] > 0.3
    assert all(share > 0.06 for share in shares.values()), shares


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_doing_nothing_solves_nothing(difficulty: Difficulty) -> None:
    for drawn in questions(difficulty, seed=2, test=False, count=300):
        assert drawn.answer_hash is None or drawn.answer_hash != table_hash(drawn.table.rows)
        assert (drawn.answer is None) != (drawn.answer_hash is None)


def test_standard_tables_are_of_many_sizes_and_need_backquotes() -> None:
    tables = [drawn.table for drawn in questions("standard", seed=0, test=False, count=300)]
    assert {len(table.rows) for table in tables} >= set(range(8, 40))
    assert max(len(table.rows) for table in tables) <= 60
    assert {len(table.columns) for table in tables} == set(range(3, 9))
    assert sum(any(" " in column for column in table.columns) for table in tables) > 200
    assert len({drawn.text.split()[0] for drawn in questions("standard", seed=0, test=False, count=300)}) > 25


def test_tiny_questions_are_short() -> None:
    drawn = list(questions("tiny", seed=0, test=False, count=300))
    assert max(len(each.text) + len(each.hint) + len(each.sql) for each in drawn) < 260
    assert {len(each.table.columns) for each in drawn} <= {3, 4}
    assert {len(each.table.rows) for each in drawn} == {4, 5, 6, 7, 8}
    assert len({word for each in drawn for word in each.text.split()}) < 400


def test_tiny_questions_come_at_more_than_a_thousand_a_second() -> None:
    spent = []
    for seed in range(3):
        begun = time.process_time()
        list(questions("tiny", seed=seed, test=False, count=500))
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.5


@pytest.mark.parametrize("answer", [("6",), ("5", "5"), ()])
def test_gold_that_execution_contradicts_is_refused(answer: tuple[str, ...]) -> None:
    table = Table(name="t", columns=("a", "b"), rows=(("x", "5"),))
    draft = Draft(kind="other", text="b of x?", thought="", sql="SELECT b FROM t WHERE a = 'x'", answer=answer)
    with pytest.raises(AssertionError):
        checked(draft, table=table, numbers=frozenset({"b"}), hint="")

import hashlib

import pytest

from agenttuning.environments.worlds.sql.table import Table, check_loadable, table_hash
from agenttuning.errors import WorldError


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_hash_of_one_row_is_md5_of_five_digits() -> None:
    assert table_hash([("a", "b")]) == f"[('{_md5(_md5('a,b')[:5])}',)]"


def test_hash_ignores_row_order_and_null_cells() -> None:
    assert table_hash([("a", None), ("b", "c")]) == table_hash([("b", "c"), (None, "a")])


def test_hash_of_an_empty_table_is_the_printed_null() -> None:
    assert table_hash([]) == "[(None,)]"


def test_hash_is_cut_where_mysql_cuts_group_concat() -> None:
    rows = [(str(number),) for number in range(400)]
    digits = ",".join(sorted(_md5(str(number))[:5] for number in range(400)))
    assert table_hash(rows) == f"[('{_md5(digits[:1024])}',)]"
    assert table_hash(rows) != f"[('{_md5(digits)}',)]"


def test_hash_reads_text_as_utf8() -> None:
    assert table_hash([("é",)]) == f"[('{_md5(hashlib.md5('é'.encode(), usedforsecurity=False).hexdigest()[:5])}',)]"


@pytest.mark.parametrize(
    ("columns", "rows", "reason"),
    [
        (("Score", "score"), (), "duplicate column name 'score'"),
        (("a", ""), (), "incorrect name ''"),
        (("a", "b "), (), "incorrect name 'b '"),
        (("a" * 65,), (), "incorrect name"),
        (("a", "b"), (("1",),), "does not have 2 cells"),
        ((), (), "does not have 0 cells"),
    ],
)
def test_tables_that_mysql_refuses_are_refused(
    columns: tuple[str, ...], rows: tuple[tuple[str, ...], ...], reason: str
) -> None:
    with pytest.raises(WorldError, match=reason):
        check_loadable(Table(name="t", columns=columns, rows=rows))

"""MySQL's functions and operators, family by family, with what MariaDB 10.11 gave for hundreds of calls."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.sql.functions import SCALARS

if TYPE_CHECKING:
    from tests.environments.worlds.sql.play import Play

    from agenttuning.environments.worlds.sql.table import Table

GOLDEN = Path(__file__).parents[3] / "golden"
FAMILIES: dict[str, dict[str, str]] = json.loads((GOLDEN / "database_functions.json").read_text("utf-8"))
STATEMENTS: dict[str, str] = json.loads((GOLDEN / "database_statements.json").read_text("utf-8"))
WITHOUT_RECORD = {"LIKE", "REGEXP", "REGEXP_LIKE", "SUBSTR"}
"""Operators; a function that MySQL has and MariaDB has not; a second name that the parser replaces."""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_gives_what_the_server_gave(play: Play, shop: Table, family: str) -> None:
    cases = FAMILIES[family]
    found = dict(zip(cases, play(shop, list(cases)), strict=True))
    assert {sql: shown for sql, shown in found.items() if shown != cases[sql]} == {}


def test_every_function_has_a_record() -> None:
    recorded = " ".join([*STATEMENTS, *(sql for cases in FAMILIES.values() for sql in cases)])
    called = {name.upper() for name in re.findall(r"(\w+)\(", recorded)}
    assert SCALARS.keys() - called - WITHOUT_RECORD <= {"CURRENT_TIMESTAMP", "NOW"}


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT ROUND(1250, -2), TRUNCATE(129, -1), TRUNCATE(129, 2)", "[(1300, 120, 129)]"),
        ("SELECT CAST('1e3' AS SIGNED), CAST(' +0042 km' AS SIGNED), CAST('-x' AS SIGNED)", "[(1000, 42, 0)]"),
        ("SELECT LEFT('abcdef', '2e1'), REPEAT('a', '3.9')", "[('ab', 'aaa')]"),
    ],
)
def test_whole_numbers_stay_whole_and_text_counts_by_its_digits(play: Play, shop: Table, sql: str, shown: str) -> None:
    assert play(shop, [sql]) == [shown.replace("1000, 42", "1, 42")]


def test_trailing_blanks_differ_as_in_mysql_8(on_sqlite: Play, shop: Table) -> None:
    """MariaDB's collations pad with blanks; `utf8mb4_0900_ai_ci` does not."""
    assert on_sqlite(shop, ["SELECT 'a ' = 'a', 'a ' LIKE 'a', COUNT(*) FROM shop WHERE item = 'fig '"]) == [
        "[(0, 0, 0)]"
    ]


@pytest.mark.parametrize("name", sorted(SCALARS.keys() - {"RAND", "SLEEP", "NOW", "CURRENT_TIMESTAMP"}))
def test_a_function_is_reached_from_a_statement_under_any_case(on_sqlite: Play, shop: Table, name: str) -> None:
    for count in range(4):
        arguments = ", ".join(["'1'", "'1'", "'1'"][:count])
        upper, lower = on_sqlite(shop, [f"SELECT {name}({arguments})", f"SELECT {name.lower()}({arguments})"])
        assert "1305" not in upper
        assert upper == lower or "SQL syntax" in upper or "parameter count" in upper
        if upper.startswith("["):
            return
    pytest.fail(f"{name} takes no number of arguments up to three")

"""Two hundred statements and what MariaDB 10.11 gave for them; both databases must still give it."""

import json
from pathlib import Path

from tests.environments.worlds.sql.play import Play

from agenttuning.environments.worlds.sql.table import Table

GOLDEN = Path(__file__).parents[3] / "golden" / "database_statements.json"


def test_each_statement_gives_what_the_server_gave(play: Play, shop: Table) -> None:
    cases: dict[str, str] = json.loads(GOLDEN.read_text())
    reads = [sql for sql in cases if sql.startswith("SELECT")]
    found = dict(zip(reads, play(shop, reads), strict=True))
    for sql in cases.keys() - set(reads):
        (found[sql],) = play(shop, [sql])
    assert len(cases) > 200
    assert {sql: shown for sql, shown in found.items() if shown != cases[sql]} == {}

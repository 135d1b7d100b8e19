"""The table of a task and its hash, as AgentBench's Database task defines them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from agenttuning.core.records import Record
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_HASHED_BYTES = 1024
"""MySQL's default `group_concat_max_len`, which the published gold hashes depend on: about 170 rows."""
_LONGEST_NAME = 64
"""MySQL's limit for the name of a table or column."""


class Table(Record):
    """One table; every cell is text, whatever type its column is said to have."""

    name: str
    """Also the name of its database."""
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


def check_loadable(table: Table) -> None:
    """Refuse what MySQL refuses to create.

    Raises:
        WorldError: a name is empty, too long or used twice, or a row has another number of cells.
    """
    folded = [name.casefold() for name in table.columns]
    for name in (table.name, *table.columns):
        if not name.strip() or name != name.rstrip() or len(name) > _LONGEST_NAME:
            raise WorldError(f"table {table.name!r} cannot be created: incorrect name {name!r}")
    if repeated := sorted({name for name in folded if folded.count(name) > 1}):
        raise WorldError(f"table {table.name!r} cannot be created: duplicate column name {repeated[0]!r}")
    if not table.columns or any(len(row) != len(table.columns) for row in table.rows):
        raise WorldError(f"table {table.name!r} cannot be loaded: a row does not have {len(table.columns)} cells")


def table_hash(rows: Iterable[Sequence[str | None]]) -> str:
    """Return the printed MySQL result that the gold of a change is compared with, e.g. `[('03b2...5d',)]`.

    Five hex digits of MD5 per row over its non-NULL cells, the sorted row hashes joined and cut as GROUP_CONCAT
    cuts them, MD5 of that; an empty table gives `[(None,)]`.
    """
    hashes = sorted(_md5(",".join(cell for cell in row if cell is not None))[:5] for row in rows)
    if not hashes:
        return "[(None,)]"
    return f"[('{_md5(','.join(hashes)[:_HASHED_BYTES])}',)]"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()

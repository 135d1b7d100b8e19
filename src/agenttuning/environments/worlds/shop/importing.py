"""WebShop's files into one store, in one pass and little memory, going on after a kill where the last batch ended.

A batch of products is one transaction of the database and one shard of the search index; the shard is written before
the transaction that counts it, so that what is counted exists. Sizes and names of the source files are part of the
state: another source starts anew.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from agenttuning.core.environment import ImportProgress
from agenttuning.core.records import Record
from agenttuning.environments.worlds.shop.official import (
    REPEATED,
    Attributes,
    Odd,
    Wording,
    human_wordings,
    read_product,
)
from agenttuning.environments.worlds.shop.store import DATABASE, INDEX, SCHEMA, SUMMARY
from agenttuning.environments.worlds.shop.stream import JsonStream
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agenttuning.environments.worlds.shop.product import Product
    from agenttuning.environments.worlds.shop.source import ShopFiles

BATCH: Final = 10_000
"""Records per transaction: about 45 MB of the source."""
_SHARDS: Final = "shards"
_ATTRIBUTES: Final = "attributes.sqlite"
_TRUNCATED: Final = "file ends within a record"


class State(Record):
    """How far an import is; one row of the store, in the same transaction as what it counts."""

    source: dict[str, int]
    """Names and sizes of the files."""
    offset: int = 0
    """Byte behind the last record taken."""
    products: int = 0
    shards: int = 0
    wishes: int = 0
    odd: dict[str, int] = {}
    """Records left out or mended, by reason."""

    @property
    def note(self) -> str:
        """The figures that a progress bar shows."""
        odd = "".join(f"; {count:,} x {reason}" for reason, count in self.odd.items())
        return f"{self.products:,} products, {self.wishes:,} wishes{odd}"


def import_shop(files: ShopFiles, target: Path) -> Iterator[ImportProgress]:
    """Import products, attributes and wishes; yield after every batch.

    Raises:
        DataError: a file is not what its name says, or `target` cannot be written, by a second import for one.
    """
    total = sum(path.stat().st_size for path in files.all)
    if _is_done(files, target):
        yield ImportProgress(total, total, "imported before")
        return
    try:
        target.mkdir(parents=True, exist_ok=True)
        with closing(_open_store(files, target)) as store:
            state = _state(store)
            yield ImportProgress(state.offset, total, "reading attributes")
            with closing(_open_attributes(files, target)) as attributes:
                for state in _import_products(files, target, store, attributes):
                    yield ImportProgress(state.offset, total, state.note)
        for written, postings in _merge(target, state):
            yield ImportProgress(files.products.stat().st_size, total, f"index: {written:,} of {postings:,} postings")
        _finish(target, state)
        yield ImportProgress(total, total, state.note)
    except (OSError, sqlite3.DatabaseError) as error:
        raise DataError(
            f"cannot write the import in {target}: {error}; is the disk full, or does another import run?"
        ) from error


def _is_done(files: ShopFiles, target: Path) -> bool:
    summary = target / SUMMARY
    return summary.is_file() and json.loads(summary.read_text("utf-8"))["source"] == files.sizes


def _open_store(files: ShopFiles, target: Path) -> sqlite3.Connection:
    """Open the store of an import that was begun from the same files, else a new one."""
    (target / SUMMARY).unlink(missing_ok=True)
    store = _connect(target / DATABASE)
    tables = store.execute("SELECT count(*) FROM sqlite_master WHERE name = 'state'").fetchone()[0]
    if tables and _state(store).source == files.sizes:
        return store
    store.close()
    for leftover in (target / DATABASE, target / _ATTRIBUTES):
        leftover.unlink(missing_ok=True)
    for folder in (target / _SHARDS, target / INDEX):
        shutil.rmtree(folder, ignore_errors=True)
    store = _connect(target / DATABASE)
    store.executescript(f"BEGIN; {SCHEMA} COMMIT;")
    _save(store, State(source=files.sizes))
    store.commit()
    return store


def _connect(path: Path) -> sqlite3.Connection:
    """Open a database for one writer; what a kill leaves half done is rolled back at the next opening."""
    connection = sqlite3.connect(path, timeout=1.0)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def _state(store: sqlite3.Connection) -> State:
    return State.model_validate_json(store.execute("SELECT body FROM state").fetchone()[0])


def _save(store: sqlite3.Connection, state: State) -> None:
    store.execute("INSERT OR REPLACE INTO state VALUES (0, ?)", (state.model_dump_json(),))


def _open_attributes(files: ShopFiles, target: Path) -> sqlite3.Connection:
    """Return a table of attribute entries by product number, made once per import and thrown away behind it."""
    path = target / _ATTRIBUTES
    connection = _connect(path)
    connection.execute("CREATE TABLE IF NOT EXISTS entries (asin TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID")
    if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
        connection.execute("DELETE FROM entries")
        if files.attributes is not None:
            with JsonStream(files.attributes) as stream:
                rows = ((asin, json.dumps(entry)) for asin, entry in stream.members() if asin.isascii())
                connection.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", rows)
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    return connection


def _import_products(
    files: ShopFiles, target: Path, store: sqlite3.Connection, attributes: sqlite3.Connection
) -> Iterator[State]:
    from agenttuning.environments.worlds.search.shards import write_shard

    state, human = _state(store), read_human(files)
    with JsonStream(files.products, start=state.offset) as stream:
        records = stream.items()
        while batch := list(islice(records, BATCH)):
            odd = Counter(state.odd)
            taken = list(_take(batch, store, attributes, odd))
            write_shard(target / _SHARDS / str(state.shards), (product.search_text for product, _ in taken))
            rows = list(_wordings(taken, human))
            store.executemany(
                "INSERT INTO products VALUES (?, ?, ?)",
                (
                    (state.products + place, product.asin, product.model_dump_json(exclude_defaults=True))
                    for place, (product, _) in enumerate(taken)
                ),
            )
            store.executemany("INSERT INTO wordings (kind, asin, number, body) VALUES (?, ?, ?, ?)", rows)
            state = state.model_copy(
                update={
                    "offset": stream.offset,
                    "products": state.products + len(taken),
                    "shards": state.shards + 1,
                    "wishes": state.wishes + len(rows),
                    "odd": dict(+odd),
                }
            )
            _save(store, state)
            store.commit()
            yield state
        if stream.truncated:
            state = state.model_copy(update={"odd": {**state.odd, _TRUNCATED: 1}})
            _save(store, state)
            store.commit()
            yield state


def _take(
    batch: Iterable[object], store: sqlite3.Connection, attributes: sqlite3.Connection, odd: Counter[str]
) -> Iterator[tuple[Product, Attributes | None]]:
    """Yield the new products of a batch, counting what is odd."""
    seen: set[str] = set()
    for record in batch:
        entry = _entry(record, attributes)
        product, mended = read_product(record, attributes=entry)
        if isinstance(product, Odd):
            odd[product.reason] += 1
            continue
        known = store.execute("SELECT 1 FROM products WHERE asin = ?", (product.asin,)).fetchone()
        if product.asin in seen or known:
            odd[REPEATED] += 1
            continue
        if mended:
            odd[mended] += 1
        seen.add(product.asin)
        yield product, entry


def _entry(record: object, attributes: sqlite3.Connection) -> Attributes | None:
    asin = record.get("asin") if isinstance(record, dict) else None
    if not isinstance(asin, str) or not asin.isascii():
        return None
    row = attributes.execute("SELECT body FROM entries WHERE asin = ?", (asin,)).fetchone()
    try:
        return Attributes.model_validate_json(row[0]) if row else None
    except ValidationError:
        return None


def read_human(files: ShopFiles) -> dict[str, list[Wording]]:
    """Return the human wishes by product number; 12,000 of them are 10 MB.

    Raises:
        DataError: the file is no object of wishes.
    """
    if files.human is None:
        return {}
    with JsonStream(files.human) as stream:
        try:
            return {asin: list(human_wordings(entry)) for asin, entry in stream.members()}
        except ValidationError as error:
            raise DataError(f"{files.human} holds an entry that is no list of wishes; fetch it anew") from error


def _wordings(
    taken: Iterable[tuple[Product, Attributes | None]], human: dict[str, list[Wording]]
) -> Iterator[tuple[str, str, int, str]]:
    for product, entry in taken:
        for number, wording in enumerate(human.get(product.asin, ())):
            yield "human", product.asin, number, wording.model_dump_json()
        if entry is not None and entry.wording is not None:
            yield "synthetic", product.asin, 0, entry.wording.model_dump_json()


def _merge(target: Path, state: State) -> Iterator[tuple[int, int]]:
    from agenttuning.environments.worlds.search.shards import merge_shards

    folders = [target / _SHARDS / str(number) for number in range(state.shards)]
    yield from merge_shards(folders, target / INDEX)


def _finish(target: Path, state: State) -> None:
    """Write the summary, which makes the import whole, and drop what only the import needed."""
    with closing(sqlite3.connect(target / DATABASE)) as store:
        kinds = dict(store.execute("SELECT kind, count(*) FROM wordings GROUP BY kind"))
    summary = {"source": state.source, "counts": {"products": state.products, **kinds}, "odd": state.odd}
    part = target / f"{SUMMARY}.part"
    part.write_text(json.dumps(summary, indent=1), "utf-8")
    part.rename(target / SUMMARY)
    shutil.rmtree(target / _SHARDS, ignore_errors=True)
    (target / _ATTRIBUTES).unlink(missing_ok=True)

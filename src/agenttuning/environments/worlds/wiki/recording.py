"""A live wiki recorded into one SQLite file, and played back bit by bit: what a run saw is what its repetition sees.

One row per wiki and searched text: the answer as JSON, pages with their revision ids. The first answer stays: while a
run records, the same search is answered alike for all its episodes.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from pydantic import TypeAdapter

from agenttuning.environments.worlds.wiki.backend import Page, Similar
from agenttuning.environments.worlds.wiki.corpus import LONGEST_NAME
from agenttuning.environments.worlds.wiki.explorer import clean
from agenttuning.errors import DataError, WorldError

if TYPE_CHECKING:
    from pathlib import Path

    from agenttuning.environments.worlds.wiki.backend import WikiBackend

_FOUND: Final[TypeAdapter[Page | Similar]] = TypeAdapter(Page | Similar)
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS searches (
    wiki TEXT NOT NULL, entity TEXT NOT NULL, answer TEXT NOT NULL, revision INTEGER, PRIMARY KEY (wiki, entity)
) WITHOUT ROWID
"""
_SECONDS: Final = 30.0
"""How long a writer waits for another process's turn."""


class RecordingWiki:
    """Passes searches on to a wiki and keeps every answer; implements `WikiBackend`."""

    def __init__(self, wiki: WikiBackend, path: Path) -> None:
        """Open or begin the recording.

        Raises:
            DataError: the file is no recording, or cannot be written.
        """
        self._wiki = wiki
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)
            self._database.execute(_TABLE)
        except (OSError, sqlite3.Error) as error:
            raise DataError(f"cannot record into {path}: {error}; name a new file as `recording`") from error

    @property
    def name(self) -> str:
        """The wiki that is recorded."""
        return self._wiki.name

    async def search(self, entity: str) -> Page | Similar:
        """Return the recorded answer; what has none is asked and recorded."""
        key = _key(entity)
        known = _recorded(self._database, self._wiki.name, key)
        if known is not None:
            return known
        found = await self._wiki.search(key)
        revision = found.revision if isinstance(found, Page) else None
        self._database.execute(
            "INSERT OR IGNORE INTO searches VALUES (?, ?, ?, ?)",
            (self._wiki.name, key, found.model_dump_json(), revision),
        )
        return _recorded(self._database, self._wiki.name, key) or found

    async def close(self) -> None:
        """Close the file and the wiki."""
        self._database.close()
        await self._wiki.close()


class ReplayWiki:
    """Answers from a recording alone; implements `WikiBackend`."""

    def __init__(self, path: Path, *, wiki: str) -> None:
        """Open a recording for reading.

        Args:
            path: the file.
            wiki: name of the wiki that was recorded, such as `live en.wikipedia.org`.

        Raises:
            DataError: there is no such recording.
        """
        self._path, self._recorded = path, wiki
        self._name = replay_name(path, wiki)
        self._database = _open(path)

    @property
    def name(self) -> str:
        """The wiki, and a digest of all that was recorded of it."""
        return self._name

    async def search(self, entity: str) -> Page | Similar:
        """Return the recorded answer.

        Raises:
            WorldError: this was never searched while recording.
        """
        found = _recorded(self._database, self._recorded, _key(entity))
        if found is None:
            raise WorldError(
                f"{self._path} holds no search for {_key(entity)!r} in {self._recorded!r}; a replay repeats the run "
                "that was recorded, so play on with backend = 'live' and this `recording` to add to it"
            )
        return found

    async def close(self) -> None:
        """Close the file."""
        self._database.close()


def replay_name(path: Path, wiki: str) -> str:
    """Return how a recording stands in a number.

    Raises:
        DataError: there is no such recording.
    """
    if not path.is_file():
        raise DataError(f"no recording at {path}; make one with backend = 'live' and this `recording`")
    known = path.stat()
    return f"replay of {wiki.removeprefix('live ')} {_digest(path, wiki, known.st_mtime_ns, known.st_size)}"


@lru_cache(maxsize=8)
def _digest(path: Path, wiki: str, changed: int, size: int) -> str:  # noqa: ARG001  part of the key
    told = hashlib.sha256()
    with closing(_open(path)) as database:
        for entity, answer in database.execute(
            "SELECT entity, answer FROM searches WHERE wiki = ? ORDER BY entity", (wiki,)
        ):
            told.update(f"{len(entity)} {entity}{len(answer)} {answer}".encode())
    return told.hexdigest()[:8]


def _open(path: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_SECONDS)
        database.execute("SELECT entity, answer FROM searches LIMIT 1")
    except sqlite3.Error as error:
        raise DataError(f"{path} is no recording of a wiki: {error}") from error
    return database


def _recorded(database: sqlite3.Connection, wiki: str, key: str) -> Page | Similar | None:
    row = database.execute("SELECT answer FROM searches WHERE wiki = ? AND entity = ?", (wiki, key)).fetchone()
    return None if row is None else _FOUND.validate_json(row[0])


def _key(entity: str) -> str:
    return clean(entity[:LONGEST_NAME]).strip()

"""What live tools answered, kept in one SQLite file and played back: a repetition sees what the run saw.

One row per tool and input, failures among them; the first outcome stays, so that equal calls of one run are answered
alike. The file may be that of a recorded wiki (`worlds/wiki/recording`), which has a table of its own.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from agenttuning.errors import DataError, WorldError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from agenttuning.environments.worlds.rewoo.tool import Tool

_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS tools (tool TEXT PRIMARY KEY) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS calls (
        tool TEXT NOT NULL, query TEXT NOT NULL, answer TEXT NOT NULL, failed INTEGER NOT NULL,
        PRIMARY KEY (tool, query)
    ) WITHOUT ROWID""",
)
_SECONDS: Final = 30.0
"""How long a writer waits for another's turn."""


class CallRecording:
    """One open recording; `replay` answers from it alone."""

    def __init__(self, path: Path, *, replay: bool) -> None:
        """Open a recording, or begin one.

        Raises:
            DataError: the file is no recording, or cannot be written.
        """
        self._path = path
        self._replay = replay
        try:
            if replay:
                self._database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_SECONDS)
                self._database.execute("SELECT tool, query, answer, failed FROM calls LIMIT 1")
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)
            for table in _TABLES:
                self._database.execute(table)
        except (OSError, sqlite3.Error) as error:
            told = "replay reads what a run with this `recording` has written" if replay else "name a new file"
            raise DataError(f"cannot open the recording {path}: {error}; {told}") from error

    def note(self, tool: str) -> None:
        """Keep that a tool was offered, whether or not it is called."""
        if not self._replay:
            self._database.execute("INSERT OR IGNORE INTO tools VALUES (?)", (tool,))

    def tools(self) -> frozenset[str]:
        """Return the tools that were offered."""
        return frozenset(name for (name,) in self._database.execute("SELECT tool FROM tools"))

    async def answer(self, tool: str, query: str, ask: Callable[[str], Awaitable[str]]) -> str:
        """Return the recorded answer; what has none is asked and kept.

        Raises:
            WorldError: the call failed when it was recorded, or a replay has none.
        """
        known = self._known(tool, query)
        if known is None:
            if self._replay:
                raise WorldError(f"the recording {self._path.name} holds no answer of {tool} to {query[:60]!r}")
            await self._keep(tool, query, ask)
            known = self._known(tool, query)
        assert known is not None
        if known[1]:
            raise WorldError(known[0])
        return known[0]

    def _known(self, tool: str, query: str) -> tuple[str, bool] | None:
        asked = "SELECT answer, failed FROM calls WHERE tool = ? AND query = ?"
        row: tuple[str, bool] | None = self._database.execute(asked, (tool, query)).fetchone()
        return row

    async def _keep(self, tool: str, query: str, ask: Callable[[str], Awaitable[str]]) -> None:
        try:
            outcome = (await ask(query), False)
        except WorldError as error:
            outcome = (str(error), True)
        self._database.execute("INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?)", (tool, query, *outcome))

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._database.close()


class RecordedTool:
    """A tool whose answers are kept, or played back."""

    def __init__(self, tool: Tool, recording: CallRecording, *, key: str) -> None:
        """Wrap a tool; `key` names it and what is behind it in the recording."""
        self.name, self.description = tool.name, tool.description
        self._tool = tool
        self._recording = recording
        self._key = key
        recording.note(key)

    async def run(self, query: str) -> str:
        """Return the recorded answer, or the tool's."""
        return await self._recording.answer(self._key, query, self._tool.run)

    async def close(self) -> None:
        """Close the tool; the recording belongs to the episode."""
        await self._tool.close()


def recorded_tools(path: Path) -> frozenset[str]:
    """Return the keys of the tools that a recorded run offered.

    Raises:
        DataError: there is no such recording.
    """
    with closing(CallRecording(path, replay=True)) as recording:
        return recording.tools()

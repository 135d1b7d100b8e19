"""Every call of a stage and what came of it, one line each in one file; the same file is the answer cache.

A line is on disk before its answer is used. So whatever kills the process, an answer that was paid for is found again
by the digest of its request, and is not asked for twice.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError

from agenttuning.core.records import Record, Usage
from agenttuning.core.store import disk_errors, drop_torn_line
from agenttuning.errors import DataError
from agenttuning.policies.budget import Spent

if TYPE_CHECKING:
    from io import FileIO
    from pathlib import Path


class Call(Record):
    """One call: the request's digest, the answer, and what it took to get it."""

    key: str = ""
    """Digest of address and request, seed included; empty for draws without a seed, which are never answered again."""
    model: str
    at: str
    """When it ended, UTC."""
    content: str | None = None
    """The reply; None when the call brought none that can be used."""
    finish: Literal["stop", "length"] = "stop"
    answered: bool = False
    """The model answered, usably or not: this was paid for."""
    reason: str = ""
    """Why there is no reply: `tool call`, `refusal`, `no text`, `overlong`, or what the last attempt met."""
    failure: str = ""
    """The whole sentence."""
    usage: Usage = Usage()
    """As the server told."""
    reckoned: Usage = Usage()
    """An upper estimate that stands in where it told none."""
    dollars: float | None = None
    """None without a known price."""
    seconds: float = 0.0
    """From the first attempt to the last, queues and waits between them included."""
    queue_seconds: float = 0.0
    """In the queue before our own limits, all attempts together."""
    attempts: tuple[str, ...] = ()
    """What each attempt met: a status, `timeout`, `ReadError`, `malformed`."""
    request_id: str = ""
    """As the server calls the last attempt."""

    @property
    def spent(self) -> Spent:
        """What it cost."""
        if not self.answered:
            return Spent()
        return Spent(1, (self.usage + self.reckoned).total, self.dollars or 0.0)


class CallLog:
    """Appends calls durably and finds answered ones by their key; for one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spent = Spent()
        """In all calls of the file."""
        self._places: dict[str, tuple[int, int]] = {}
        self._end = 0
        self._written = self._durable = 0
        self._syncing: asyncio.Task[None] | None = None
        self._file: FileIO | None = None
        if path.exists():
            self._read()

    def find(self, key: str) -> Call | None:
        """Return the call that was answered under this key."""
        if key not in self._places:
            return None
        start, size = self._places[key]
        return Call.model_validate_json(os.pread(self._opened().fileno(), size, start))

    async def append(self, call: Call) -> None:
        """Write a call and return when the disk has it; calls that end together share one sync."""
        line = call.model_dump_json(exclude_defaults=True).encode() + b"\n"
        with disk_errors(self.path):
            file = self._opened()
            if file.write(line) != len(line):
                os.ftruncate(file.fileno(), self._end)
                raise OSError(28, "No space left on device")
        self._place(call, len(line))
        self._written += 1
        mine = self._written
        while self._durable < mine:
            if self._syncing is None:
                self._syncing = asyncio.create_task(self._sync())
            await asyncio.shield(self._syncing)

    def close(self) -> None:
        """Sync and close."""
        if self._file is not None:
            with disk_errors(self.path), self._file:
                os.fsync(self._file.fileno())
            self._file = None

    def _opened(self) -> FileIO:
        if self._file is None:
            with disk_errors(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("ab+", buffering=0)
        return self._file

    async def _sync(self) -> None:
        until = self._written
        try:
            with disk_errors(self.path):
                await asyncio.to_thread(os.fsync, self._opened().fileno())
            self._durable = until
        finally:
            self._syncing = None

    def _read(self) -> None:
        drop_torn_line(self.path)
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    call = Call.model_validate_json(line)
                except ValidationError as error:
                    raise DataError(
                        f"{self.path}:{number} is no Call; remove the line, or move the file away and pay anew"
                    ) from error
                self.spent += call.spent
                self._place(call, len(line))

    def _place(self, call: Call, size: int) -> None:
        if call.key and call.answered:
            self._places[call.key] = (self._end, size)
        self._end += size

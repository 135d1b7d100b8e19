"""What a shell's terminal gave: kept in bounds while it comes, made readable when it is taken."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

KEPT_BYTES: Final = 1 << 18
"""Of the beginning of what is printed between two commands, and of its end."""
_TOKEN: Final = re.compile(rb"\x1e[0-9a-f]{32}\x1e")
_TOKEN_BYTES: Final = 34
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|.)?")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(slots=True)
class Terminal:
    """What was printed and nobody took yet: the beginning, then the end of what was too long."""

    number: int = 0
    alive: bool = False
    received: int = 0
    """Bytes in all."""
    tokens: set[bytes] = field(default_factory=set)
    """Tokens that came since the last `take`."""
    _first: bytearray = field(default_factory=bytearray)
    _last: bytearray = field(default_factory=bytearray)
    _omitted: int = 0
    _edge: bytes = b""
    """The end of the last piece: a token may lie across two."""

    def add(self, data: bytes) -> None:
        """Keep a piece and note the tokens in it."""
        window = self._edge + data
        self._edge = window[-_TOKEN_BYTES + 1 :]
        self.received += len(data)
        self.tokens.update(_TOKEN.findall(window))
        room = KEPT_BYTES - len(self._first)
        self._first += data[:room]
        self._last += data[max(room, 0) :]
        if len(self._last) > 2 * KEPT_BYTES:
            self._omitted += len(self._last) - KEPT_BYTES
            del self._last[:-KEPT_BYTES]

    def take(self) -> bytes:
        """Return all and begin anew."""
        gap = b"\n[%d bytes of output left out]\n" % self._omitted if self._omitted else b""
        taken = bytes(self._first) + gap + bytes(self._last)
        self._first, self._last, self._omitted = bytearray(), bytearray(), 0
        self.tokens.clear()
        return taken

    def take_until(self, token: bytes) -> bytes:
        """Return what came before a token; what came after it stays."""
        before, _, after = self.take().partition(token)
        self._first += after
        return before


def clean(output: bytes) -> str:
    """Return printable text: no tokens, no escape sequences, no control characters but tabs and line ends."""
    text = _TOKEN.sub(b"", output).decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", _ESCAPES.sub("", text))

"""JSON files of any size, read one value at a time in little memory, from the byte where a killed reader stopped."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Final, Self

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

CHUNK: Final = 1 << 20
"""Bytes per read."""
LONGEST: Final = 1 << 25
"""Bytes that one value may have; what is longer is not read on."""
_GAP: Final = re.compile(r"[\s,]*")
_COLON: Final = re.compile(r"\s*:\s*")


class JsonStream:
    """The values of one top-level array, or the members of one top-level object."""

    def __init__(self, path: Path, *, start: int = 0) -> None:
        """Open a file; `start` is an `offset` of an earlier stream over the same file."""
        self.path = path
        self.offset = start
        """Byte behind the last value given."""
        self.truncated = False
        """Did the file end before its last bracket."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._json = json.JSONDecoder(strict=False)
        self._text = ""
        self._place = self._counted = 0
        self._ended = False
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise DataError(f"cannot read {path}: {error}") from error
        self._file.seek(start)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def items(self) -> Iterator[object]:
        """Yield the values of an array.

        Raises:
            DataError: the file holds no array, or what stands in it is no JSON.
        """
        while self._more("[", "]"):
            value = self._value()
            if self.truncated:
                return
            self._consume()
            yield value

    def members(self) -> Iterator[tuple[str, object]]:
        """Yield the names and values of an object.

        Raises:
            DataError: the file holds no object, or what stands in it is no JSON.
        """
        while self._more("{", "}"):
            name = self._value()
            colon = None if self.truncated else self._match(_COLON)
            value = None if self.truncated else self._value()
            if self.truncated:
                return
            if colon is None or not isinstance(name, str):
                raise self._broken("a name and a value are expected")
            self._consume()
            yield name, value

    def _more(self, opening: str, closing: str) -> bool:
        """Go to the next value; tell whether there is one."""
        at_start = self.offset == 0 and self._place == 0
        self._match(_GAP)
        if at_start:
            if self._text[self._place : self._place + 1] == "\ufeff":
                self._place += 1
                self._match(_GAP)
            if self._text[self._place : self._place + 1] != opening:
                raise self._broken(f"{opening!r} is expected")
            self._place += 1
            self._match(_GAP)
        self.truncated = self._place >= len(self._text)
        return not self.truncated and self._text[self._place] != closing

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        """Pass what the pattern finds here, reading on where it may go on."""
        while True:
            found = pattern.match(self._text, self._place)
            if (found is None or found.end() < len(self._text)) and self._place < len(self._text):
                break
            if not self._read():
                break
        if found is None:
            self.truncated = self.truncated or self._place >= len(self._text)
            return None
        self._place = found.end()
        return found[0]

    def _value(self) -> object:
        """Decode the value that begins here; a file that ends within it is marked as truncated."""
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if len(self._text) - self._place > LONGEST:
                    raise self._broken(f"{error.msg}, or longer than {LONGEST} characters") from error
                if not self._read():
                    self.truncated = True
                    return None
            except RecursionError as error:
                raise self._broken("nested too deeply") from error
            else:
                if end < len(self._text) or not self._read():
                    self._place = end
                    return value

    def _read(self) -> bool:
        """Read on, twice as much as is waiting; tell whether there was more."""
        if self._ended:
            return False
        data = self._file.read(max(CHUNK, len(self._text) - self._place))
        self._ended = not data
        self._text += self._decoder.decode(data, final=self._ended)
        return not self._ended

    def _consume(self) -> None:
        """Count what has been passed since the last value, and drop it now and then."""
        passed = self._text[self._counted : self._place]
        self.offset += len(passed) if passed.isascii() else len(passed.encode("utf-8", "surrogateescape"))
        self._counted = self._place
        if self._place > CHUNK // 2:
            self._text = self._text[self._place :]
            self._place = self._counted = 0

    def _broken(self, reason: str) -> DataError:
        return DataError(f"{self.path} is not the expected JSON behind byte {self.offset}: {reason}; fetch it anew")

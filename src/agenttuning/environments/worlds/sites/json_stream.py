"""The objects of a JSON array, one at a time: memory holds one of them, however long the file is."""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_CHUNK: Final = 1 << 22
_NO_SPACE: Final = re.compile(r"[^ \t\r\n]")


class ArrayReader:
    """Reads an array; `position` is the number of bytes read so far."""

    def __init__(self, path: Path, *, longest: int = 1 << 29) -> None:
        """Name a file and the most characters that one of its elements may have."""
        self.path = path
        self.position = 0
        self._longest = longest
        self._text = ""
        self._at = 0
        self._ended = False

    def __iter__(self) -> Iterator[object]:
        """Yield the objects.

        Raises:
            DataError: the file is missing, torn, no array of objects, or one of them is too long.
        """
        try:
            with self.path.open("rb") as file:
                yield from self._objects(file)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {self.path}: {error}; fetch it again") from error

    def _objects(self, file: BinaryIO) -> Iterator[object]:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        if self._sign(file) != "[":
            raise self._error("no JSON array", 0)
        self._at += 1
        count = 0
        sign = "," if self._sign(file) != "]" else "]"
        while sign == ",":
            yield self._object(file, count)
            count += 1
            sign = self._sign(file)
            if sign not in {",", "]"}:
                raise self._error("no JSON array" if sign else "torn", count)
            self._at += 1
        if count == 0:
            self._at += 1
        if self._sign(file):
            raise self._error("followed by something else", count)

    def _object(self, file: BinaryIO, count: int) -> object:
        sign = self._sign(file)
        if sign != "{":
            raise self._error("no array of JSON objects" if sign else "torn", count)
        size = _CHUNK
        while True:
            try:
                value, self._at = json.JSONDecoder().raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._error(f"torn or no JSON ({error.msg})", count) from error
            except RecursionError as error:
                raise self._error("nested too deeply", count) from error
            else:
                return value
            if len(self._text) - self._at > self._longest:
                raise self._error(f"of an element longer than {self._longest:,} characters", count)
            self._read(file, size)
            size *= 2

    def _sign(self, file: BinaryIO) -> str:
        """Pass over white space and return the character that follows; none at the end of the file."""
        while True:
            found = _NO_SPACE.search(self._text, self._at)
            if found is not None or self._ended:
                self._at = found.start() if found is not None else len(self._text)
                return self._text[self._at : self._at + 1]
            self._at = len(self._text)
            self._read(file, _CHUNK)

    def _read(self, file: BinaryIO, size: int) -> None:
        data = file.read(size)
        self.position += len(data)
        self._ended = not data
        self._text = self._text[self._at :] + self._decoder.decode(data, final=self._ended)
        self._at = 0

    def _error(self, what: str, count: int) -> DataError:
        return DataError(f"{self.path} is {what}, after {count} whole elements; fetch it again")

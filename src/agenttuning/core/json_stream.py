"""The elements of a JSON array, one at a time: memory holds one of them, however long the file is."""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from typing import TYPE_CHECKING, Final, cast

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_CHUNK: Final = 1 << 22
_LONGEST_WORD: Final = 16
"""No name, escape or word of JSON is longer, so an error this far from the end of the text stays one."""
_AFTER: Final = frozenset(",] \t\r\n")
_DECODER: Final = json.JSONDecoder()
_NO_SPACE: Final = re.compile(r"[^ \t\r\n]")


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked where its name ends in `.gz`."""
    return cast("BinaryIO", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


class ArrayReader:
    """Reads an array, unpacked where the name ends in .gz; `position` is the number of bytes read so far."""

    def __init__(self, path: Path, *, longest: int = 1 << 29) -> None:
        """Name a file and the most characters that one of its elements may have."""
        self.path = path
        self.position = 0
        self._longest = longest
        self._text = ""
        self._at = 0
        self._ended = False

    def __iter__(self) -> Iterator[object]:
        """Yield the elements.

        Raises:
            DataError: the file is missing, torn, no array, or an element is too long.
        """
        try:
            with open_binary(self.path) as file:
                yield from self._elements(file)
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {self.path}: {error}; fetch it again") from error

    def _elements(self, file: BinaryIO) -> Iterator[object]:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        if self._sign(file) != "[":
            raise self._error("no JSON array", 0)
        self._at += 1
        count = 0
        sign = "," if self._sign(file) != "]" else "]"
        while sign == ",":
            yield self._element(file, count)
            count += 1
            sign = self._sign(file)
            if sign not in {",", "]"}:
                raise self._error("no JSON array" if sign else "torn", count)
            self._at += 1
        if count == 0:
            self._at += 1
        if self._sign(file):
            raise self._error("followed by something else", count)

    def _element(self, file: BinaryIO, count: int) -> object:
        if not self._sign(file):
            raise self._error("torn", count)
        size = _CHUNK
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or self._hopeless(error):
                    raise self._error(f"torn or no JSON ({error.msg})", count) from error
            except RecursionError as error:
                raise self._error("nested too deeply", count) from error
            else:
                whole = self._ended or not isinstance(value, (int, float)) or self._text[end : end + 1] in _AFTER
                if whole:  # else a number may go on
                    self._at = end
                    return value
            if len(self._text) - self._at > self._longest:
                raise self._error(f"of an element longer than {self._longest:,} characters", count)
            self._read(file, size)
            size *= 2

    def _hopeless(self, error: json.JSONDecodeError) -> bool:
        """Tell whether more text cannot mend an error: it is far from the end of what has been read."""
        return len(self._text) - error.pos > _LONGEST_WORD and not error.msg.startswith("Unterminated string")

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

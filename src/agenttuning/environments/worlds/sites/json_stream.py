"""The elements of a JSON array, one at a time: memory holds one element, however long the file is."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

_CHUNK: Final = 1 << 22
_SPACE: Final = " \t\r\n"


class ArrayReader:
    """Reads an array; `position` is the number of bytes read so far."""

    def __init__(self, path: Path, *, longest: int = 1 << 29) -> None:
        """Name a file and the most characters that one of its elements may have."""
        self.path = path
        self.position = 0
        self._longest = longest
        self._text = ""
        self._ended = False

    def __iter__(self) -> Iterator[object]:
        """Yield the elements.

        Raises:
            DataError: the file is missing, torn, no array, or one of its elements is too long.
        """
        try:
            with self.path.open("rb") as file:
                yield from self._elements(file)
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"cannot read {self.path}: {error}; fetch it again") from error

    def _elements(self, file: BinaryIO) -> Iterator[object]:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._skip(file)
        if not self._text.startswith("["):
            raise self._error("no JSON array", 0)
        self._text = self._text[1:]
        count = 0
        self._skip(file)
        while not self._text.startswith("]"):
            yield self._element(file, count)
            count += 1
            self._skip(file)
            if self._text.startswith(","):
                self._text = self._text[1:]
                self._skip(file)
            elif not self._text.startswith("]"):
                raise self._error("torn" if self._ended and not self._text else "no JSON array", count)
        self._text = self._text[1:]
        self._skip(file)
        if self._text:
            raise self._error("followed by something else", count)

    def _element(self, file: BinaryIO, count: int) -> object:
        size = _CHUNK
        while True:
            try:
                value, end = json.JSONDecoder().raw_decode(self._text)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._error(f"torn or no JSON ({error.msg})", count) from error
            except RecursionError as error:
                raise self._error("nested too deeply", count) from error
            else:
                if end < len(self._text) or self._ended:
                    self._text = self._text[end:]
                    return value
            if len(self._text) > self._longest:
                raise self._error(f"of an element longer than {self._longest:,} characters", count)
            self._read(file, size)
            size *= 2

    def _skip(self, file: BinaryIO) -> None:
        """Drop white space, reading on where nothing else is left."""
        self._text = self._text.lstrip(_SPACE)
        while not self._text and not self._ended:
            self._read(file, _CHUNK)
            self._text = self._text.lstrip(_SPACE)

    def _read(self, file: BinaryIO, size: int) -> None:
        data = file.read(size)
        self.position += len(data)
        self._ended = not data
        self._text += self._decoder.decode(data, final=self._ended)

    def _error(self, what: str, count: int) -> DataError:
        return DataError(f"{self.path} is {what}, after {count} whole elements; fetch it again")

"""Reading the authors' candidate scores, a pickle, without running anything that a pickle can name.

Plain dictionaries, lists, tuples, texts and numbers are read; NumPy's numbers are rebuilt here, without NumPy. Any
other name in the file is refused before anything is called.
"""

from __future__ import annotations

import pickle
import struct
from collections import OrderedDict, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

_CODES: Final = {
    **{f"f{size}": code for size, code in ((2, "e"), (4, "f"), (8, "d"))},
    **{f"i{size}": code for size, code in ((1, "b"), (2, "h"), (4, "i"), (8, "q"))},
    **{f"u{size}": code for size, code in ((1, "B"), (2, "H"), (4, "I"), (8, "Q"))},
}
"""NumPy's names of numbers, and how `struct` reads them."""
_NUMPY_SCALAR: Final = frozenset({("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")})
_TORN: Final = (
    *(AttributeError, EOFError, ImportError, IndexError, KeyError, MemoryError, OverflowError, TypeError, ValueError),
    *(pickle.UnpicklingError, struct.error),
)
"""What reading a torn pickle raises; a length that was scribbled on asks for any amount of memory."""


class _RefusedError(pickle.UnpicklingError):
    """The pickle holds something that plain values do not need."""


class _Type:
    """Stands in for NumPy's dtype: a size, a kind and a byte order."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.order = ">" if state[1:2] == (">",) else "<"


def _scalar(kind: _Type, data: bytes) -> float:
    if kind.code not in _CODES:
        raise _RefusedError(f"a NumPy value of type {kind.code!r}")
    return float(struct.unpack(kind.order + _CODES[kind.code], data)[0])


def _bytes(text: str, encoding: str) -> bytes:
    """Return bytes as old pickles write them: text of one character per byte."""
    return text.encode("latin-1" if encoding == "latin1" else "ascii")


_KNOWN: Final[dict[tuple[str, str], object]] = {
    ("numpy", "dtype"): _Type,
    ("collections", "OrderedDict"): OrderedDict,
    ("collections", "defaultdict"): defaultdict,
    ("builtins", "dict"): dict,
    ("__builtin__", "dict"): dict,
}


class _Plain(pickle.Unpickler):
    """Knows containers and numbers."""

    def find_class(self, module: str, name: str) -> object:
        """Return what a name of the pickle stands for."""
        if (module, name) in _NUMPY_SCALAR:
            return partial(_scalar)  # an object of its own: a pickle may write attributes on what it names
        if (module, name) == ("_codecs", "encode"):
            return partial(_bytes)
        if (module, name) not in _KNOWN:
            raise _RefusedError(f"the name {module}.{name}, which plain numbers do not need")
        return _KNOWN[module, name]

    def persistent_load(self, pid: object) -> object:
        """Refuse references to what lies outside."""
        raise _RefusedError(f"a reference to {pid!r} outside of the file")


def load_plain(path: Path) -> object:
    """Return the content of a pickle of plain values.

    Raises:
        DataError: the file is missing, torn, or names anything but containers and numbers.
    """
    try:
        with path.open("rb") as file:
            return _Plain(file).load()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error
    except _RefusedError as error:
        raise DataError(
            f"{path} is refused: it holds {error}; fetch the scores again from Mind2Web's authors"
        ) from error
    except _TORN as error:
        raise DataError(f"{path} is no whole pickle: {type(error).__name__}: {error}; fetch it again") from error

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
    from typing import BinaryIO

_CODES: Final = dict(
    zip(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"], "efdbhiqBHIQ?", strict=True)
)
_NUMPY_SCALAR: Final = frozenset({("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")})


class _Type:
    """Stands in for NumPy's dtype: a size, a kind and a byte order."""

    def __init__(self, code: str, *_: object) -> None:
        self.code = code
        self.order = "<"

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self.order = ">" if state[1:2] == (">",) else "<"


def _scalar(kind: _Type, data: bytes) -> float:
    if kind.code not in _CODES:
        raise pickle.UnpicklingError(f"a NumPy value of type {kind.code!r}")
    return float(struct.unpack(kind.order + _CODES[kind.code], data)[0])


class _Plain(pickle.Unpickler):
    """Knows containers and numbers."""

    def find_class(self, module: str, name: str) -> object:
        """Return what a name of the pickle stands for."""
        if (module, name) in _NUMPY_SCALAR:
            return partial(_scalar)  # an object of its own: a pickle may write attributes on what it names
        known = {("numpy", "dtype"): _Type, ("collections", "OrderedDict"): OrderedDict}
        known |= {("collections", "defaultdict"): defaultdict, ("builtins", "dict"): dict}
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"the name {module}.{name}, which plain numbers do not need")
        return known[module, name]

    def persistent_load(self, pid: object) -> object:
        """Refuse references to what lies outside."""
        raise pickle.UnpicklingError(f"a reference to {pid!r} outside of the file")


def load_plain(path: Path) -> object:
    """Return the content of a pickle of plain values.

    Raises:
        DataError: the file is missing, torn, or names anything but containers and numbers.
    """
    try:
        with path.open("rb") as file:
            return _load(file)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error}") from error
    except pickle.UnpicklingError as error:
        raise DataError(
            f"{path} is refused: it holds {error}; fetch the scores again from Mind2Web's authors"
        ) from error
    except (AttributeError, EOFError, ImportError, IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise DataError(f"{path} is no whole pickle: {type(error).__name__}: {error}; fetch it again") from error


def _load(file: BinaryIO) -> object:
    return _Plain(file).load()

"""What is wrong with a row: rule, field, value and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from agenttuning.datasets.dialogue import Row

Severity = Literal["error", "warning"]
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; an error makes the row unfit for training, a warning asks for a look."""

    rule: str
    field: str
    """Path inside the row, for example `conversations.3.from`."""
    value: str
    """The offending value, shortened."""
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """One sentence."""
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.value}; {self.fix}"


class Report(Protocol):
    """Takes a finding and the place of its row."""

    def __call__(self, place: str, problem: Problem) -> None:
        """Take one."""


class BadRowError(DataError):
    """A row that cannot be read or written; holds the problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def refuse(place: str, problem: Problem) -> None:
    """Raise the first problem: the report of a reader that takes sound files only.

    Raises:
        DataError: always.
    """
    raise DataError(f"{place} {problem}")


def shown(value: object) -> str:
    """Return a value as an error text shows it: one line, shortened."""
    text = value if isinstance(value, str) and value.isprintable() and len(value) <= _SHOWN else None
    whole = repr(text if text is not None else value if not isinstance(value, str) else value[: _SHOWN + 1])
    return whole if len(whole) <= _SHOWN + 2 else f"{whole[:_SHOWN]}..."


def bad(rule: str, field: str, value: object, fix: str) -> BadRowError:
    """Build the error of a row."""
    return BadRowError(Problem(rule, field, shown(value), fix))


def text_of(row: Row, key: str, *, where: str = "") -> str:
    """Return a string field.

    Raises:
        BadRowError: missing or of another type.
    """
    value = row.get(key)
    if not isinstance(value, str):
        raise bad("schema", f"{where}{key}", _kind(value, missing=key not in row), "must be a string")
    return value


def optional_text(row: Row, key: str, *, where: str = "") -> str | None:
    """Return a string field, None where it is absent or null.

    Raises:
        BadRowError: of another type.
    """
    return None if row.get(key) is None else text_of(row, key, where=where)


def objects_of(row: Row, key: str, *, where: str = "") -> list[Row]:
    """Return a field that is a list of objects.

    Raises:
        BadRowError: missing, or of another type.
    """
    value = row.get(key)
    if not isinstance(value, list):
        raise bad("schema", f"{where}{key}", _kind(value, missing=key not in row), "must be a list of objects")
    return [object_of(item, where=f"{where}{key}.{index}") for index, item in enumerate(value)]


def object_of(value: JsonValue, *, where: str) -> Row:
    """Return a value that is an object.

    Raises:
        BadRowError: of another type.
    """
    if not isinstance(value, dict):
        raise bad("schema", where, _kind(value, missing=False), "must be an object")
    return value


def optional_object(row: Row, key: str, *, where: str = "") -> Row:
    """Return a field that is an object, an empty one where it is absent or null.

    Raises:
        BadRowError: of another type.
    """
    value = row.get(key)
    return {} if value is None else object_of(value, where=f"{where}{key}")


def _kind(value: JsonValue, *, missing: bool) -> object:
    return "missing" if missing else value

"""Mind2Web's actions, one row each: the form into which `agenttuning data import mind2web` brings the official files.

A row holds what the original code works on after it has flattened a task into its actions; rows of other projects in
the same form (`*.jsonl`) are read as well. A file's name is its split, less a trailing number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from agenttuning.environments.worlds.sites.sample import Sample
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SUFFIX: Final = ".jsonl"
UNFINISHED: Final = ".unfinished"
"""Lies in the folder until its import is done."""
_NUMBER: Final = re.compile(r"_\d+\Z")


class Operation(BaseModel):
    """What is done to the element."""

    op: str
    value: str = ""


class Candidate(BaseModel):
    """An element that may be acted upon."""

    backend_node_id: str
    rank: int | None = None
    """Place in the official ranker's order, from 0."""


class Action(BaseModel):
    """One action, in the official files inside a task."""

    action_uid: str
    operation: Operation
    pos_candidates: list[Candidate]
    neg_candidates: list[Candidate]
    cleaned_html: str


class Row(Action):
    """One action with what its task says."""

    annotation_id: str
    website: str
    confirmed_task: str
    previous_actions: list[str]


@dataclass(frozen=True, slots=True)
class OfficialRow:
    """A sample with its name and its ranks."""

    id: str
    sample: Sample
    ranks: Mapping[str, int] | None
    """Node id to rank; None where a candidate has none."""


def split_of(path: Path) -> str:
    """Return the split that a file belongs to: `test_domain` for `test_domain_3.json`."""
    return _NUMBER.sub("", path.stem)


def count_rows(folder: Path) -> dict[str, int]:
    """Return the number of rows of every split found.

    Raises:
        DataError: there are no imported files.
    """
    counts: dict[str, int] = {}
    for path in _files(folder):
        with path.open("rb") as lines:
            counts[split_of(path)] = counts.get(split_of(path), 0) + sum(1 for line in lines if line.strip())
    return counts


def read_rows(folder: Path, *, split: str) -> Iterator[OfficialRow]:
    """Yield the rows of a split in the order of the files.

    Raises:
        DataError: no such split, or a line is no row.
    """
    files = [path for path in _files(folder) if split_of(path) == split]
    if not files:
        known = sorted({split_of(path) for path in _files(folder)})
        raise DataError(
            f"mind2web has no split {split!r}{nearest(split, known)} at {str(folder)!r}; found: {', '.join(known)}"
        )
    return (row for path in files for row in _read(path))


def are_ranked(folder: Path, *, split: str) -> bool:
    """Tell whether a split comes with ranks: whether its first action with candidates does.

    Raises:
        DataError: no such split, or a line is no row.
    """
    rows = read_rows(folder, split=split)
    first = next((row for row in rows if row.sample.candidates), None)
    return first is not None and first.ranks is not None


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.glob(f"*{SUFFIX}"), key=_natural) if folder.is_dir() else [folder]
    if not found or not all(path.is_file() for path in found):
        raise DataError(
            f"no imported Mind2Web data at {str(folder)!r}; run `agenttuning data import mind2web DIR TARGET` on the "
            "folder with train_*.json and test_*.json, and name TARGET"
        )
    if (folder / UNFINISHED).exists():
        raise DataError(f"the import to {str(folder)!r} is not finished; run `agenttuning data import` again")
    return found


def _natural(path: Path) -> tuple[str, int, str]:
    number = _NUMBER.search(path.stem)
    return split_of(path), int(number[0][1:]) if number else -1, path.name


def _read(path: Path) -> Iterator[OfficialRow]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield _official(Row.model_validate_json(line))
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(map(str, first["loc"])) or "line"
                raise DataError(
                    f"{path}:{number} is no Mind2Web action: {where}: {first['msg']}; import the official files again"
                ) from error


def _official(row: Row) -> OfficialRow:
    candidates = [*row.pos_candidates, *row.neg_candidates]
    ranks = {candidate.backend_node_id: candidate.rank for candidate in candidates if candidate.rank is not None}
    known = len(ranks) == len({candidate.backend_node_id for candidate in candidates})
    sample = Sample(
        website=row.website,
        task=row.confirmed_task,
        previous=tuple(row.previous_actions),
        html=row.cleaned_html,
        positives=tuple(candidate.backend_node_id for candidate in row.pos_candidates),
        negatives=tuple(candidate.backend_node_id for candidate in row.neg_candidates),
        operation=row.operation.op,
        value=row.operation.value,
        aim=_aim(row.operation),
    )
    return OfficialRow(f"{row.annotation_id}_{row.action_uid}", sample, ranks if known else None)


def _aim(operation: Operation) -> str:
    return {"TYPE": f"type {operation.value}", "SELECT": f"select {operation.value}"}.get(
        operation.op, "click what leads on"
    )

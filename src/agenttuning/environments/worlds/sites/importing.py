"""Mind2Web's own files to rows: every task of `train_*.json` and `test_*.json` flattened into its actions, with ranks.

A file is written under a temporary name and renamed when it is whole, so an import that was killed goes on with the
first file that is missing. A finished one is done anew, since scores may have come beside the files.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from agenttuning.core.environment import ImportProgress
from agenttuning.core.json_stream import ArrayReader
from agenttuning.core.store import disk_errors, write_atomic
from agenttuning.environments.worlds.sites.official import SUFFIX, UNFINISHED, Action, Candidate, Row
from agenttuning.environments.worlds.sites.restricted_pickle import load_plain
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCORES: Final = "scores*.pkl"
"""The authors' candidate scores, as they call the file: `scores_all_data.pkl`."""

_RANKS: Final = TypeAdapter(dict[str, int])


class _Task(BaseModel):
    annotation_id: str
    website: str
    confirmed_task: str
    action_reprs: list[str]
    actions: list[Action]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The official ranker's order of every action's candidates."""

    path: Path
    by_action: Mapping[object, object]

    def ranked(self, candidates: list[Candidate], *, action: str) -> list[Candidate]:
        """Return candidates with their ranks.

        Raises:
            DataError: the file does not know the action, or one of the candidates.
        """
        try:
            ranks = _RANKS.validate_python(self.by_action.get(action, {}))
        except ValidationError as error:
            raise DataError(f"{self.path} holds no ranks for action {action!r}: {error.errors()[0]['msg']}") from error
        missing = [c.backend_node_id for c in candidates if c.backend_node_id not in ranks]
        if missing:
            raise DataError(
                f"{self.path} holds scores of other tasks: it does not know element {missing[0]!r} of action "
                f"{action!r}; lay the scores of these files there, or none"
            )
        return [c.model_copy(update={"rank": ranks[c.backend_node_id]}) for c in candidates]


def import_folder(source: Path, target: Path) -> Iterator[ImportProgress]:
    """Convert a folder, searched with its subfolders.

    Raises:
        DataError: there are no such files, or one of them cannot be read.
    """
    files = sorted(path for pattern in ("train_*.json", "test_*.json") for path in source.rglob(pattern))
    if not files:
        raise DataError(f"no Mind2Web files (train_*.json, test_*.json) at {str(source)!r}; name their folder")
    names = [path.stem for path in files]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"two files are called {doubled[0]}.json below {str(source)!r}; move one of them away")
    total = sum(path.stat().st_size for path in files)
    target.mkdir(parents=True, exist_ok=True)
    rows = {path: target / f"{path.stem}{SUFFIX}" for path in files}
    if not _goes_on(target, [*files, *sorted(source.rglob(SCORES))]):
        for path in rows.values():
            path.unlink(missing_ok=True)
    waiting = [path for path in files if not rows[path].is_file()]
    before = total - sum(path.stat().st_size for path in waiting)
    yield ImportProgress(before, total)
    ranks = _read_ranks(source) if waiting else None
    for path in waiting:
        for read, actions in _convert(path, rows[path], ranks):
            yield ImportProgress(before + read, total, f"{actions:,} actions of {path.name}")
        before += path.stat().st_size
    (target / UNFINISHED).unlink()


def _goes_on(target: Path, files: list[Path]) -> bool:
    """Tell whether an import of these very files was broken off; note that one is under way."""
    read = "".join(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}\n" for path in files)
    marker = target / UNFINISHED
    if marker.is_file() and marker.read_text("utf-8") == read:
        return True
    write_atomic(marker, read)
    return False


def _read_ranks(source: Path) -> Ranks | None:
    found = sorted(source.rglob(SCORES))
    if not found:
        return None
    if len(found) > 1:
        raise DataError(f"several files of candidate scores: {', '.join(map(str, found))}; leave one of them")
    content = load_plain(found[0])
    ranks = content.get("ranks") if isinstance(content, dict) else None
    if not isinstance(ranks, dict):
        raise DataError(f"{found[0]} holds no candidate ranks; fetch it again")
    return Ranks(found[0], ranks)


def _convert(path: Path, target: Path, ranks: Ranks | None) -> Iterator[tuple[int, int]]:
    """Write the actions of a file; yield bytes read and actions written after every task."""
    reader = ArrayReader(path)
    temporary = target.with_name(f".{target.name}.tmp")
    count = 0
    with disk_errors(target), temporary.open("w", encoding="utf-8") as rows:
        for number, element in enumerate(reader):
            for row in _rows(element, ranks, place=f"{path}, task {number}"):
                rows.write(row.model_dump_json() + "\n")
                count += 1
            yield reader.position, count
        rows.flush()
        os.fsync(rows.fileno())
    temporary.replace(target)


def _rows(element: object, ranks: Ranks | None, *, place: str) -> Iterator[Row]:
    try:
        task = _Task.model_validate(element)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(
            f"{place}, is none: {'.'.join(map(str, first['loc']))}: {first['msg']}; fetch it again"
        ) from error
    for number, action in enumerate(task.actions):
        name = f"{task.annotation_id}_{action.action_uid}"
        candidates = {"pos_candidates": action.pos_candidates, "neg_candidates": action.neg_candidates}
        if ranks is not None:
            candidates = {side: ranks.ranked(held, action=name) for side, held in candidates.items()}
        yield Row(
            annotation_id=task.annotation_id,
            website=task.website,
            confirmed_task=task.confirmed_task,
            previous_actions=task.action_reprs[:number],
            **{**dict(action), **candidates},
        )

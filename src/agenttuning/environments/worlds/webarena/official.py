"""The benchmark's own task files: the raw tasks (upstream's, the paper's copy), the verified set, the hard subset."""

from __future__ import annotations

import gzip
from functools import cache
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from agenttuning.core.records import Record
from agenttuning.environments.worlds.webarena.evaluators import NothingToJudge, build_evaluator
from agenttuning.environments.worlds.webarena.raw_task import SEVERAL, Evaluation, RawTask, Site
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from agenttuning.environments.worlds.webarena.task import Dialect, Subset, TaskSet

FILES: Final[Mapping[TaskSet, tuple[str, ...]]] = {
    "raw": ("test.raw.811.json", "test.raw.json"),
    "raw-2023": ("test.raw.agenttuning-2023.811.json", "test.raw.agenttuning-2023.json"),
    "verified": ("webarena-verified.811.json.gz", "webarena-verified.json.gz", "webarena-verified.json"),
}
"""Names that a folder is searched for: without the task that holds an access token, and as published."""
HARD: Final = "webarena-verified-hard.json"
DIALECTS: Final[Mapping[TaskSet, Dialect]] = {"raw": "upstream", "raw-2023": "2023", "verified": "upstream"}
ReadT = TypeVar("ReadT")


class VerifiedEvaluation(Record, extra="allow"):
    """One judgement of the verified set, carried out by its own program."""

    evaluator: Literal["AgentResponseEvaluator", "NetworkEventEvaluator"]
    expected: dict[str, JsonValue]


class VerifiedTask(Record):
    """One task of the verified set."""

    sites: tuple[Site, ...] = Field(min_length=1)
    task_id: int = Field(ge=0)
    intent_template_id: int
    start_urls: tuple[str, ...]
    intent: str
    intent_template: str
    instantiation_dict: dict[str, str | int | tuple[str, ...]]
    eval: tuple[VerifiedEvaluation, ...] = Field(min_length=1)
    revision: int

    def as_raw(self, known: RawTask | None) -> RawTask:
        """Return what is needed to play it; who must be logged in comes from the raw task of the same number."""
        changing = any(each.expected.get("task_type") == "mutate" for each in self.eval)
        return RawTask(
            sites=self.sites,
            task_id=self.task_id,
            require_login=known is not None and known.require_login,
            storage_state=known.storage_state if known is not None else None,
            start_url=SEVERAL.join(self.start_urls),
            geolocation=None,
            intent_template=self.intent_template,
            instantiation_dict=self.instantiation_dict,
            intent=self.intent,
            require_reset=changing,
            eval=Evaluation(eval_types=("string_match",), reference_answers=None, reference_url=None, program_html=()),
            intent_template_id=self.intent_template_id,
        )


class _Hard(Record):
    description: str | None = None
    task_ids: tuple[int, ...]
    checksum: str


_RAW: Final = TypeAdapter(tuple[RawTask, ...])
_VERIFIED: Final = TypeAdapter(tuple[VerifiedTask, ...])
_HARD_IDS: Final = TypeAdapter(_Hard)


@cache
def read_raw(place: Path, tasks: TaskSet) -> tuple[RawTask, ...]:
    """Return the raw tasks of a folder, or of one file, each with an evaluator that can be built.

    Raises:
        DataError: the file is missing, of another format, or asks for an evaluator that there is not.
    """
    found = _read(_find(place, tasks), _RAW)
    for task in found:
        build_evaluator(task, dialect=DIALECTS[tasks])
    return found


@cache
def read_verified(place: Path) -> tuple[VerifiedTask, ...]:
    """Return the verified tasks of a folder, or of one file.

    Raises:
        DataError: the file is missing or of another format.
    """
    return _read(_find(place, "verified"), _VERIFIED)


@cache
def hard_ids(place: Path) -> frozenset[int]:
    """Return the numbers of the hard subset.

    Raises:
        DataError: the file is missing or of another format.
    """
    folder = place if place.is_dir() else place.parent
    return frozenset(_read(folder / HARD, _HARD_IDS).task_ids)


def file_of(place: Path, tasks: TaskSet) -> Path | None:
    """Return the file of a set, None where the folder has none."""
    if place.is_file():
        return place
    return next((place / name for name in FILES[tasks] if (place / name).is_file()), None)


def census(place: Path) -> dict[str, int]:
    """Count the tasks that can be read, and the evaluators that can be built, in each file of a folder.

    Raises:
        DataError: a file is of another format, or asks for an evaluator that there is not.
    """
    counts: dict[str, int] = {}
    for tasks in FILES:
        path = file_of(place, tasks)
        if path is None or (place.is_file() and tasks != "raw"):
            continue
        if tasks == "verified":
            verified = read_verified(place)
            counts[f"{path.name}: tasks read"] = len(verified)
            counts[f"{path.name}: evaluations of its own program"] = sum(len(each.eval) for each in verified)
            continue
        raw = read_raw(place, tasks)
        built = [build_evaluator(task, dialect=DIALECTS[tasks]) for task in raw]
        counts[f"{path.name}: tasks read"] = len(raw)
        counts[f"{path.name}: evaluators built"] = len(built)
        counts[f"{path.name}: for a judge"] = sum(_is_judged(task) for task in raw)
        counts[f"{path.name}: without anything to judge"] = sum(isinstance(each, NothingToJudge) for each in built)
    return counts


def _is_judged(task: RawTask) -> bool:
    return task.eval.reference_answers is not None and task.eval.reference_answers.fuzzy_match is not None


def _find(place: Path, tasks: TaskSet) -> Path:
    found = file_of(place, tasks)
    if found is None:
        raise DataError(f"no {' or '.join(FILES[tasks])} in {str(place)!r}; `task_set` says which is wanted")
    return found


def _read(path: Path, reader: TypeAdapter[ReadT]) -> ReadT:
    try:
        data = path.read_bytes()
        return reader.validate_json(gzip.decompress(data) if path.suffix == ".gz" else data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise DataError(f"{path} is not of the benchmark's format: {where}: {first['msg']}") from error
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def chosen(tasks: Sequence[RawTask], *, place: Path, subset: Subset) -> list[RawTask]:
    """Return the tasks of a subset, in the order of the file."""
    if subset == "all":
        return list(tasks)
    wanted = hard_ids(place)
    return [task for task in tasks if task.task_id in wanted]

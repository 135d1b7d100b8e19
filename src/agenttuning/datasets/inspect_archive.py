"""Inspect's `.eval` archives, read and written by inspect_ai itself: its zip is nobody else's business."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agenttuning.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agenttuning.datasets.dialogue import Row


def read_archive(path: Path) -> Iterator[tuple[str, Row]]:
    """Yield (place, a log of one sample), one sample at a time.

    Raises:
        DataError: no readable log.
        MissingExtraError: without inspect_ai.
    """
    try:
        from inspect_ai.log import read_eval_log_samples
    except ImportError as error:
        raise _missing(path) from error
    if not path.is_file():
        raise DataError(f"no such file: {path}; correct the path")
    try:
        for number, sample in enumerate(read_eval_log_samples(str(path), all_samples_required=False)):
            row: Row = {"eval": {}, "samples": [json.loads(sample.model_dump_json(exclude_none=True))]}
            yield f"{path}, sample {number}", row
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path} is no readable Inspect log: {error}; fetch it again") from error


def pack_archive(log: Path, target: Path) -> None:
    """Write a JSON log as an archive.

    Raises:
        MissingExtraError: without inspect_ai.
    """
    try:
        from inspect_ai.log import read_eval_log, write_eval_log
    except ImportError as error:
        raise _missing(target) from error
    write_eval_log(read_eval_log(str(log)), str(target), format="eval")


def _missing(path: Path) -> MissingExtraError:
    return MissingExtraError(f'{path.name} needs inspect_ai: pip install "agenttuning[inspect]"; or use its JSON logs')

"""The layout of the AgentInstruct data set on a hub: a Parquet file per split, a split per environment.

    data/alfworld-00000-of-00001.parquet, data/os-00000-of-00001.parquet, ...

The split is what stands before the number of an id: `os` of `os_42`.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from agenttuning.datasets.row_writer import encoded, replacing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agenttuning.datasets.dialogue import Row
    from agenttuning.datasets.row_writer import Unwritable

_GROUP: Final = 200
_ID: Final = re.compile(r"([A-Za-z0-9-]+(?:_[A-Za-z0-9-]+)*?)_\d+(?:_\d+)?")


def split_of(identity: str | None) -> str:
    """Return the split that an id names, `train` where it names none."""
    found = _ID.fullmatch(identity or "")
    return found[1] if found else "train"


def write_hub(folder: Path, rows: Iterable[Row], *, schema: pa.Schema | None, unwritable: Unwritable) -> int:
    """Write a file per split; return the number of rows."""
    count = 0
    waiting: dict[str, list[Row]] = {}
    writers: dict[str, pq.ParquetWriter] = {}
    with ExitStack() as stack:
        for row in rows:
            if encoded(row, unwritable) is None:
                continue
            count += 1
            split = split_of(str(row["id"]))
            if split not in writers:
                file = stack.enter_context(replacing(folder / "data" / f"{split}-00000-of-00001.parquet"))
                writers[split] = stack.enter_context(pq.ParquetWriter(file, schema, compression="zstd"))
            waiting.setdefault(split, []).append(row)
            if len(waiting[split]) == _GROUP:
                writers[split].write_table(pa.Table.from_pylist(waiting.pop(split), schema=schema))
        for split, group in waiting.items():
            writers[split].write_table(pa.Table.from_pylist(group, schema=schema))
    return count

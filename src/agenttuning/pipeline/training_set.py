"""`train.parquet`: one row per draw of the plan, in the order in which training takes them."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from agenttuning.core.records import Message, Record
from agenttuning.core.store import disk_errors
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agenttuning.pipeline.mix_sources import Example

_GROUP = 4096
_TURN = pa.struct([("role", pa.string()), ("content", pa.string()), ("train", pa.bool_())])
_SCHEMA = pa.schema(
    [
        ("messages", pa.list_(_TURN)),
        ("source", pa.string()),
        ("environment", pa.string()),
        ("task", pa.string()),
    ]
)


class TrainingExample(Record):
    """One row."""

    source: str
    """`agent` or `general`."""
    environment: str
    task: str
    messages: tuple[Message, ...]

    @property
    def key(self) -> str:
        """Equal for rows that hold the same dialogue of the same source."""
        return json.dumps([self.environment, self.task, [m.model_dump() for m in self.messages]])


def write_training_set(path: Path, examples: Iterable[tuple[str, Example]]) -> int:
    """Write (source, example) pairs in order, streaming and atomically; return the number of rows."""
    temporary = path.with_name(f".{path.name}.tmp")
    rows = iter(examples)
    count = 0
    with disk_errors(path), pq.ParquetWriter(temporary, _SCHEMA, compression="zstd") as writer:
        while group := list(islice(rows, _GROUP)):
            columns = [
                {**example.model_dump(include={"environment", "task", "messages"}), "source": source}
                for source, example in group
            ]
            writer.write_table(pa.Table.from_pylist(columns, schema=_SCHEMA))
            count += len(group)
    with disk_errors(path):
        temporary.replace(path)
    return count


def read_training_set(path: Path) -> Iterator[TrainingExample]:
    """Yield the rows in order.

    Raises:
        DataError: not a training set.
    """
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is no readable Parquet file: {error}; run the mix stage again") from error
    if not file.schema_arrow.equals(_SCHEMA):
        raise DataError(
            f"{path} has the columns {file.schema_arrow.names}, not {_SCHEMA.names}; run the mix stage again"
        )
    try:
        for batch in file.iter_batches(batch_size=_GROUP):
            for row in batch.to_pylist():
                yield TrainingExample.model_validate(row)
    except (OSError, pa.ArrowException, ValidationError) as error:
        told = str(error).splitlines()[0]
        raise DataError(f"{path} is damaged: {told}; run the mix stage again") from error

"""The outer part of rows that may have any field: id, tools, outcome, and whatever else stood there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pyarrow as pa

from agenttuning.datasets.dialogue import Dialogue, Row, Turn, dump
from agenttuning.datasets.problems import bad

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

FURTHER: Final = "agenttuning_extra"
"""Parquet column, and field of its messages, that holds further fields as one JSON object."""
COLUMNS: Final = ("id", "reward", "success", "stop")


def outer_fields(dialogue: Dialogue, *, own: Sequence[str]) -> Row:
    """Return id, outcome and further fields of a row; `own` are the fields that the format writes itself.

    Raises:
        BadRowError: a further field has the name of one of the format's own.
    """
    said: Row = {"id": dialogue.id, "reward": dialogue.reward, "success": dialogue.success, "stop": dialogue.stop}
    row: Row = {key: value for key, value in said.items() if value is not None}
    for key, value in dialogue.extra.items():
        if key in own or key in COLUMNS:
            raise bad("name_clash", key, value, "the field means something else in this format; rename it")
        row[key] = value
    return row


def read_outer(row: Row, turns: Sequence[Turn], *, own: Sequence[str], tools: tuple[JsonValue, ...] = ()) -> Dialogue:
    """Build the dialogue of a row: known fields by name, the others as they stand, nulls left out."""
    further: Row = {key: value for key, value in unpack(row).items() if key not in own and value is not None}
    identity, reward = further.pop("id", None), further.get("reward")
    success, stop = further.get("success"), further.get("stop")
    if isinstance(identity, (dict, list, bool)):
        raise bad("schema", "id", identity, "must be a string or a number")
    scored = float(reward) if isinstance(reward, (int, float)) and not isinstance(reward, bool) else None
    if scored is not None:
        del further["reward"]
    if isinstance(success, bool):
        del further["success"]
    if isinstance(stop, str):
        del further["stop"]
    return Dialogue(
        id=None if identity is None else str(identity),
        turns=tuple(turns),
        tools=tools,
        reward=scored,
        success=success if isinstance(success, bool) else None,
        stop=stop if isinstance(stop, str) else None,
        extra=further,
    )


def pack(row: Row, *, columns: Sequence[str]) -> Row:
    """Return a row of fixed columns: everything else becomes one JSON text."""
    known: Row = {key: value for key, value in row.items() if key in columns}
    further = {key: value for key, value in row.items() if key not in columns}
    return {**known, FURTHER: dump(further)} if further else known


def unpack(row: Row) -> Row:
    """Undo `pack`."""
    text = row.get(FURTHER)
    if not isinstance(text, str):
        return row
    try:
        further = json.loads(text)
    except ValueError:
        return row
    return {**{key: value for key, value in row.items() if key != FURTHER}, **further}


def outer_columns() -> list[tuple[str, pa.DataType]]:
    """Return the Parquet columns of `outer_fields`."""
    return [
        ("id", pa.string()),
        ("reward", pa.float64()),
        ("success", pa.bool_()),
        ("stop", pa.string()),
        (FURTHER, pa.string()),
    ]

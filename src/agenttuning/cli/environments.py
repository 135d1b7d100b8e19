"""`agenttuning environments`: the worlds, their splits and sizes, and what works on this machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agenttuning.core.records import Record
from agenttuning.environments import environment_ids, load_environment
from agenttuning.errors import MissingExtraError
from agenttuning.pipeline.conformance import has_oracle

if TYPE_CHECKING:
    from argparse import Namespace


class Listing(Record):
    """One row of the list."""

    id: str
    group: str = ""
    splits: dict[str, int] = {}
    max_turns: int = 0
    extra: str | None = None
    oracle: bool = False
    available: bool = True
    why_not: str = ""


def main(arguments: Namespace) -> int:
    """Print the list."""
    listings = [_listing(name) for name in environment_ids()]
    if arguments.json:
        print(json.dumps([listing.model_dump(mode="json") for listing in listings]))
        return 0
    table = Table("id", "group", "splits", "max turns", "extra", "oracle", "here")
    for row in listings:
        splits = ", ".join(f"{name} {size:,}" for name, size in row.splits.items())
        oracle, here = ("yes" if row.oracle else "no"), ("yes" if row.available else row.why_not)
        table.add_row(row.id, row.group.replace("_", "-"), splits, str(row.max_turns), row.extra or "-", oracle, here)
    Console().print(table)
    return 0


def _listing(name: str) -> Listing:
    try:
        kind = load_environment(name)
        splits = dict(kind.splits())
        first = next((task for split in splits for task in kind.load(split)), None)
        oracle = first is not None and has_oracle(kind(first))
    except MissingExtraError as error:
        return Listing(id=name, available=False, why_not=str(error))
    return Listing(
        id=name,
        group=kind.group,
        splits=splits,
        max_turns=kind.max_turns,
        extra=kind.extra,
        oracle=oracle,
    )

"""`agenttuning data`: validate, count and convert dialogues in the field's formats."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from agenttuning.core.records import Trajectory
from agenttuning.core.store import read_records
from agenttuning.datasets.agentinstruct import Dialogue, read_agentinstruct, write_agentinstruct
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path


def main(arguments: Namespace) -> int:
    """Read every dialogue, so a file that passes is sound, and print what was found."""
    if arguments.action == "convert":
        if arguments.target is None:
            raise RecipeError("data convert needs a target file: agenttuning data convert SOURCE TARGET.json")
        count = write_agentinstruct(arguments.target, _dialogues(arguments.source))
        _print({"written": str(arguments.target), "dialogues": count}, as_json=arguments.json)
        return 0
    counts: Counter[str] = Counter()
    for dialogue in _dialogues(arguments.source):
        counts["dialogues"] += 1
        counts["messages"] += len(dialogue.messages)
        counts["trained_turns"] += sum(message.train is True for message in dialogue.messages)
        counts["context_turns"] += sum(message.train is False for message in dialogue.messages)
        counts["characters"] += sum(len(message.content) for message in dialogue.messages)
    _print({"source": str(arguments.source), **counts}, as_json=arguments.json)
    return 0


def _dialogues(path: Path) -> Iterator[Dialogue]:
    """Read our own trajectories or the AgentInstruct / ShareGPT schema, whichever the file holds."""
    if path.suffix == ".jsonl" and path.is_file():
        with path.open() as file:
            first = file.readline()
        if '"environment"' in first and '"provenance"' in first:
            for held in read_records(path, Trajectory):
                yield Dialogue(id=f"{held.environment}_{held.task}_{held.sample}", messages=held.messages)
            return
    yield from read_agentinstruct(path)


def _print(result: dict[str, int | str], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key.replace('_', ' ')}: {value}")

"""`agenttuning data`: validate, count and convert dialogues in the field's formats; import official data."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

from agenttuning.core.environment import ImportProgress
from agenttuning.core.records import Trajectory
from agenttuning.core.store import read_records
from agenttuning.datasets.agentinstruct import read_agentinstruct, write_agentinstruct
from agenttuning.datasets.conversation import Conversation
from agenttuning.datasets.rows import read_rows
from agenttuning.datasets.sharegpt import read_sharegpt
from agenttuning.environments import load_environment
from agenttuning.errors import RecipeError
from agenttuning.pipeline.mix_sources import trainable
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator
    from pathlib import Path


def main(arguments: Namespace) -> int:
    """Read every dialogue, so a file that passes is sound, and print what was found."""
    if arguments.action == "import":
        _print(_import(arguments.id, arguments.source, arguments.target), as_json=arguments.json)
        return 0
    if arguments.action == "convert":
        if arguments.target is None:
            raise RecipeError("data convert needs a target file: agenttuning data convert SOURCE TARGET.json")
        count = write_agentinstruct(arguments.target, _conversations(arguments.source, training=True))
        _print({"written": str(arguments.target), "conversations": count}, as_json=arguments.json)
        return 0
    counts: Counter[str] = Counter()
    for conversation in _conversations(arguments.source, training=False):
        counts["conversations"] += 1
        counts["messages"] += len(conversation.messages)
        counts["trained_turns"] += sum(message.train is True for message in conversation.messages)
        counts["context_turns"] += sum(message.train is False for message in conversation.messages)
        counts["characters"] += sum(len(message.content) for message in conversation.messages)
    _print({"source": str(arguments.source), **counts}, as_json=arguments.json)
    return 0


def _import(name: str, source: Path, target: Path | None) -> dict[str, int | str]:
    folder = target or source / "imported"
    latest = ImportProgress(0, 0)
    steps = load_environment(name).import_official(source, folder)
    with ExitStack() as stack:
        advance = None
        for step in steps:
            advance = advance or stack.enter_context(progress(f"import {name}", step.total, done=latest.done))
            advance(steps=step.done - latest.done, note=step.note)
            latest = step
    return {"imported": str(folder), "bytes": latest.total, "note": latest.note}


def _conversations(path: Path, *, training: bool) -> Iterator[Conversation]:
    """Read our own trajectories, AgentInstruct's schema (with `loss`), or ShareGPT's, whichever the first row is of."""
    first = next((row for _, row in read_rows(path)), {})
    if "provenance" in first:
        for held in read_records(path, Trajectory):
            name = f"{held.environment}_{held.task}_{held.sample}"
            for number, messages in enumerate(trainable(held) if training else held.dialogues):
                yield Conversation(id=f"{name}_{number}" if held.restarts else name, messages=messages)
        return
    yield from read_agentinstruct(path) if '"loss"' in json.dumps(first) else read_sharegpt(path)


def _print(result: dict[str, int | str], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key.replace('_', ' ')}: {value}")

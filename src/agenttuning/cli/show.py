"""`agenttuning show FILE[:N]`: one trajectory, readable, with the loss mask in colour on request."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from agenttuning.core.records import Trajectory
from agenttuning.core.store import read_records
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from argparse import Namespace

    from agenttuning.core.records import Message

_STYLES = {"system": "magenta", "user": "cyan", "assistant": "green"}


def main(arguments: Namespace) -> int:
    """Print trajectory N (from 0) of a JSONL file."""
    name, _, number = arguments.file.rpartition(":")
    path, index = (Path(name), int(number)) if name and number.isdigit() else (Path(arguments.file), 0)
    trajectory = next(islice(read_records(path, Trajectory), index, None), None)
    if trajectory is None:
        count = sum(1 for _ in read_records(path, Trajectory))
        raise DataError(f"{path} holds {count} trajectories, numbered from 0; there is no number {index}")
    if arguments.json:
        print(trajectory.model_dump_json())
    else:
        print_trajectory(trajectory, Console(highlight=False), mask=arguments.mask)
    return 0


def print_trajectory(trajectory: Trajectory, console: Console, *, mask: bool) -> None:
    """Print one trajectory; with `mask`, reversed text is what the loss sees."""
    made = trajectory.provenance
    console.print(
        f"{trajectory.environment} {trajectory.split} task {trajectory.task} sample {trajectory.sample}, "
        f"{made.source}{f' {made.difficulty}' if made.difficulty else ''}, played by {made.policy}",
        style="bold",
        markup=False,
    )
    invalid = {step.message for step in trajectory.steps if not step.valid}
    for number, message in enumerate(trajectory.messages):
        console.print(_headline(message, invalid=number in invalid))
        seen = mask and message.train is True
        console.print(Text(printable(message.content), style=f"{_STYLES[message.role]}{' reverse' if seen else ''}"))
    score = trajectory.score
    console.print(f"stop {trajectory.stop.value}, reward {score.reward:g}, success {score.success}", style="bold")
    if trajectory.failure:
        console.print(f"{trajectory.failure.side} failed: {trajectory.failure.message}", style="red", markup=False)


def _headline(message: Message, *, invalid: bool) -> Text:
    notes: list[str] = [message.role]
    if message.role == "assistant" and not message.train:
        notes.append("(not trained)")
    if invalid:
        notes.append("(invalid action)")
    return Text(" ".join(notes), style="dim")


def printable(text: str) -> str:
    """Return the text with control characters made visible: model output must not drive the terminal."""
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)

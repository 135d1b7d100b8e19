"""Where examples come from: trajectories of this run, and files in the formats of the field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agenttuning.core.records import Message, Provenance, Record, Score, Stop, Trajectory
from agenttuning.core.store import read_records
from agenttuning.datasets.agentinstruct import read_agentinstruct
from agenttuning.datasets.sharegpt import read_sharegpt
from agenttuning.errors import DataError, RecipeError
from agenttuning.pipeline.filter import Dropped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from agenttuning.datasets.conversation import Conversation


FILE = "file"
"""Split of a row of a file, where it is handled as a trajectory."""


class Example(Record):
    """One dialogue that training may see."""

    environment: str
    """The environment, or the name of the file."""
    task: str
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Sources:
    """Examples by source name, both sides."""

    agent: dict[str, list[Example]]
    general: dict[str, list[Example]]
    unusable: dict[str, int]
    """Conversations of files left out: turns that do not alternate from a user on, or no answer."""
    contaminated: dict[str, int]
    """Conversations of files left out because they hold a test sample."""


def read_sources(
    kept: Path, *, general: Sequence[str], agent_files: Iterable[Path], general_files: Iterable[Path]
) -> Sources:
    """Read everything; examples of a source are in the order of task and sample, so that no race shows.

    Rows of files that `dropped.jsonl` beside `kept` lists are left out: they hold a test sample.

    Raises:
        RecipeError: two sources of one name.
        DataError: a file that cannot be read, or a trajectory of a test set that must never be trained on.
    """
    sources = Sources({}, {}, {}, {})
    dropped = _dropped_rows(kept.with_name("dropped.jsonl"))
    for trajectory in sorted(read_records(kept, Trajectory), key=lambda trajectory: trajectory.key):
        side = sources.general if trajectory.environment in general else sources.agent
        for messages in trainable(trajectory):
            example = Example(environment=trajectory.environment, task=trajectory.task, messages=messages)
            side.setdefault(trajectory.environment, []).append(example)
    for path in agent_files:
        _add(sources, sources.agent, path, read_agentinstruct(path), dropped)
    for path in general_files:
        _add(sources, sources.general, path, read_sharegpt(path), dropped)
    return sources


def existing(path: Path, *, stage: str) -> Path:
    """Return the path of a training file that is there.

    Raises:
        DataError: it is not.
    """
    if not path.is_file():
        raise DataError(f"no such file: {path}; correct {stage}.agent_files or {stage}.general_files")
    return path


def rows_of_files(agent_files: Iterable[Path], general_files: Iterable[Path]) -> Iterator[Trajectory]:
    """Yield the rows of training files as trajectories: the world is the file's name, the task the row's number."""
    files = [(path, read_agentinstruct) for path in agent_files] + [(path, read_sharegpt) for path in general_files]
    for path, read in files:
        for number, conversation in enumerate(read(path)):
            yield Trajectory(
                environment=path.name,
                task=str(number),
                split=FILE,
                messages=conversation.messages,
                stop=Stop.DONE,
                score=Score(reward=0.0, success=False),
                provenance=Provenance(
                    source=path.name, difficulty=None, environment_version="", prompt="", policy=conversation.id
                ),
            )


def _dropped_rows(path: Path) -> set[tuple[str, int]]:
    if not path.exists():
        return set()
    dropped = (row.trajectory for row in read_records(path, Dropped))
    return {(one.environment, int(one.task)) for one in dropped if one.split == FILE}


def trainable(trajectory: Trajectory) -> list[tuple[Message, ...]]:
    """Return the dialogues of a trajectory that hold something to learn.

    Raises:
        DataError: its task must never be trained on.
    """
    if trajectory.never_train:
        raise DataError(
            f"{trajectory.environment} task {trajectory.task!r} ({trajectory.provenance.source}) is test data, which "
            "its owners keep for evaluation and which is never trained on; name a training split instead: "
            f"construct.environments.{trajectory.environment}.splits.train"
        )
    return [messages for messages in trajectory.dialogues if any(message.train for message in messages)]


def _add(
    sources: Sources,
    side: dict[str, list[Example]],
    path: Path,
    found: Iterable[Conversation],
    dropped: set[tuple[str, int]],
) -> None:
    if path.name in sources.agent or path.name in sources.general:
        raise RecipeError(f"two sources are named {path.name!r}; rename one of the files")
    side[path.name] = []
    for number, conversation in enumerate(found):
        if (path.name, number) in dropped:
            sources.contaminated[path.name] = sources.contaminated.get(path.name, 0) + 1
        elif _usable(conversation.messages):
            example = Example(environment=path.name, task=conversation.id, messages=conversation.messages)
            side[path.name].append(example)
        else:
            sources.unusable[path.name] = sources.unusable.get(path.name, 0) + 1


def _usable(messages: Sequence[Message]) -> bool:
    """Leave out here what no chat template renders: dropped later, it would bend the plan's exact shares."""
    turns = messages[1:] if messages and messages[0].role == "system" else messages
    return len(turns) > 1 and all(turn.role == ("user", "assistant")[index % 2] for index, turn in enumerate(turns))

"""ScienceWorld's tasks as the 2023 evaluation chose them, with gold paths and one demonstration of each task.

`scienceworld-1.2.3.json.xz` is made by `scripts/build_scienceworld.py` from the simulator itself: the variations of
each split, the gold path of every test episode, and one train variation per task played along its gold path.
"""

from __future__ import annotations

import lzma
import random
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SOURCE: Final = "scienceworld-1.2.3"
_EPISODES: Final = 10
_FEWER: Final = {15: 9, 25: 5}
"""Episodes per task, by the number of the task in the alphabetical order of names."""


class Turn(Record):
    """One action of a demonstration, and what was seen before it."""

    observation: str
    action: str


class Demonstration(Record):
    """A train variation played along its gold path."""

    variation: int
    goal: str
    turns: tuple[Turn, ...]


class OfficialTask(Record):
    """One of the 30 tasks."""

    name: str
    train: tuple[int, ...]
    dev: tuple[int, ...]
    test: tuple[int, ...]
    """All variations of the split; `selection` names those that are played."""
    gold: dict[int, tuple[str, ...]]
    """The simulator's solution of every selected test variation."""
    demonstration: Demonstration


class Catalogue(Record):
    """All tasks, in the alphabetical order of their names."""

    tasks: tuple[OfficialTask, ...]


def selection(number: int, test: Sequence[int]) -> list[int]:
    """Return the test variations that the evaluation played of a task, in its order.

    It shuffled each task's test variations with a fresh seed 1 and took the first ten, or five of task 25 and nine
    of task 15: 270 in all.
    """
    shuffled = list(test)
    random.Random(1).shuffle(shuffled)
    return shuffled[: _FEWER.get(number, _EPISODES)]


@cache
def read_catalogue() -> Catalogue:
    """Read the packaged file."""
    packed = files(__package__).joinpath(f"{SOURCE}.json.xz").read_bytes()
    return Catalogue.model_validate_json(lzma.decompress(packed))


def count_episodes() -> Mapping[str, int]:
    """Return the splits and their sizes; `test` is the evaluation's selection, `test_all` the whole split."""
    return {split: sum(1 for _ in episodes(split)) for split in ("train", "dev", "test", "test_all")}


def episodes(split: str) -> Iterator[tuple[OfficialTask, int]]:
    """Yield tasks and variations of a split, task by task."""
    for number, task in enumerate(read_catalogue().tasks):
        chosen = {
            "train": task.train,
            "dev": task.dev,
            "test": selection(number, task.test),
            "test_all": task.test,
        }
        for variation in chosen[split]:
            yield task, variation


def find_task(name: str) -> OfficialTask:
    """Return the task of a name."""
    return next(task for task in read_catalogue().tasks if task.name == name)

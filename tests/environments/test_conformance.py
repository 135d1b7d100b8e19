"""Every environment, one suite: the oracle wins, noise loses, nothing leaks, nothing raises."""

import asyncio
from collections.abc import Coroutine
from itertools import islice
from typing import TypeVar

import pytest

from agenttuning.cli.check import check
from agenttuning.core.records import Message
from agenttuning.environments import environment_ids, load_environment
from agenttuning.errors import MissingExtraError

DIFFICULTIES = ("tiny", "standard", "hard")
TASKS, SLOW_TASKS = 25, 3
"""Tasks of each split; the second where every episode opens a browser's page, which takes a hundred times as long."""
ResultT = TypeVar("ResultT")


def run(playing: Coroutine[None, None, ResultT]) -> ResultT:
    """Run to the end; skip where a program that the world needs is not installed."""
    try:
        return asyncio.run(playing)
    except MissingExtraError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
@pytest.mark.parametrize("name", environment_ids())
def test_oracle_wins_noise_loses_and_no_law_is_broken(name: str, difficulty: str) -> None:
    kind = load_environment(name)
    config = kind.config_type.model_validate({"difficulty": difficulty})
    limit = SLOW_TASKS if kind.slow_start else TASKS
    report = run(check(kind, config, split=None, limit=limit))
    assert [line for line in report.failures if "left out" not in line] == []
    assert report.oracle.n == report.tasks == sum(min(limit, size) for size in kind.splits(config).values())
    assert kind.expert_oracle or report.oracle.success == report.oracle.n
    assert (report.noise.success, report.noise.crashes) == (0, 0)


@pytest.mark.parametrize("name", environment_ids())
def test_id_is_the_file_name_and_the_docstring_opens_with_a_sentence(name: str) -> None:
    kind = load_environment(name)
    assert kind.id == name == kind.__module__.rpartition(".")[2]
    assert kind.group == kind.__module__.split(".")[-2]


@pytest.mark.parametrize("name", environment_ids())
def test_splits_share_no_task_and_tasks_say_what_made_them(name: str) -> None:
    kind = load_environment(name)
    train, test = (list(islice(kind.load(split), 200)) for split in ("train", "test"))
    assert {task.id for task in train}.isdisjoint(task.id for task in test)
    assert {task.source for task in train + test} == {"synthetic-v1"}
    assert {task.difficulty for task in train + test} == {"standard"}


@pytest.mark.parametrize("name", environment_ids())
def test_a_tasks_own_instruction_replaces_the_worlds(name: str) -> None:
    kind = load_environment(name)
    task = next(iter(kind.load("test"))).model_copy(update={"instruction": "Do as the maintainer says."})

    async def opening() -> list[Message]:
        async with kind(task) as environment:
            return list(await environment.start())

    assert "Do as the maintainer says." in run(opening())[0].content

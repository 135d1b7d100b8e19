"""The packaged tasks against the rule that chose them, and against the simulator itself."""

from __future__ import annotations

import asyncio

import pytest

from agenttuning.environments.worlds.science.demonstration import tell
from agenttuning.environments.worlds.science.jvm import JavaMachine
from agenttuning.environments.worlds.science.official import count_episodes, episodes, read_catalogue, selection
from agenttuning.environments.worlds.science.simulator import open_simulator


def test_the_selection_is_the_published_one() -> None:
    tasks = read_catalogue().tasks
    assert (len(tasks), tasks[0].name, tasks[2].name, tasks[29].name) == (
        30,
        "boil",
        "chemistry-mix",
        "use-thermometer",
    )
    assert selection(0, tasks[0].test) == [26, 27, 28, 25, 24, 21, 29, 22, 23]
    assert selection(2, tasks[2].test) == [27, 30, 25, 29, 31, 24, 28, 26]
    assert [len(selection(number, task.test)) for number, task in enumerate(tasks)][15] == 9
    assert [len(selection(number, task.test)) for number, task in enumerate(tasks)][25] == 5
    assert count_episodes() == {"train": 3592, "dev": 1796, "test": 270, "test_all": 1819}


def test_every_selected_episode_has_a_gold_path_and_every_task_a_demonstration() -> None:
    for task, variation in episodes("test"):
        assert task.gold[variation]
        assert variation not in task.train
    for task in read_catalogue().tasks:
        assert set(task.gold) == {variation for one, variation in episodes("test") if one is task}
        assert task.demonstration.variation in task.train


def test_demonstrations_alternate_and_are_not_trained_on() -> None:
    lengths = []
    for task in read_catalogue().tasks:
        told = list(tell(task.demonstration))
        lengths.append(len(told))
        assert [message.role for message in told] == ["user", "assistant"] * (len(told) // 2)
        assert all(message.train is False for message in told if message.role == "assistant")
        assert all(message.content.startswith(("Think: ", "Action: ")) for message in told[1::2])
        assert told[0].content.endswith(task.demonstration.goal.replace("\n", " "))
        assert not any("\t" in message.content for message in told)
        answered = zip(told[1::2], told[2::2], strict=False)
        assert all(after.content == "OK." for said, after in answered if said.content.startswith("Think:"))
    assert min(lengths) >= 2
    assert max(lengths) <= 390


@pytest.mark.java
def test_the_simulator_lists_the_same_tasks_and_variations() -> None:
    async def ask() -> None:
        machine = JavaMachine()
        try:
            simulator = await open_simulator(machine)
            tasks = read_catalogue().tasks
            assert await simulator.task_names() == [task.name for task in tasks]
            for task in tasks[2::9]:
                await simulator.load(task.name, 0)
                assert await simulator.variations("Train") == list(task.train)
                assert await simulator.variations("Dev") == list(task.dev)
                assert await simulator.variations("Test") == list(task.test)
            await simulator.leave()
        finally:
            machine.close()

    asyncio.run(ask())

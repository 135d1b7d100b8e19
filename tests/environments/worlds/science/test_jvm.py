"""The Java machine belongs to one process and goes with it, however that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agenttuning.environments.worlds.idle import IDLE_VARIABLE
from agenttuning.environments.worlds.science.jvm import JavaMachine
from agenttuning.environments.worlds.science.pool import LIMIT_VARIABLE, Pool, most_machines
from agenttuning.environments.worlds.science.simulator import Simulator, open_simulator
from agenttuning.errors import DataError, MissingExtraError, WorldError

pytestmark = pytest.mark.java
OWNER = """
import asyncio, sys, time
from agenttuning.environments.worlds.science.jvm import JavaMachine
from agenttuning.environments.worlds.science.simulator import open_simulator
machine = JavaMachine()
async def play():
    simulator = await open_simulator(machine)
    await simulator.load("boil", 0)
    print(machine.pid, machine.port, machine.folder, flush=True)
    while True:
        await simulator.act("look around")
asyncio.run(play())
"""


def group_is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def all_gone(group: int, port: int, folder: Path, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if group_is_gone(group) and port_is_free(port) and not folder.exists():
            return True
        time.sleep(0.05)
    return False


def test_it_is_gone_within_five_seconds_of_a_kill_9_in_the_middle_of_an_episode() -> None:
    path = os.pathsep.join(sys.path)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert owner.stdout is not None
    group, port, folder = owner.stdout.readline().split()
    try:
        assert not group_is_gone(int(group))
        assert not port_is_free(int(port))
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert all_gone(int(group), int(port), Path(folder), seconds=5)
    finally:
        owner.kill()
        owner.stdout.close()


def test_close_ends_it_twice_is_safe_and_a_call_afterwards_is_an_error() -> None:
    machine = JavaMachine()

    async def episode() -> str:
        simulator = await open_simulator(machine)
        await simulator.load("find-animal", 0)
        machine.close()
        try:
            await simulator.act("look around")
        except WorldError as error:
            return str(error)
        finally:
            await simulator.leave()
        return "answered"

    assert "gateway" in asyncio.run(episode())
    machine.close()
    assert all_gone(machine.pid, machine.port, machine.folder, seconds=1)
    with pytest.raises(WorldError, match="cannot reach"):
        asyncio.run(open_simulator(machine))


def test_a_late_answer_is_an_error_and_its_machine_is_never_used_again() -> None:
    async def lease() -> tuple[bool, bool]:
        pool = Pool()
        machine = await pool.take()
        hasty = await open_simulator(machine, call_seconds=60.0)
        hasty._call_seconds = 0.001
        with pytest.raises(WorldError, match=r"no answer to load within 0\.001 s"):
            await hasty.load("boil", 0)
        await hasty.leave()
        pool.give_back(machine, sound=hasty.sound)
        return hasty.sound, group_is_gone(machine.pid)

    assert asyncio.run(lease()) == (False, True)


def test_no_more_machines_run_than_are_allowed_and_one_that_lives_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "1")
    pool = Pool()

    async def lease() -> list[int]:
        machine = await pool.take()
        await asyncio.sleep(0.05)
        pool.give_back(machine, sound=True)
        return [machine.pid]

    async def leases() -> list[list[int]]:
        return await asyncio.gather(lease(), lease(), lease())

    first, *others = asyncio.run(leases())
    assert others == [first, first]
    assert asyncio.run(lease()) == first
    os.killpg(first[0], signal.SIGKILL)
    time.sleep(0.2)
    second = asyncio.run(lease())
    assert second != first
    pool.close()
    assert group_is_gone(second[0])


def test_one_that_nobody_wants_for_a_while_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IDLE_VARIABLE, "0.005")
    pool = Pool()

    async def lease() -> JavaMachine:
        machine = await pool.take()
        pool.give_back(machine, sound=True)
        return machine

    first = asyncio.run(lease())
    assert all_gone(first.pid, first.port, first.folder, seconds=60)
    second = asyncio.run(lease())
    assert second is not first
    assert all_gone(second.pid, second.port, second.folder, seconds=60)
    pool.close()


def test_the_limit_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, "many")
    with pytest.raises(DataError, match="at least 1, got 'many'"):
        most_machines()


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(MissingExtraError, match="install a Java runtime"):
        JavaMachine()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "A" * 5000,
        "(" * 500,
        "\x00\x1b[31m\u202e\ud7ff\uffff\U0001f600",
        "a\\b\\nc\nd\r",
        "\ud800",
        "e\n!xo1\ny",
    ],
)
def test_hostile_text_is_no_known_action(simulator: Simulator, runner: asyncio.Runner, text: str) -> None:
    seen = runner.run(simulator.act(text))
    assert (seen.observation, seen.done) == ("No known action matches that input.", False)


@pytest.fixture(scope="module")
def runner() -> asyncio.Runner:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def simulator(runner: asyncio.Runner) -> Simulator:
    machine = JavaMachine()
    opened = runner.run(open_simulator(machine))
    runner.run(opened.load("find-animal", 0))
    yield opened
    runner.run(opened.leave())
    machine.close()

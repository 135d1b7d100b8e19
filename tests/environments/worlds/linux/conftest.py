"""What the tests of this world share: a system with one problem in it."""

import asyncio
from collections.abc import Callable

import pytest

from agenttuning.environments.worlds.linux.problem import Problem
from agenttuning.environments.worlds.linux.session import Session
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings, ShellOutput
from agenttuning.errors import MissingExtraError

Act = Callable[..., tuple[bool, list[ShellOutput]]]


@pytest.fixture
def act() -> Act:
    """Return a function that sets a problem up, runs commands, and returns the verdict and the outputs."""

    async def play(problem: Problem, *commands: str, answer: str | None) -> tuple[bool, list[ShellOutput]]:
        session = await Session.open(problem, settings=SandboxSettings(), command_seconds=10)
        try:
            outputs = [await session.run(command) for command in commands]
            return await session.judge(answer), outputs
        finally:
            await session.close()

    def run(problem: Problem, *commands: str, answer: str | None = None) -> tuple[bool, list[ShellOutput]]:
        try:
            return asyncio.run(play(problem, *commands, answer=answer))
        except MissingExtraError as missing:
            pytest.skip(str(missing))

    return run

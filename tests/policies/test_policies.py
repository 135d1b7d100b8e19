"""Oracle, script and person; the configs; and what importing them costs."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

import agenttuning
from agenttuning.core.records import Message, Stop, Task
from agenttuning.core.rollout import rollout
from agenttuning.policies import OracleConfig, PolicyConfig, ScriptedConfig, TgiConfig, open_player
from agenttuning.policies.human import HumanPolicy

if TYPE_CHECKING:
    from agenttuning.core.environment import Environment
    from agenttuning.core.policy import Policy
    from agenttuning.core.records import Trajectory


def play(environment: Environment[Task], config: PolicyConfig) -> Trajectory:
    async def scenario() -> Trajectory:
        async with open_player(config) as player:
            return await rollout(environment, player)

    return asyncio.run(scenario())


def test_an_oracle_sees_the_world_as_it_stands(counting: Environment[Task]) -> None:
    trajectory = play(counting, OracleConfig())
    assert (trajectory.stop, trajectory.score.success, trajectory.turns) == (Stop.DONE, True, 3)
    assert (trajectory.provenance.policy, trajectory.provenance.sampling) == ("oracle", None)


def test_a_world_without_oracle_says_so(unsolved: Environment[Task]) -> None:
    failure = play(unsolved, OracleConfig()).failure
    assert failure is not None
    assert (failure.side, failure.message) == (
        "policy",
        "environment 'counting' has no oracle; choose another policy for it",
    )


def test_a_script_is_given_in_order_and_anew_in_every_episode(counting: Environment[Task]) -> None:
    config = ScriptedConfig(replies=("7", "8", "10"), name="replay")

    async def scenario() -> list[Trajectory]:
        async with open_player(config) as player:
            return [await rollout(type(counting)(counting.task), player) for _ in range(2)]

    assert [trajectory.score.reward for trajectory in asyncio.run(scenario())] == [1.0, 1.0]


def test_a_script_that_is_too_short_fails_the_episode(counting: Environment[Task]) -> None:
    trajectory = play(counting, ScriptedConfig(replies=("7", "8")))
    assert trajectory.stop is Stop.ERROR
    assert trajectory.failure is not None
    assert trajectory.failure.message == "the script of 2 replies is over, and the episode is not"


@pytest.mark.parametrize(
    ("typed", "stop", "success"),
    [
        ("7\n\n8\n\n10\n\n", Stop.DONE, True),
        ("\n\n7\n\n8\n", Stop.BUDGET, False),
        ("", Stop.BUDGET, False),
    ],
)
def test_a_person_types_replies_and_leaves_with_the_end_of_input(
    counting: Environment[Task], typed: str, stop: Stop, success: bool
) -> None:
    screen = io.StringIO()

    def player(environment: Environment[Task], *, sample: int) -> Policy:
        return HumanPolicy(source=io.StringIO(typed), screen=screen)

    trajectory = asyncio.run(rollout(counting, player))
    assert (trajectory.stop, trajectory.score.success, trajectory.failure) == (stop, success, None)
    assert screen.getvalue().count("[user]\n7\n") == 1


def test_a_reply_of_several_lines_is_kept_whole() -> None:
    human = HumanPolicy(source=io.StringIO("Thought: now\nAction: go\n\n"), screen=io.StringIO())
    assert asyncio.run(human.reply(())).content == "Thought: now\nAction: go"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"kind": "oracel"}, "does not match any of the expected tags"),
        ({"kind": "local"}, "model"),
        ({"kind": "local", "model": "tiny-base", "max_batch": 0}, "greater than 0"),
        ({"kind": "openai", "model": "m", "base_url": "http://h/v1", "timeout": 3}, "Extra inputs"),
        ({"kind": "scripted", "replies": []}, "at least 1 item"),
    ],
)
def test_a_wrong_config_is_named(told: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(PolicyConfig).validate_python(told)


def test_a_config_is_chosen_by_its_kind() -> None:
    told = {"kind": "tgi", "base_url": "http://127.0.0.1:30007", "model": "agentlm-7b", "template": "llama2"}
    assert isinstance(TypeAdapter(PolicyConfig).validate_python(told), TgiConfig)


def test_importing_the_policies_loads_nothing_heavy() -> None:
    code = (
        "import sys, agenttuning.policies; "
        "print([n for n in ('torch','transformers','starlette','httpx','tokenizers') if n in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(agenttuning.__file__).parents[1])}
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60, env=environment
    )
    assert told.stdout.strip() == "[]"


def test_a_person_is_shown_all_of_a_dialogue_that_starts_anew() -> None:
    screen = io.StringIO()
    human = HumanPolicy(source=io.StringIO("one\n\ntwo\n\nthree\n\n"), screen=screen)
    first, second = Message(role="user", content="FIRST"), Message(role="user", content="SECOND")

    async def talk() -> None:
        reply = await human.reply((first,))
        await human.reply((first, Message(role="assistant", content=reply.content), second))
        await human.reply((second, Message(role="assistant", content="shown"), second))

    asyncio.run(talk())
    assert screen.getvalue().count("FIRST") == 1
    assert screen.getvalue().count("SECOND") == 3
    assert "shown" in screen.getvalue()

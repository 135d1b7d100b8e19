"""A model in an episode: its seeds, its name, and what it is shown."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.core.records import Message, Reply, Sampling
from agenttuning.core.rollout import rollout
from agenttuning.policies import LocalConfig
from agenttuning.policies.episode import ModelPlayer, turn_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task

DRAWN = Sampling(temperature=0.7, seed=3)


class Recorder:
    """Says nothing useful, and keeps what it was asked."""

    name = "recorder"

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[Message, ...], int | None]] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.asked.append((tuple(messages), sampling.seed))
        return Reply(content="x" * 40_000)


def seeds(environment: Environment[Task], config: LocalConfig, *, sample: int) -> list[int | None]:
    model = Recorder()
    asyncio.run(rollout(environment, ModelPlayer(model, config), sample=sample))
    return [seed for _, seed in model.asked]


def test_every_turn_of_every_sample_has_its_own_repeatable_seed(counting: Environment[Task]) -> None:
    config = LocalConfig(model="m", sampling=DRAWN)
    plays = [seeds(type(counting)(counting.task), config, sample=sample) for sample in (0, 1, 0)]
    assert plays[0] == plays[2]
    assert len({*plays[0], *plays[1]}) == 6


def test_a_dialogue_that_starts_anew_does_not_repeat_seeds(counting: Environment[Task]) -> None:
    model = Recorder()
    policy = ModelPlayer(model, LocalConfig(model="m", sampling=DRAWN))(counting, sample=0)
    asked = (Message(role="user", content="?"),)
    longer = (*asked, Message(role="assistant", content="!"), *asked)

    async def talk() -> None:
        for messages in (asked, longer, asked, asked):
            await policy.reply(messages)

    asyncio.run(talk())
    assert len({seed for _, seed in model.asked}) == 4


def test_greedy_and_unseeded_sampling_send_no_seed(counting: Environment[Task]) -> None:
    for sampling in (Sampling(seed=3), Sampling(temperature=0.7)):
        config = LocalConfig(model="m", sampling=sampling)
        assert seeds(type(counting)(counting.task), config, sample=0) == [None] * 3


@given(seed=st.integers(), episode=st.text(), turn=st.integers(min_value=0))
def test_seeds_fit_every_server(seed: int, episode: str, turn: int) -> None:
    found = turn_seed(Sampling(temperature=1.0, seed=seed), episode=episode, turn=turn)
    assert found is not None
    assert 0 <= found < 1 << 31


@pytest.mark.parametrize(("name", "expected"), [(None, "recorder"), ("agentlm", "agentlm")])
def test_the_trajectory_names_model_and_sampling(counting: Environment[Task], name: str | None, expected: str) -> None:
    config = LocalConfig(model="m", sampling=DRAWN, name=name)
    trajectory = asyncio.run(rollout(counting, ModelPlayer(Recorder(), config)))
    assert (trajectory.provenance.policy, trajectory.provenance.sampling) == (expected, DRAWN)


def test_the_history_guard_shortens_what_is_shown_and_not_what_is_kept(counting: Environment[Task]) -> None:
    model = Recorder()
    config = LocalConfig(model="m", history_guard=True)
    trajectory = asyncio.run(rollout(counting, ModelPlayer(model, config)))
    assert [len(messages) for messages, _ in model.asked] == [1, 1, 1]
    assert model.asked[2][0][0].content == "7\n\n[NOTICE] 4 messages are omitted."
    assert trajectory.messages[0].content == "7"
    assert len(trajectory.messages) == 6

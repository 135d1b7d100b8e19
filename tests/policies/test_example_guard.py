"""The history rule of the held-out evaluation: what gives way, in which order, and who says when."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agenttuning.core.records import Message, Reply, Sampling
from agenttuning.errors import ContextLimitError
from agenttuning.policies import LocalConfig
from agenttuning.policies.episode import ModelPolicy
from agenttuning.policies.example_guard import drop_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence


def conversation(*, example: int, turns: int) -> list[Message]:
    """Instruction, acknowledgement, an example of so many pairs, the task `t`, and turns after it."""
    told = [Message(role="user", content="i"), Message(role="assistant", content="ok", train=False)]
    for pair in range(example):
        told.append(Message(role="user", content=f"u{pair}"))
        told.append(Message(role="assistant", content=f"e{pair}", train=False))
    told.append(Message(role="user", content="t"))
    for turn in range(turns):
        told.append(Message(role="assistant", content=f"a{turn}", train=True))
        told.append(Message(role="user", content=f"o{turn}"))
    return told


@pytest.mark.parametrize(
    ("count", "left"),
    [
        (0, "i ok u0 e0 u1 e1 u2 e2 t a0 o0 a1 o1"),
        (1, "i ok u0 e0 u2 e2 t a0 o0 a1 o1"),
        (2, "i ok u0 e0 t a0 o0 a1 o1"),
        (3, "i ok t a0 o0 a1 o1"),
        (4, "i ok t a1 o1"),
        (5, None),
    ],
)
def test_the_examples_later_turns_go_first_then_its_first_then_the_oldest_turns(count: int, left: str | None) -> None:
    kept = drop_pairs(conversation(example=3, turns=2), count)
    assert (kept and " ".join(message.content for message in kept)) == left


def test_without_an_example_the_oldest_turns_go_and_the_task_stays() -> None:
    kept = drop_pairs([message for message in conversation(example=0, turns=3) if message.train is not False][1:], 1)
    assert kept is not None
    assert [message.content for message in kept] == ["t", "a1", "o1", "a2", "o2"]


class Narrow:
    """A model that takes so many messages."""

    name = "narrow"

    def __init__(self, most: int) -> None:
        self.most = most
        self.asked: list[int] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.asked.append(len(messages))
        if len(messages) > self.most:
            raise ContextLimitError("too long")
        return Reply(content=messages[-1].content)


def test_the_model_says_what_is_too_long_and_is_not_asked_twice() -> None:
    model = Narrow(5)
    policy = ModelPolicy(model, LocalConfig(model="m", history_guard="examples"), episode="e")
    assert asyncio.run(policy.reply(conversation(example=3, turns=0))).content == "t"
    assert asyncio.run(policy.reply(conversation(example=3, turns=1))).content == "o0"
    assert model.asked == [9, 7, 5, 7, 5]


def test_what_cannot_be_shortened_stays_too_long() -> None:
    policy = ModelPolicy(Narrow(2), LocalConfig(model="m", history_guard="examples"), episode="e")
    with pytest.raises(ContextLimitError):
        asyncio.run(policy.reply(conversation(example=2, turns=3)))


def test_without_the_rule_the_first_refusal_counts() -> None:
    model = Narrow(2)
    with pytest.raises(ContextLimitError):
        asyncio.run(ModelPolicy(model, LocalConfig(model="m"), episode="e").reply(conversation(example=2, turns=0)))
    assert model.asked == [7]

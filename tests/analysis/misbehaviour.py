"""Policies that commit one error on purpose, in real worlds: the labelled set of the error analysis.

Every policy plays the oracle's replies and puts its own in between, so that a trajectory shows what it was made to show
and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tests.analysis.sentences import REFUSALS

from agenttuning.analysis.errors import ErrorCategory
from agenttuning.core.records import Message, Reply, Task, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.errors import ContextLimitError

if TYPE_CHECKING:
    from agenttuning.core.environment import Environment, EnvironmentConfig

Errors = frozenset[ErrorCategory]
Script = Callable[[Iterator[str], int], Iterator[str]]
"""From the oracle's replies and the number of the episode to what is said."""

LOOK, CARRY = "THOUGHT: Where am I?\nACTION: look", "THOUGHT: What do I hold?\nACTION: inventory"


class Labelled(NamedTuple):
    trajectory: Trajectory
    errors: Errors


class Behaviour(NamedTuple):
    world: str
    script: Script
    errors: Errors
    tasks: int = 12


def faithful(oracle: Iterator[str], number: int) -> Iterator[str]:
    yield from oracle


def babbling(oracle: Iterator[str], number: int) -> Iterator[str]:
    yield f"The weather is number {number} today, and I enjoy it."
    yield from oracle


def insisting(*replies: str) -> Script:
    """Say the same action three times, each time in other words."""

    def script(oracle: Iterator[str], number: int) -> Iterator[str]:
        for time in range(3):
            yield f"THOUGHT: Time {time}, for {number}.\n" + replies[number % len(replies)]
        yield from oracle

    return script


def circling(*replies: str) -> Script:
    """Walk in a circle three times."""

    def script(oracle: Iterator[str], number: int) -> Iterator[str]:
        for _ in range(3):
            yield from replies
        yield from oracle

    return script


def first_then(*replies: str) -> Script:
    """Begin with one of the replies, and go on as the oracle does."""

    def script(oracle: Iterator[str], number: int) -> Iterator[str]:
        yield replies[number % len(replies)]
        yield from oracle

    return script


def asking_for_ever(oracle: Iterator[str], number: int) -> Iterator[str]:
    for turn in range(20):
        yield f"Thought: One more.\nAction: Operation\n```sql\nSELECT {number} + {turn}\n```"


def running_out(oracle: Iterator[str], number: int) -> Iterator[str]:
    for turn, reply in enumerate(oracle):
        if turn > number % 2:
            raise ContextLimitError("the conversation is too long")
        yield reply
    raise ContextLimitError("the conversation is too long")


ACTION = "THOUGHT: again\nACTION: "
CALL = "Thought: I try.\nAction: "
ANSWER = "Thought: That is all.\nAction: Answer\nFinal Answer: "
BEHAVIOURS: tuple[Behaviour, ...] = (
    Behaviour("alfworld", faithful, frozenset()),
    Behaviour("alfworld", first_then(*REFUSALS), frozenset({"refusal"}), 24),
    Behaviour("alfworld", babbling, frozenset({"invalid action"})),
    Behaviour("alfworld", insisting("ACTION: look", "ACTION: inventory"), frozenset({"short-term repetition"})),
    Behaviour("alfworld", circling(LOOK, CARRY), frozenset({"long-term repetition"})),
    Behaviour("alfworld", running_out, frozenset({"context limit"})),
    Behaviour("database", faithful, frozenset()),
    Behaviour("database", babbling, frozenset({"invalid action", "format"})),
    Behaviour("database", first_then(*REFUSALS), frozenset({"refusal", "format"}), 24),
    Behaviour("database", asking_for_ever, frozenset({"round limit"})),
    Behaviour(
        "database",
        first_then(*(f'{ANSWER}["{said}"]' for said in ("I don't know", "unknown", "no answer found", "N/A"))),
        frozenset({"gave up early"}),
    ),
    Behaviour("database", first_then(f'{ANSWER}["a wrong guess"]', f'{ANSWER}["1048576"]'), frozenset()),
    Behaviour("knowledge_graph", faithful, frozenset()),
    Behaviour("knowledge_graph", babbling, frozenset({"invalid action"})),
    Behaviour("knowledge_graph", first_then(*REFUSALS[20:]), frozenset({"refusal"})),
    Behaviour(
        "knowledge_graph",
        first_then(f"{CALL}get_everything(#0)", f"{CALL}get_neighbors(#7, no.such.relation)", f"{CALL}count(#9)"),
        frozenset({"function call error"}),
    ),
    Behaviour(
        "knowledge_graph",
        circling(f"{CALL}count(#8)", f"{CALL}argmax(#8, some.attribute)"),
        frozenset({"function call error", "function repetition", "long-term repetition"}),
    ),
    Behaviour(
        "knowledge_graph",
        insisting("Action: count(#5)", "Action: get_attributes(#5)"),
        frozenset({"function call error", "function repetition", "short-term repetition"}),
    ),
)


def labelled(behaviour: Behaviour) -> list[Labelled]:
    """Play a behaviour on some generated tasks."""
    kind = load_environment(behaviour.world)
    config = kind.config_type.model_validate({"difficulty": "tiny"})
    return [Labelled(trajectory, behaviour.errors) for trajectory in asyncio.run(_play(kind, config, behaviour))]


async def _play(kind: type[Environment[Task]], config: EnvironmentConfig, behaviour: Behaviour) -> list[Trajectory]:
    tasks = kind.load("test", config)
    return [
        await rollout(
            kind(task), lambda world, *, sample: Actor(behaviour.script(_oracle(world), sample)), sample=number
        )
        for number, task in zip(range(behaviour.tasks), tasks, strict=False)
    ]


def _oracle(world: Environment[Task]) -> Iterator[str]:
    """Read the oracle late: it wants a world that has been started."""
    replies = world.oracle()
    assert replies is not None
    assert not isinstance(replies, AsyncIterator)
    yield from replies


class Actor:
    """Says what its script says."""

    name = "actor"
    sampling = None

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    async def reply(self, messages: Sequence[Message]) -> Reply:
        return Reply(content=next(self._lines))

"""Was it really solved? A rewarded hostile episode is played again without its hostile words.

First with nothing but the oracle's own replies, for the steps whose executed action is one of the oracle's, letter by
letter; then for those whose action ends in the same words as one of the oracle's; then with nothing but its own
replies that the world took for valid, repaired actions written properly. The first of them that earns as much explains
the reward. Where none does, hostile words were paid for, and that is a fault of the world.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.rollout import rollout
from agenttuning.pipeline.hostility.replay import Replay, always

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import StepRecord, Task, Trajectory
    from agenttuning.pipeline.hostility.attack import Gold

Explanation = Literal["oracle's moves", "oracle's words", "own legal moves", "none"]

_UNSPOKEN: Final = re.compile(r"\b(?:a|an|the)\b|[\W_]+")


async def explain(kind: type[Environment[Task]], task: Task, gold: Gold, trajectory: Trajectory) -> Explanation:
    """Return the least that earns the reward of a hostile episode."""
    for way, replies in _ways(gold, trajectory):
        for silence in ((), ("",)):
            said = [told for reply in replies for told in ((reply,) if reply is not None else silence)]
            if await _earned(kind(task), said) >= trajectory.score.reward:
                return way
    return "none"


def _ways(gold: Gold, trajectory: Trajectory) -> Iterator[tuple[Explanation, list[str | None]]]:
    """Yield what may be played instead; None where a step was none of it."""
    actions = [step.action for step in trajectory.steps]
    pairs = list(zip(gold.actions, gold.replies, strict=True))
    yield "oracle's moves", [dict(pairs).get(action) if action else None for action in actions]
    yield "oracle's words", [_alike(action, pairs) for action in actions]
    yield (
        "own legal moves",
        [_legal(step, trajectory.messages[step.message].content, pairs) for step in trajectory.steps],
    )


def _alike(action: str, pairs: Sequence[tuple[str, str]]) -> str | None:
    """Return the oracle's reply whose action ends in the same words; only the word for the act may be missing."""
    said = _words(action)
    for right, reply in pairs:
        meant = _words(right)
        if said and (f" {said}".endswith(f" {meant}") or f" {meant}".endswith(f" {said}")):
            return reply
    return None


def _legal(step: StepRecord, reply: str, pairs: Sequence[tuple[str, str]]) -> str | None:
    """Return a valid reply as it is, and one that the protocol repairs as the oracle would have written its action."""
    if step.valid:
        return reply
    forms = [told.replace(right, "\0") for right, told in pairs if right and told.count(right) == 1]
    return forms[0].replace("\0", step.action) if forms and step.action else None


def _words(action: str) -> str:
    return " ".join(_UNSPOKEN.sub(" ", unicodedata.normalize("NFKC", action).casefold()).split())


async def _earned(environment: Environment[Task], replies: Sequence[str]) -> float:
    played = await rollout(environment, always(Replay(replies)), split="check")
    return played.score.reward

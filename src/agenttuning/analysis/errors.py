"""Elementary errors of agents, by rule: the categories of the paper's error analysis (section 4, figure 3).

The paper names the categories and publishes no rules. These are ours; one trajectory may show several:

    invalid action           a step whose reply held no action that the world knows, refusals aside
    short-term repetition    the same action three times in a row, or the world stopped the episode for it
    long-term repetition     the same action with the same answer of the world, come back to at least three
                             times with other actions in between: the agent walks in a circle
    refusal                  a step without a valid action whose reply declines ("I'm sorry, I cannot ...")

An action is the one that the world executed; where it executed none, the reply as written stands for it.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from agenttuning.core.records import Stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agenttuning.core.records import StepRecord, Trajectory

ErrorCategory = Literal["invalid action", "short-term repetition", "long-term repetition", "refusal"]
CATEGORIES: tuple[ErrorCategory, ...] = ("invalid action", "short-term repetition", "long-term repetition", "refusal")

_TIMES = 3
_REFUSAL = re.compile(
    r"\bi(?:'m| am)(?: \w+)? (?:sorry|unable to|not able to)\b"
    r"|\bi apologi[sz]e\b"
    r"|\bi (?:must|have to) decline\b"
    r"|\bi (?:can(?:'t|not| not)|won't|will not) (?:answer|assist|complete|comply|continue|help|perform|provide)\b"
    r"|\bas an? (?:ai|artificial|language model)\b",
    re.IGNORECASE,
)


def elementary_errors(trajectory: Trajectory) -> frozenset[ErrorCategory]:
    """Return the categories that a trajectory shows."""
    invalid = [step for step in trajectory.steps if not step.valid]
    refusals = sum(_declines(_reply(trajectory, step)) for step in invalid)
    found: dict[ErrorCategory, bool] = {
        "invalid action": len(invalid) > refusals,
        "short-term repetition": trajectory.stop is Stop.REPEAT or _longest_streak(trajectory) >= _TIMES,
        "long-term repetition": _most_returns(trajectory) >= _TIMES,
        "refusal": refusals > 0,
    }
    return frozenset(category for category, shown in found.items() if shown)


def error_shares(trajectories: Iterable[Trajectory]) -> dict[ErrorCategory, float]:
    """Return the share of trajectories that show each category, in [0, 1]; shares overlap."""
    shown: Counter[ErrorCategory] = Counter()
    n = 0
    for trajectory in trajectories:
        shown.update(elementary_errors(trajectory))
        n += 1
    return {category: shown[category] / n if n else 0.0 for category in CATEGORIES}


def _declines(reply: str) -> bool:
    return _REFUSAL.search(reply.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")) is not None


def _reply(trajectory: Trajectory, step: StepRecord) -> str:
    return trajectory.messages[step.message].content


def _longest_streak(trajectory: Trajectory) -> int:
    return max((len(list(run)) for _, run in groupby(action for action, _ in _moves(trajectory))), default=0)


def _most_returns(trajectory: Trajectory) -> int:
    return max(Counter(move for move, _ in groupby(_moves(trajectory))).values(), default=0)


def _moves(trajectory: Trajectory) -> Iterator[tuple[str, str]]:
    """Yield (action, the world's answer); the last answer of an episode is empty when none was given."""
    for step in trajectory.steps:
        answer = trajectory.messages[step.message + 1 : step.message + 2]
        yield step.action or _reply(trajectory, step), answer[0].content if answer else ""

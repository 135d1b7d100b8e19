"""Errors of agents, by rule: those of the paper's error analysis (section 4, figure 3), and what ends episodes.

The paper names its categories and publishes no rules. These are ours; one trajectory may show several:

    invalid action           a step whose reply held no action that the world knows, refusals and failed calls aside
    short-term repetition    the same action three times in a row, or the world stopped the episode for it
    long-term repetition     the same action with the same answer of the world, come back to at least three
                             times with other actions in between: the agent walks in a circle
    function call error      a call, `name(...)`, that the world could not execute: an unknown function, wrong
                             arguments, unmatched parentheses
    function repetition      the same call with the same arguments at least three times in an episode
    refusal                  a step without a valid action whose reply declines ("I'm sorry, I cannot ...")

    format                   a reply that the protocol does not forgive ended the episode
    context limit            the conversation no longer fitted the model
    round limit              the turns ran out
    gave up early            the agent ended the episode without any reward, and its last reply says that it has no
                             answer

An action is the one that the world executed; where it executed none, the reply as written stands for it.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from agenttuning.analysis.refusals import declines, gives_up
from agenttuning.core.records import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from agenttuning.core.records import StepRecord, Trajectory

ErrorCategory = Literal[
    "invalid action",
    "short-term repetition",
    "long-term repetition",
    "function call error",
    "function repetition",
    "refusal",
    "format",
    "context limit",
    "round limit",
    "gave up early",
]
CATEGORIES: tuple[ErrorCategory, ...] = get_args(ErrorCategory)

_TIMES = 3
_CALL = re.compile(r"\w+\(.*\)", re.DOTALL)


class Move(NamedTuple):
    """One step as the rules see it."""

    message: int
    """Index of the reply in `Trajectory.messages`."""
    reply: str
    action: str
    """As executed, else the reply."""
    valid: bool
    answer: str
    """What the world answered; empty after the last step of an episode that it ended."""
    call: bool
    """Is the action a call of a function, executed or not."""


def find_errors(trajectory: Trajectory) -> dict[ErrorCategory, int]:
    """Return the categories that a trajectory shows, each with the index of the message that shows it first."""
    moves = [_move(trajectory, step) for step in trajectory.steps]
    found = {category: rule(trajectory, moves) for category, rule in _RULES.items()}
    return {category: message for category, message in found.items() if message is not None}


def error_shares(trajectories: Iterable[Trajectory]) -> dict[ErrorCategory, float]:
    """Return the share of trajectories that show each category, in [0, 1]; shares overlap."""
    shown: Counter[ErrorCategory] = Counter()
    n = 0
    for trajectory in trajectories:
        shown.update(find_errors(trajectory).keys())
        n += 1
    return {category: shown[category] / n if n else 0.0 for category in CATEGORIES}


def _move(trajectory: Trajectory, step: StepRecord) -> Move:
    reply = trajectory.messages[step.message].content
    answer = trajectory.messages[step.message + 1 : step.message + 2]
    call = bool(_CALL.fullmatch(step.action)) or (
        not step.valid and step.action.isidentifier() and f"{step.action}(" in reply
    )
    return Move(step.message, reply, step.action or reply, step.valid, answer[0].content if answer else "", call)


def _invalid_action(trajectory: Trajectory, moves: list[Move]) -> int | None:
    del trajectory
    return _first(moves, lambda move: not move.valid and not move.call and not declines(move.reply))


def _refusal(trajectory: Trajectory, moves: list[Move]) -> int | None:
    del trajectory
    return _first(moves, lambda move: not move.valid and declines(move.reply))


def _function_call_error(trajectory: Trajectory, moves: list[Move]) -> int | None:
    del trajectory
    return _first(moves, lambda move: not move.valid and move.call and not declines(move.reply))


def _function_repetition(trajectory: Trajectory, moves: list[Move]) -> int | None:
    del trajectory
    seen: Counter[str] = Counter()
    for move in moves:
        if move.call:
            seen[move.action] += 1
            if seen[move.action] == _TIMES:
                return move.message
    return None


def _short_term_repetition(trajectory: Trajectory, moves: list[Move]) -> int | None:
    for _, run in groupby(moves, key=lambda move: move.action):
        streak = list(run)
        if len(streak) >= _TIMES:
            return streak[_TIMES - 1].message
    return _last(moves) if trajectory.stop is Stop.REPEAT else None


def _long_term_repetition(trajectory: Trajectory, moves: list[Move]) -> int | None:
    del trajectory
    returns: Counter[tuple[str, str]] = Counter()
    for key, run in groupby(moves, key=lambda move: (move.action, move.answer)):
        returns[key] += 1
        if returns[key] == _TIMES:
            return next(run).message
    return None


def _gave_up(trajectory: Trajectory, moves: list[Move]) -> int | None:
    ended = trajectory.stop is Stop.DONE and trajectory.score.reward == 0
    return _last(moves) if ended and moves and gives_up(moves[-1].reply) else None


def _stopped_by(stop: Stop) -> Callable[[Trajectory, list[Move]], int | None]:
    def rule(trajectory: Trajectory, moves: list[Move]) -> int | None:
        return _last(moves) if trajectory.stop is stop else None

    return rule


def _first(moves: Iterable[Move], shows: Callable[[Move], bool]) -> int | None:
    return next((move.message for move in moves if shows(move)), None)


def _last(moves: list[Move]) -> int:
    return moves[-1].message if moves else 0


_RULES: Mapping[ErrorCategory, Callable[[Trajectory, list[Move]], int | None]] = {
    "invalid action": _invalid_action,
    "short-term repetition": _short_term_repetition,
    "long-term repetition": _long_term_repetition,
    "function call error": _function_call_error,
    "function repetition": _function_repetition,
    "refusal": _refusal,
    "format": _stopped_by(Stop.FORMAT),
    "context limit": _stopped_by(Stop.CONTEXT),
    "round limit": _stopped_by(Stop.TURNS),
    "gave up early": _gave_up,
}

"""ADP's links: a call that is followed by an observation has an id, unique in its trajectory, that one observation has.

Original ids are kept where they obey that; calls without id, or whose result came as a user's turn, get one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.datasets.dialogue import Turn

OBSERVATION = -1
"""Stands for the observation itself where a call of a turn is named by its number."""


def link(turns: Sequence[Turn]) -> dict[tuple[int, int], str]:
    """Return the ids of calls, by (turn, call), and of observations, by (turn, OBSERVATION)."""
    links: dict[tuple[int, int], str] = {}
    taken: set[str] = set()
    for index, turn in enumerate(turns):
        for number, answer in _pairs(turns, index).items():
            own = turn.calls[number].id
            named = own if own is not None and own not in taken else f"turn_{index}_call_{number}"
            taken.add(named)
            links[index, number] = links[answer, OBSERVATION] = named
    return links


def _pairs(turns: Sequence[Turn], index: int) -> dict[int, int]:
    """Return the turn that answers each call of a turn, by the call's number."""
    calls, answers = turns[index].calls, _answers(turns, index)
    waiting, pairs = list(answers), {}
    for number, call in enumerate(calls):
        answer = next((at for at in waiting if turns[at].role == "tool" and turns[at].call_id == call.id), None)
        if answer is not None:
            waiting.remove(answer)
            pairs[number] = answer
    last = len(calls) - 1
    if calls and last not in pairs and index + 1 in answers:  # what comes next counts as the result of the last
        pairs = {number: answer for number, answer in pairs.items() if answer != index + 1} | {last: index + 1}
    return pairs


def _answers(turns: Sequence[Turn], index: int) -> list[int]:
    """Return the turns between an answer and the next."""
    found = []
    for at in range(index + 1, len(turns)):
        if turns[at].role == "assistant":
            break
        if "adp" not in turns[at].extra:  # an original stays as it is
            found.append(at)
    return found

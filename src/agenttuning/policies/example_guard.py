"""The history rule of the original held-out evaluation: examples give way first, then the oldest turns.

A conversation that begins with a solved example loses, pair by pair, the example's turns after its first, then that
first one, and then the oldest turns of the episode; instruction, task and latest turns stay. What is too long is told
by the model itself, which refuses, so that the limit and the tokens are its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.records import Message


def drop_pairs(messages: Sequence[Message], count: int) -> tuple[Message, ...] | None:
    """Return the conversation without so many pairs of turns; None when it has not that many to lose."""
    injected = [index for index, message in enumerate(messages) if message.train is False]
    task = injected[-1] + 1 if injected else 0
    kept = list(messages)
    for _ in range(count):
        if task > 4:
            del kept[4:6]
            task -= 2
        elif task == 4:
            del kept[2:4]
            task = 2
        elif len(kept) > task + 3:
            del kept[task + 1 : task + 3]
        else:
            return None
    return tuple(kept)

"""The history rule of the original AgentTuning evaluation: long conversations lose their oldest turns.

The first message always stays; of the rest, the newest are kept while they and the first together stay below 3,500
segments. The kept history of the episode is not changed, only what the model is shown.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from agenttuning.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.records import Message

_MAX_SEGMENTS = 3500
_CHUNK = 7


@lru_cache(maxsize=4096)
def count_segments(text: str) -> int:
    """Count runs of letters in chunks of seven, and every other character but space and newline as one."""
    total = 0
    for letters, run in groupby(text, str.isalpha):
        if letters:
            total += -(-len(list(run)) // _CHUNK)
        else:
            total += sum(character not in " \n" for character in run)
    return total


def guard_history(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return what the model is shown.

    Raises:
        PolicyError: the conversation does not alternate from user to user; the rule is defined for no other.
    """
    roles = [message.role for message in messages]
    if roles != ["assistant" if index % 2 else "user" for index in range(len(roles))] or len(roles) % 2 == 0:
        raise PolicyError(
            f"history_guard needs user and assistant turns in alternation, user first and last; got {roles}"
        )
    total = count_segments(messages[0].content)
    kept: list[Message] = []
    for message in reversed(messages[1:]):
        total += count_segments(message.content)
        if total >= _MAX_SEGMENTS:
            break
        kept.insert(0, message)
    if kept and kept[0].role == "user":
        del kept[0]
    dropped = len(messages) - len(kept) - 1
    if dropped == 0:
        return tuple(messages)
    notice = f"{messages[0].content}\n\n[NOTICE] {dropped} messages are omitted."
    return (messages[0].model_copy(update={"content": notice}), *kept)

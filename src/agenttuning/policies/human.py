"""A person at the terminal as a policy."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import anyio.to_thread

from agenttuning.core.records import Reply
from agenttuning.errors import BudgetError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Task


def human_player(environment: Environment[Task], *, sample: int) -> HumanPolicy:
    """Return a policy that asks at the terminal."""
    del environment, sample
    return HumanPolicy(source=sys.stdin, screen=sys.stdout)


class HumanPolicy:
    """Shows what is new in the conversation and reads lines until an empty one."""

    name = "human"
    sampling = None

    def __init__(self, *, source: TextIO, screen: TextIO) -> None:
        self._source = source
        self._screen = screen
        self._seen: tuple[Message, ...] = ()

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return what the person typed.

        Raises:
            BudgetError: the input ended; the episode stops and is scored as it stands.
        """
        goes_on = self._seen and tuple(messages[: len(self._seen)]) == self._seen
        for message in messages[len(self._seen) + 1 if goes_on else 0 :]:
            self._screen.write(f"\n[{message.role}]\n{message.content}\n")
        self._seen = tuple(messages)
        self._screen.write("\n[assistant] your reply, then an empty line; end of input (Ctrl-D) leaves the episode\n")
        self._screen.flush()
        content = await anyio.to_thread.run_sync(self._read, abandon_on_cancel=True)
        if content is None:
            raise BudgetError("the input ended")
        return Reply(content=content)

    def _read(self) -> str | None:
        lines: list[str] = []
        for line in iter(self._source.readline, ""):
            if not line.strip():
                if lines:
                    return "\n".join(lines)
                continue
            lines.append(line.rstrip("\n"))
        return "\n".join(lines) or None

"""Players that do harm: they reply as the oracle does, and kill a program of ours in the middle of one episode."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.policies.oracle import OraclePolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Reply, Task


def descendants(pid: int) -> list[tuple[int, str]]:
    """Return number and name of all processes below one."""
    found: list[tuple[int, str]] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for word in (thread / "children").read_text().split():
            try:
                name = Path(f"/proc/{word}/comm").read_text().strip()
                found += [(int(word), name), *descendants(int(word))]
            except FileNotFoundError:  # it ended meanwhile
                continue
    return found


def kill_programs(names: str) -> int:
    """Kill -9 every process below this one whose name matches; return how many there were."""
    killed = [pid for pid, name in descendants(os.getpid()) if re.fullmatch(names, name)]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    return len(killed)


class Killer:
    """A player: in the episode of one task it kills a program before a reply."""

    def __init__(self, *, task: str, program: str, reply: int = 1) -> None:
        self.task = task
        self.program = program
        self.reply = reply
        self.killed = 0

    def __call__(self, environment: Environment[Task], *, sample: int) -> KillingPolicy:
        return KillingPolicy(environment, self if environment.task.id == self.task else None)


class KillingPolicy(OraclePolicy):
    """The oracle with a knife."""

    def __init__(self, environment: Environment[Task], killer: Killer | None) -> None:
        super().__init__(environment)
        self._killer = killer
        self._replies_given = 0

    async def reply(self, messages: Sequence[Message]) -> Reply:
        reply = await super().reply(messages)
        if self._killer is not None and self._replies_given == self._killer.reply:
            self._killer.killed += kill_programs(self._killer.program)
        self._replies_given += 1
        return reply

r"""The shell as the 2023 protocol saw it: echo, prompts and escape codes are part of the output.

A command is typed with a line end; the output is read until the prompt pattern `\x1b.+@.+[#|$] ` comes or nothing has
come for five seconds; the echo of the command is dropped. Only for runs that are compared with scores of that time:
output can end a command early, and whoever waits in silence for more than five seconds is cut off.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sandbox.inside import frames
from agenttuning.environments.worlds.sandbox.protocol import ShellOutput

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.home import Home
    from agenttuning.environments.worlds.sandbox.link import Link

_PROMPT: Final = re.compile(r"\x1b.+@.+[#|$] ")
_SILENCE_SECONDS: Final = 5.0
_SETTLING_SECONDS: Final = 0.05
"""After a prompt, in which the next line of a command of many lines begins its work."""
_PS1: Final = r"\[\e]0;\u@\h: \w\a\]\u@\h:\w\$ "
"""Debian's and Ubuntu's: the pattern needs its title sequence."""


class RawShell:
    """The shell of one sandbox, unframed."""

    def __init__(self, link: Link, home: Home) -> None:
        self._link = link
        self._home = home

    async def run(self, command: str, *, timeout_seconds: float) -> ShellOutput:
        """Type one command and return what came after its echo."""
        deadline = time.monotonic() + timeout_seconds
        if not self._link.terminal.alive:
            await self._open(deadline)
        self._link.terminal.take()
        await self._link.send(frames.WRITE, 0, command.encode("utf-8", "replace") + b"\n")
        text, timed_out = await self._read(deadline)
        gone = not self._link.terminal.alive
        return ShellOutput(_less_echo(text, command), timed_out, restarted=gone, ended=not self._link.alive)

    async def _open(self, deadline: float) -> None:
        await self._link.open_shell([b"raw", *self._home.program(b"bash", b"--login")])
        await self._read(deadline)
        await self._link.send(frames.WRITE, 0, f" PS1='{_PS1}'\n".encode())
        await self._read(deadline)

    async def _read(self, deadline: float) -> tuple[str, bool]:
        """Return what came until the prompt, or until silence or the deadline (True)."""
        terminal, text = self._link.terminal, ""
        while True:
            seen = terminal.received
            seconds = min(deadline - time.monotonic(), _SETTLING_SECONDS if _PROMPT.search(text) else _SILENCE_SECONDS)
            await self._link.wait(lambda: terminal.received > seen or not terminal.alive, seconds=seconds)  # noqa: B023
            text += terminal.take().decode("utf-8", "replace")
            if not terminal.alive or terminal.received == seen or time.monotonic() > deadline:
                return text, terminal.alive and not _PROMPT.search(text)


def _less_echo(text: str, command: str) -> str:
    first, _, rest = text.partition("\r\n")
    return rest if first.endswith(command.partition("\n")[0]) else text

r"""A persistent login shell, spoken to through its terminal, as a person would.

A command is sent as `eval '...'`, so that unbalanced quotes are an error and not a hang, followed on the same line by
a `printf` of a token that is drawn anew for every command. The text of that line holds `\036` where the token has the
byte itself, so neither an echo of the line nor a trace of it can be taken for the token.

A nested shell (`su`, `bash`) leaves that line waiting. When nothing is printed for a while and a shell has the
terminal, the token is asked of it alone. When the nested shell exits, the line goes on with its old token, and the new
one is asked again.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sandbox.inside import frames
from agenttuning.environments.worlds.sandbox.protocol import ShellOutput
from agenttuning.environments.worlds.sandbox.terminal import clean

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.home import Home
    from agenttuning.environments.worlds.sandbox.link import Link

_PROMPT: Final = re.compile(r"(?:\A|(?<=\n))[^\n]*[$#%>] ?\Z")
_OPEN_SECONDS: Final = 10.0
_RECOVERY_SECONDS: Final = 1.0
_SILENCE_SECONDS: Final = 0.25
_LINE_CHARACTERS: Final = 700
"""Of a line of input; a terminal cuts lines of more than 4,095 bytes."""
_SHELLS: Final = frozenset({"ash", "bash", "dash", "ksh", "rbash", "sh", "zsh"})
_SILENT: Final = "PS1= PS2= PROMPT_COMMAND=; "
_NESTED: Final = '[ -n "$BASH_VERSION" ] && set +o emacs +o vi; stty -echo -onlcr 2>/dev/null; ' + _SILENT
_CONTROL: Final = re.compile(r"[\x01-\x08\x0b-\x1f\x7f]")


class Shell:
    """The shell of one sandbox; opened when it is first needed, and again after its end."""

    def __init__(self, link: Link, home: Home) -> None:
        self._link = link
        self._home = home
        self._nested: set[int] = set()
        """Process groups of nested shells that were silenced."""
        self._waiting: set[bytes] = set()
        """Tokens that a nested shell keeps from being printed."""

    async def run(self, command: str, *, timeout_seconds: float) -> ShellOutput:
        """Run one command and return what it printed."""
        deadline = time.monotonic() + timeout_seconds
        if not self._link.terminal.alive and not await self._open():
            return self._gone("")
        token = _token()
        await self._type(f"\\eval {_quoted(command)}; {_printing(token, keep_status=True)}\n")
        arrived, text = await self._until(token, deadline=deadline)
        if arrived:
            return ShellOutput(text)
        if not self._link.terminal.alive:
            return self._gone(text)
        self._waiting.discard(token)  # an interrupt drops the rest of the line
        return await self._recover(text)

    def _gone(self, text: str) -> ShellOutput:
        return ShellOutput(text, restarted=True, ended=not self._link.alive)

    async def _open(self) -> bool:
        self._nested, self._waiting = set(), set()
        await self._link.open_shell([b"clean", *self._home.program(b"bash", b"--noediting", b"--login")])
        arrived, _ = await self._ask(f"set +o history; unset HISTFILE; {_SILENT}", seconds=_OPEN_SECONDS)
        return arrived

    async def _ask(self, before: str, *, seconds: float) -> tuple[bool, str]:
        token = _token()
        await self._type(f"{before}{_printing(token)}\n")
        return await self._until(token, deadline=time.monotonic() + seconds)

    async def _type(self, text: str) -> None:
        await self._link.send(frames.WRITE, 0, text.encode("utf-8", "replace"))

    async def _until(self, token: bytes, *, deadline: float) -> tuple[bool, str]:
        """Return whether the token came in time, and what was printed before it."""
        terminal = self._link.terminal
        outer, shown = self._waiting, ""
        self._waiting = outer | {token}
        while True:
            seen = terminal.received
            seconds = min(deadline - time.monotonic(), _SILENCE_SECONDS)
            await self._link.wait(lambda: terminal.received > seen or not terminal.alive, seconds=seconds)  # noqa: B023
            if token in terminal.tokens:
                self._waiting.discard(token)
                return True, shown + clean(terminal.take_until(token))
            if ended := terminal.tokens & outer:  # of a nested shell: an outer one went on with its line
                outer -= ended
                self._waiting -= ended
                await self._type(f"{_SILENT}{_printing(token)}\n")
            elif not terminal.alive or time.monotonic() > deadline:
                return False, shown + clean(terminal.take())
            elif terminal.received == seen and await self._silence_nested(token):
                shown += _PROMPT.sub("", clean(terminal.take()))
                await self._link.wait(lambda: token in terminal.tokens, seconds=deadline - time.monotonic())
                if token in terminal.tokens:
                    return True, shown + _less_echo(clean(terminal.take_until(token)), token)

    async def _silence_nested(self, token: bytes) -> bool:
        """Ask a shell that is new on the terminal for the token; its own echo and prompt come before it."""
        group, words = await self._link.foreground()
        if group in self._nested or not _is_interactive(words):
            return False
        self._nested.add(group)
        await self._type(f"{_NESTED}{_printing(token)}\n")
        return True

    async def _recover(self, text: str) -> ShellOutput:
        """Interrupt, kill what has the terminal, kill everything: in this order, until the shell answers."""
        for kind, payload in ((frames.WRITE, b"\x03"), (frames.KILL_FOREGROUND, b"")):
            await self._link.send(kind, 0, payload)
            answered, _ = await self._ask(_SILENT, seconds=_RECOVERY_SECONDS)
            if answered:
                return ShellOutput(text, timed_out=True)
        await self._link.send(frames.KILL_ALL)
        terminal = self._link.terminal
        if not await self._link.wait(lambda: not terminal.alive, seconds=2 * _RECOVERY_SECONDS):
            self._link.close()
        return ShellOutput(text, timed_out=True, restarted=True, ended=not self._link.alive)


def _token() -> bytes:
    return b"\x1e%s\x1e" % secrets.token_hex(16).encode()


def _printing(token: bytes, *, keep_status: bool = False) -> str:
    """Return the command that prints a token and, if asked, leaves `$?` as it was."""
    escaped = token.decode().replace("\x1e", "\\036")
    if not keep_status:
        return f"\\command printf '{escaped}'"
    return f"\\eval \"\\command printf '{escaped}'; [ $? -eq 0 ] || (exit $?)\""


def _quoted(command: str) -> str:
    """Quote for every shell, in lines that a terminal takes whole, control characters escaped from the terminal."""
    lines = []
    for line in command.replace("\0", "").split("\n"):
        parts = [line[at : at + _LINE_CHARACTERS] for at in range(0, len(line), _LINE_CHARACTERS)] or [""]
        lines.append("'\\\n'".join(part.replace("'", "'\\''") for part in parts))
    return "'" + _CONTROL.sub(lambda found: "\x16" + found[0], "\n".join(lines)) + "'"


def _less_echo(text: str, token: bytes) -> str:
    """Return nothing where a nested shell but echoed the request for the token, in lines of its own making."""
    squeezed = "".join(text.split())
    return "" if not squeezed or token.decode().strip("\x1e") in squeezed else text


def _is_interactive(words: list[str]) -> bool:
    """Tell from its command line whether a shell reads the terminal: no script, no `-c`."""
    name = words[0].rpartition("/")[2].lstrip("-") if words else ""
    return name in _SHELLS and all(word.startswith("-") and word != "-c" for word in words[1:])

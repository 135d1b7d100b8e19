"""`agenttuning chat MODEL|URL`: talk to a model in the terminal, or pipe one message per line."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.cli.settings import configure
from agenttuning.cli.show import printable
from agenttuning.core.store import write_atomic
from agenttuning.errors import AgentTuningError, DataError, PolicyError, RecipeError, StageError, nearest
from agenttuning.serving.settings import ServerSettings
from agenttuning.serving.talk import Talk

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator

_HELP = """\
  /reset        forget the conversation
  /system TEXT  begin it with this system text; without TEXT, with the model's own
  /save FILE    write it as one JSON object of messages, which `agenttuning data` reads
  /quit         end; so does Ctrl-D. A message that begins with / is written with //
  Ctrl-C stops an answer; a second time it ends
"""


def main(arguments: Namespace) -> int:
    """Talk until the input ends, /quit, or Ctrl-C twice."""
    with ExitStack() as stack:
        url = arguments.target
        if not url.startswith(("http://", "https://")):
            url = stack.enter_context(_served(url, configure(ServerSettings, arguments.overrides)))
        elif arguments.overrides:
            raise RecipeError(f"{arguments.overrides[0]!r} sets up a server of our own; leave it out beside a URL")
        talk = stack.enter_context(Talk(url, _options(arguments), key=_key(arguments.key_variable)))
        talk.system = arguments.system
        return Terminal(talk).converse() if sys.stdin.isatty() else _pipe(talk)


def _options(arguments: Namespace) -> dict[str, float | int | str]:
    given = {name: getattr(arguments, name) for name in ("model", "temperature", "max_tokens", "seed")}
    return {name: value for name, value in given.items() if value is not None}


def _key(variable: str | None) -> str | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        raise RecipeError(f"the variable {variable!r} holds no key; set it (`export {variable}=...`)")
    return key


@contextmanager
def _served(model: str, settings: ServerSettings) -> Iterator[str]:
    from agenttuning.serving.process import running_server

    sys.stderr.write(f"loading {model} ...\n")
    name = str(Path(model).expanduser()) if model.startswith("~") else model
    with running_server(name, settings) as server:
        yield server.url


def _pipe(talk: Talk) -> int:
    """Answer one message per line; the first failure ends it."""
    for line in iter(sys.stdin.readline, ""):
        if not line.strip():
            continue
        try:
            for piece in talk.say(line.removesuffix("\n")):
                _write(piece)
        except PolicyError as error:
            raise StageError(str(error)) from error
        _write("\n")
    return 0


class Terminal:
    """A person at the keyboard."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._commands: dict[str, Callable[[str], None]] = {
            "help": self._help,
            "reset": self._reset,
            "save": self._save,
            "system": self._system,
        }

    def converse(self) -> int:
        """Read, answer, and begin again."""
        import readline  # noqa: F401 - lines can be edited and recalled once it is imported

        try:
            name = self._talk.model()
        except PolicyError as error:
            raise StageError(str(error)) from error
        sys.stderr.write(f"talking to {printable(name) or 'a model'}; /help tells the commands\n")
        interrupted = False
        while True:
            try:
                line = input("you> ")
            except EOFError:
                _write("\n")
                return 0
            except KeyboardInterrupt:
                if interrupted:
                    _write("\n")
                    return 130
                interrupted = self._stopped("press Ctrl-C again to end")
                continue
            if line.strip() in {"/quit", "/exit"}:
                return 0
            interrupted = self._answer(line)

    def _answer(self, line: str) -> bool:
        """Do what a line asks for; return whether it was interrupted."""
        try:
            if line.startswith("/") and not line.startswith("//"):
                self._command(line[1:])
            elif line.strip():
                for piece in self._talk.say(line.removeprefix("/") if line.startswith("//") else line):
                    _write(piece)
                _write("\n\n")
        except (PolicyError, AgentTuningError) as error:
            sys.stderr.write(f"\n{error}\n")
        except KeyboardInterrupt:
            return self._stopped("stopped; press Ctrl-C again to end")
        return False

    def _stopped(self, text: str) -> bool:
        sys.stderr.write(f"\n({text})\n")
        return True

    def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        if name not in self._commands:
            known = ", ".join(f"/{known}" for known in (*self._commands, "quit"))
            raise DataError(f"no command {f'/{name}'!r}{nearest(name, self._commands)}; there are {known}")
        self._commands[name](rest.strip())

    def _help(self, _: str) -> None:
        sys.stderr.write(_HELP)

    def _reset(self, _: str) -> None:
        self._talk.turns.clear()
        sys.stderr.write("(a new conversation)\n")

    def _system(self, text: str) -> None:
        self._talk.system = text
        self._reset("")

    def _save(self, name: str) -> None:
        path = Path(name).expanduser()
        if not name or path.exists():
            raise DataError(f"{name!r} exists already; name a new file" if name else "name a file: /save FILE")
        write_atomic(path, _dialogue(self._talk))
        sys.stderr.write(f"(saved {len(self._talk.messages)} messages in {path})\n")


def _dialogue(talk: Talk) -> str:
    told = [{"role": message.role, "content": message.content} for message in talk.messages]
    return json.dumps({"messages": told}, ensure_ascii=False) + "\n"


def _write(text: str) -> None:
    sys.stdout.write(printable(text))
    sys.stdout.flush()

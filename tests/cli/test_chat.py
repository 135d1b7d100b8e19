"""Talking to a model: what is piped in is answered line by line; a person's commands and Ctrl-C do what they say."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.serving.letters import LetterEngine
from tests.serving.thread import in_thread

import agenttuning
from agenttuning.serving.app import create_app
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import pytest
    from starlette.applications import Starlette
    from tests.serving.thread import Threaded

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(agenttuning.__file__).parents[1]), "TERM": "dumb"}
VERB = (sys.executable, "-m", "agenttuning", "chat")


@contextmanager
def letters(engine: LetterEngine, **settings: object) -> Iterator[Threaded]:
    @asynccontextmanager
    async def served() -> AsyncIterator[Starlette]:
        yield create_app(engine, ServerSettings.model_validate({"max_answer_tokens": 3, **settings}))

    with in_thread(served()) as server:
        yield server


def piped(text: str, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        (*VERB, *words), input=text, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


class Screen:
    """A person's terminal."""

    def __init__(self, *words: str) -> None:
        self.pid, self._screen = pty.fork()
        if self.pid == 0:
            os.execve(VERB[0], [*VERB, *words], ENVIRONMENT)
        self.text = ""

    def until(self, shown: str) -> str:
        """Return what was shown up to and with a text."""
        deadline = time.monotonic() + 120
        while shown not in self.text:
            assert time.monotonic() < deadline, self.text
            if select.select([self._screen], [], [], 1.0)[0]:
                self.text += re.sub(r"\x1b\[\??\d*[a-z]", "", os.read(self._screen, 4096).decode())
        found, _, self.text = self.text.partition(shown)
        return found + shown

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def until_interrupted(self, shown: str) -> None:
        """Press Ctrl-C until a text is shown: readline sees it late when it comes just before it waits for a key."""
        deadline = time.monotonic() + 120
        while shown not in self.text:
            assert time.monotonic() < deadline, self.text
            os.kill(self.pid, signal.SIGINT)
            if select.select([self._screen], [], [], 5.0)[0]:
                self.text += os.read(self._screen, 4096).decode()

    def code(self, *, interrupted: bool = False) -> int:
        """Return the exit code; with `interrupted`, press Ctrl-C until there is one."""
        deadline = time.monotonic() + 120
        ended = status = 0
        while not ended:
            assert time.monotonic() < deadline, self.text
            if interrupted:
                os.kill(self.pid, signal.SIGINT)
            time.sleep(1.0 if interrupted else 0.05)
            ended, status = os.waitpid(self.pid, os.WNOHANG)
        os.close(self._screen)
        return os.waitstatus_to_exitcode(status)


def test_every_line_is_answered_with_what_came_before() -> None:
    engine = LetterEngine()
    with letters(engine) as server:
        told = piped("x\n\nyy\n", server.url, "--system", "s", "--temperature", "0", "--seed", "4")
    assert told == (0, "abc\nabc\n", "")
    assert [bytes(asked.prompt_ids) for asked in engine.asked] == [b"sx", b"sxabcyy"]
    assert [asked.sampling.temperature for asked in engine.asked] == [0, 0]


def test_a_models_server_starts_and_ends_with_the_chat() -> None:
    code, out, err = piped("Hello\n", "tiny-base", "--temperature", "0", "--max-tokens", "4", "max_concurrent=2")
    assert (code, err) == (0, "loading tiny-base ...\n")
    assert out.strip()


def test_mistakes_are_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = piped("x\n", "http://127.0.0.1:9/v1")
    assert (code, out) == (1, "")
    assert re.fullmatch(r"agenttuning: no answer from http://127.0.0.1:9 \(.*\); is the server running\?\n", err)
    code, _, err = piped("x\n", "http://127.0.0.1:9", "dtype=bfloat16")
    assert (code, err.count("\n")) == (2, 1)
    assert "leave it out beside a URL" in err
    code, _, err = piped("x\n", "http://127.0.0.1:9", "--key-variable", "NOBODY_SETS_THIS")
    assert (code, err.count("\n")) == (2, 1)
    monkeypatch.setenv("LETTERS_KEY", "s3cret")
    monkeypatch.setitem(ENVIRONMENT, "LETTERS_KEY", "s3cret")
    engine = LetterEngine("a\x1b[31m\x07")
    with letters(engine, key_variable="LETTERS_KEY", max_answer_tokens=7) as server:
        code, out, err = piped("x\n", server.url)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert f"{server.url} answers 401: this server needs" in err
        assert piped("x\n", server.url, "--key-variable", "LETTERS_KEY")[:2] == (0, "a\\x1b[31m\\x07\n")
        engine.fails_after = 1
        code, out, err = piped("x\n", server.url, "--key-variable", "LETTERS_KEY")
        assert (code, out) == (1, "a")
        assert err == f"agenttuning: {server.url} broke off: out of memory\n"


def test_a_person_talks_stops_saves_and_leaves(tmp_path: Path) -> None:
    engine, file = LetterEngine(), tmp_path / "talk.jsonl"
    with letters(engine) as server:
        screen = Screen(server.url)
        screen.until("talking to letters; /help tells the commands")
        screen.until("you> ")
        screen.type("x\n")
        assert "abc" in screen.until("you> ")
        screen.type("/sytem\n")
        assert "no command '/sytem' (did you mean 'system'?)" in screen.until("you> ")
        screen.type(f"/save {file}\n")
        assert "saved 2 messages" in screen.until("you> ")
        screen.type(f"/save {file}\n")
        assert "exists already" in screen.until("you> ")
        screen.type("/system s\n")
        assert "a new conversation" in screen.until("you> ")
        engine.holds_after = 1
        screen.type("//y\n")
        screen.until("//y")
        screen.until("a")
        os.kill(screen.pid, signal.SIGINT)
        screen.until("stopped; press Ctrl-C again to end")
        server.wait(engine.idle())
        engine.holds_after = None
        screen.type("z\n")
        screen.until("abc")
        screen.until("you> ")
        assert bytes(engine.asked[-1].prompt_ids) == b"s/yaz"
        screen.until_interrupted("press Ctrl-C again to end")
        assert screen.code(interrupted=True) == 130
    assert json.loads(file.read_text()) == {
        "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "abc"}]
    }

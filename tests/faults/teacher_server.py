"""A teacher behind HTTP that fails in every way it can, enforces its limits, and writes down what it charges for.

    python -m tests.faults.teacher_server SETTINGS.json

One asyncio process, no framework: its own load must not hide the client's. Every request becomes one line of the log.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import subprocess
import sys
import time
from collections import Counter, deque
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = ("429", "429 later", "500", "503", "silence", "cut", "half", "html", "empty")
ANSWERED = "answered"


class Settings(BaseModel):
    """How the server behaves."""

    log: Path
    answers: Path
    """JSON: the user's turns so far, joined with U+001F, to the reply."""
    fault_share: float = 0.2
    latency_seconds: float = 0.005
    silence_seconds: float = 2.0
    """How long a request is left without an answer before its connection is closed."""
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    seed: int = 0


class Line(BaseModel):
    """What became of one request."""

    at: float
    """Arrival, seconds."""
    request: str
    """Digest of the body."""
    outcome: str
    id: str = ""
    tokens: int = 0
    """Charged for."""


class TeacherServer:
    """Answers chat completions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._answers: dict[str, str] = json.loads(settings.answers.read_text())
        self._draw = random.Random(settings.seed)
        self._log = settings.log.open("ab", buffering=0)
        self._served = 0
        self._recent: deque[tuple[float, int]] = deque()
        self._load = Counter[str]()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends."""
        try:
            while body := await _read(reader):
                if not await self._respond(body, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _respond(self, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False closes the connection."""
        arrived, self._served = time.time(), self._served + 1
        line = Line(at=arrived, request=hashlib.sha256(body).hexdigest(), outcome=ANSWERED, id=f"id-{self._served}")
        payload, tokens = self._completion(json.loads(body), line.id)
        faulty = self._draw.random() < self._settings.fault_share
        line.outcome = self._draw.choice(FAULTS) if faulty else ANSWERED
        if self._over(arrived, tokens if line.outcome == ANSWERED else 0):
            line.outcome = "limited"
        await asyncio.sleep(self._settings.latency_seconds)
        return await self._send(writer, line, payload, tokens)

    async def _send(self, writer: asyncio.StreamWriter, line: Line, payload: bytes, tokens: int) -> bool:
        status, extra = 200, ""
        match line.outcome:
            case "answered":
                line.tokens = tokens
            case "429" | "500" | "503":
                status, payload = int(line.outcome), b'{"error": "later"}'
            case "429 later" | "limited":
                status, payload, extra = 429, b'{"error": "slow down"}', "Retry-After: 0.05\r\n"
            case "silence":
                self._write(line)
                await asyncio.sleep(self._settings.silence_seconds)
                return False
            case "half":
                payload = payload[: len(payload) // 2]
            case "html":
                payload = b"<html><body>502 Bad Gateway</body></html>"
            case "empty":
                payload = b""
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(payload)}\r\nX-Request-Id: {line.id}\r\n{extra}\r\n"
        if line.outcome == "cut":
            payload = payload[: len(payload) // 3]
        self._write(line)
        writer.write(head.encode() + payload)
        await writer.drain()
        return line.outcome != "cut"

    def _completion(self, asked: dict[str, object], name: str) -> tuple[bytes, int]:
        messages = asked["messages"]
        assert isinstance(messages, list)
        said = "\x1f".join(message["content"] for message in messages if message["role"] == "user")
        reply = self._answers.get(said, "I go by what was asked.")
        read, written = sum(len(message["content"].split()) for message in messages), len(reply.split())
        choice = {"index": 0, "message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}
        usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
        whole = {"id": name, "object": "chat.completion", "choices": [choice], "usage": usage}
        return json.dumps(whole).encode(), read + written

    def _over(self, now: float, tokens: int) -> bool:
        """Would this request break the limits of the last minute; it counts either way."""
        while self._recent and self._recent[0][0] <= now - 60.0:
            _, old = self._recent.popleft()
            self._load.subtract(requests=1, tokens=old)
        self._recent.append((now, tokens))
        self._load.update(requests=1, tokens=tokens)
        limits = {"requests": self._settings.requests_per_minute, "tokens": self._settings.tokens_per_minute}
        return any(limit is not None and self._load[name] > limit for name, limit in limits.items())

    def _write(self, line: Line) -> None:
        self._log.write(line.model_dump_json().encode() + b"\n")


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Return the body of the next request, nothing at the end."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(row[15:]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length:"))
    return await reader.readexactly(length)


async def serve(settings: Settings) -> None:
    """Print the address and serve until killed."""
    teacher = TeacherServer(settings)
    server = await asyncio.start_server(teacher.handle, "127.0.0.1", 0, backlog=1024, limit=1 << 20)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def running_teacher(settings: Settings) -> Iterator[str]:
    """Run the server in a process of its own; yields its address."""
    path = settings.log.with_suffix(".settings.json")
    path.write_text(settings.model_dump_json())
    command = (sys.executable, "-m", "tests.faults.teacher_server", str(path))
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def read_log(path: Path) -> list[Line]:
    """Return what the server wrote down."""
    return [Line.model_validate_json(line) for line in path.read_bytes().splitlines()]


if __name__ == "__main__":
    asyncio.run(serve(Settings.model_validate_json(Path(sys.argv[1]).read_bytes())))

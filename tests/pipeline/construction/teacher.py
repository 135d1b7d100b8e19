"""A teacher behind real HTTP whose answers depend on the request alone, and what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

OS_MARK = "You invent problems"
DB_MARK = "You invent tasks"
CALLS_A_TOOL = "calls a tool"
THOUGHTS_MARK = "An expert answers a question about a MySQL table"


class Teacher:
    """Proposals by the digest of the request, solutions by the text of the task."""

    def __init__(self, proposals: Mapping[str, Sequence[str]], solutions: Mapping[str, Sequence[str]]) -> None:
        self._proposals, self._solutions = proposals, solutions
        self.served: Counter[str] = Counter()
        self.prompts: list[str] = []
        self.url = ""

    def reply(self, body: bytes) -> str:
        asked = json.loads(body)
        messages = [str(message["content"]) for message in asked["messages"]]
        self.prompts.append(messages[0])
        for mark, answers in self._proposals.items():
            if len(messages) == 1 and messages[0].startswith(mark):
                return answers[int(hashlib.sha256(body).hexdigest(), 16) % len(answers)]
        for text, replies in self._solutions.items():
            opening = next((place for place, message in enumerate(messages) if text in message), None)
            if opening is not None:
                turn = (len(messages) - 1 - opening) // 2
                shown = messages[-1].removeprefix("The output of the OS:\n\n").strip()
                return replies[min(turn, len(replies) - 1)].replace("{shown}", shown)
        return "I do not know."

    def handle(self, body: bytes) -> bytes:
        content = self.reply(body)
        if content == CALLS_A_TOOL:
            message = {"content": None, "tool_calls": [{"type": "function", "function": {"name": "bash"}}]}
            return json.dumps({"choices": [{"message": message, "finish_reason": "tool_calls"}]}).encode()
        usage = {"prompt_tokens": 10, "completion_tokens": len(content) // 4}
        choice = {"message": {"content": content}, "finish_reason": "stop"}
        return json.dumps({"choices": [choice], "usage": usage}).encode()


@contextmanager
def serving(teacher: Teacher, *, status: Callable[[], int] = lambda: 200) -> Iterator[Teacher]:
    """Serve on a free port; `status` gives the code of each answer, 0 for none: the connection is cut."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = status()
            if not code:
                return
            answer = teacher.handle(body) if code == 200 else b"<html>out of order</html>"
            try:
                self.send_response(code)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                self.wfile.flush()
            except OSError:
                return  # the asker was killed
            if code == 200:
                teacher.served[hashlib.sha256(body).hexdigest()] += 1

        def log_message(self, *words: object) -> None:
            del words

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    teacher.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield teacher
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def block(**parts: str) -> str:
    return "\n".join(f"@@ {name.upper()}\n{text}" for name, text in parts.items()) + "\n@@ END"


def system_question(text: str, **changed: str) -> str:
    parts = {
        "task": text,
        "kind": "question",
        "setup": "mkdir -p /srv/pond && cd /srv/pond && printf 'a\\nb\\nc\\n' > reeds.txt && touch fish.md",
        "thought": "wc counts the lines.",
        "solution": "wc -l < /srv/pond/reeds.txt",
        "check": "integer",
        "closing": "The file has that many lines.",
    }
    return block(**{**parts, **changed})


def system_change(text: str, **changed: str) -> str:
    parts = {
        "task": text,
        "kind": "change",
        "setup": "mkdir -p /srv/mill && echo old > /srv/mill/sign",
        "thought": "The sign is one file, so writing it anew is enough.",
        "solution": "echo new > /srv/mill/sign",
        "check": "grep -qx new /srv/mill/sign",
        "closing": "The sign says new.",
    }
    return block(**{**parts, **changed})


def database_task(text: str, **changed: str) -> str:
    parts = {
        "task": text,
        "kind": "SELECT",
        "table": "boats",
        "columns": "Name | Length | Home port",
        "rows": "Petrel | 12 | Lowen\nGannet | 9 | Marsk\nTern | 7 | NULL",
        "thought": "The longest boat is the one with the largest Length.",
        "solution": "SELECT `Name` FROM `boats` ORDER BY `Length` + 0 DESC LIMIT 1;",
        "check": "Petrel",
    }
    return block(**{**parts, **changed})


def bash(command: str) -> str:
    return f"Think: this does it.\n\nAct: bash\n\n```bash\n{command}\n```"


def statement(sql: str) -> str:
    return f"Thought: this does it.\nAction: Operation\n```sql\n{sql}\n```"

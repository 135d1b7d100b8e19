"""The Think/Act grammar of AgentBench's operating-system task, as its parser of 2023 reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

ActionKind = Literal["bash", "answer", "finish"]

_THOUGHT: Final = re.compile(r"Think:\s*(.+)")
_ACTION: Final = re.compile(r"Act:\s*(.+)")
_BLOCK: Final = re.compile(r"```bash\n(.*?)\n```", re.DOTALL)
_ANSWER_LETTERS: Final = len("answer")


@dataclass(frozen=True, slots=True)
class AgentReply:
    """One reply, read."""

    kind: ActionKind | None
    """None: no line names an action that the world knows."""
    content: str = ""
    """The script of `bash`, the text of `answer`; empty for `finish`."""
    thought: str = ""
    """All lines of thought, joined."""


def read_reply(reply: str) -> AgentReply:
    """Read a reply: of all `Act:` lines the last that names an action counts; every bash block belongs to the script.

    An `answer` without both parentheses is passed over, and so is a word that is no action: an earlier line may serve.
    """
    thought = "\n".join(_THOUGHT.findall(reply))
    for action in reversed(_ACTION.findall(reply)):
        word = action.lower()
        if word.startswith("bash"):
            return AgentReply(kind="bash", content="\n\n".join(_BLOCK.findall(reply)), thought=thought)
        if word.startswith("finish"):
            return AgentReply(kind="finish", thought=thought)
        if word.startswith("answer"):
            text = action[_ANSWER_LETTERS:]
            opening, closing = text.find("("), text.rfind(")")
            if opening >= 0 and closing >= 0:
                return AgentReply(kind="answer", content=text[opening + 1 : closing], thought=thought)
    return AgentReply(kind=None, thought=thought)

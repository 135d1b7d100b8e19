r"""Terminal codes in observations, as in the public operating-system data (`\x1b]0;`, `\x1b[01;31m`, `\r\n`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agenttuning.core.records import Message, Trajectory

_CODES = re.compile(
    r"""
      (?:\x1b\]|\x9d) [^\x07\x1b\x9c]* (?:\x07|\x1b\\|\x9c)?    # OSC: a title
    | (?:\x1b[PX^_]|[\x90\x98\x9e\x9f]) [^\x1b\x9c]* (?:\x1b\\|\x9c)?   # DCS, SOS, PM, APC
    | (?:\x1b\[|\x9b) [0-?]* [\x20-/]* [@-~]?    # CSI: colours, the cursor
    | \x1b [\x20-/]* [0-~]?                      # any other sequence
    | [\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]      # C0 and C1, tab and line ends excepted
    """,
    re.VERBOSE,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_END = re.compile(r"\r+\n|\r")


def without_codes(text: str) -> str:
    """Return the text as a reader sees it: no control codes, lines that end in a line feed."""
    if _CONTROL.search(text) is None:
        return text
    return _LINE_END.sub("\n", _CODES.sub("", text))


def clean(trajectory: Trajectory) -> Trajectory:
    """Return the trajectory with clean observations; itself when there is nothing to clean."""
    messages = tuple(_cleaned(message) for message in trajectory.messages)
    return trajectory if messages == trajectory.messages else trajectory.model_copy(update={"messages": messages})


def _cleaned(message: Message) -> Message:
    text = without_codes(message.content) if message.role == "user" else message.content
    return message if text == message.content else message.model_copy(update={"content": text})

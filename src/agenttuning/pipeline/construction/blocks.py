"""The form in which a teacher writes: named parts, each begun by a line `@@ NAME`, ended by a line `@@ END`.

    @@ TASK
    Count the files in /srv/inbox.
    @@ SOLUTION
    ls /srv/inbox | wc -l
    @@ END

What stands before the first part is passed over, as models like to think aloud; one fence of backticks around a part
is taken off. Text is all that is read: nothing of it is evaluated.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from agenttuning.pipeline.construction.rejects import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_CHARACTERS: Final = 40_000
_MARK: Final = re.compile(r"^@@ ?([A-Z]+)[ \t]*$", re.MULTILINE)
_FENCE: Final = re.compile(r"\A```[\w-]*\n(.*?)\n?```\Z", re.DOTALL)
_HTML: Final = re.compile(r"\A\s*<(!doctype|html|head|body)\b", re.IGNORECASE)
_TOOL: Final = re.compile(
    r"<tool_call>|<\|python_tag\|>|\A\s*[\[{]+\s*\"(?:name|function|tool_calls?|type)\"\s*:", re.IGNORECASE
)
_DECLINES: Final = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable)|I (?:cannot|can't|can not|won't) |as an AI\b|unable to (?:help|assist))",
    re.IGNORECASE,
)


def read_block(text: str, *, required: Collection[str]) -> dict[str, str] | Refusal:
    """Return the parts of the first block by name; all required ones are there and not empty."""
    if not text.strip():
        return Refusal(Reason.EMPTY)
    if len(text) > MAX_CHARACTERS:
        return Refusal(Reason.OVERLONG, f"{len(text):,} characters")
    marks = list(_MARK.finditer(text))
    if not marks:
        return Refusal(_without_block(text))
    names = [mark[1] for mark in marks]
    if "END" not in names:
        return Refusal(Reason.UNFINISHED, f"the last part is {names[-1]!r}")
    parts: dict[str, str] = {}
    for mark, after in pairwise(marks[: names.index("END") + 1]):
        name = mark[1]
        if name not in required:
            return Refusal(Reason.MALFORMED, f"unknown part {name!r}")
        if name in parts:
            return Refusal(Reason.MALFORMED, f"part {name!r} stands twice")
        parts[name] = _bare(text[mark.end() : after.start()])
    return _checked(parts, required)


def _without_block(text: str) -> Reason:
    if _HTML.search(text):
        return Reason.HTML
    if _TOOL.search(text):
        return Reason.TOOL_CALL
    return Reason.REFUSAL if _DECLINES.search(text[:2000]) else Reason.NO_BLOCK


def _bare(text: str) -> str:
    stripped = text.strip("\n").rstrip()
    fenced = _FENCE.match(stripped.strip())
    return fenced[1] if fenced else stripped


def _checked(parts: dict[str, str], required: Collection[str]) -> dict[str, str] | Refusal:
    for name in required:
        if not parts.get(name, "").strip():
            return Refusal(Reason.MALFORMED, f"part {name!r} is {'empty' if name in parts else 'missing'}")
    if any("\0" in part for part in parts.values()):
        return Refusal(Reason.MALFORMED, "a NUL character")
    try:
        "".join(parts.values()).encode()
    except UnicodeEncodeError:
        return Refusal(Reason.MALFORMED, "a lone surrogate")
    return parts

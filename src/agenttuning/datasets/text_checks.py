"""Text that was damaged on its way: control characters, half characters, wrong decodings, marks of truncation.

`suspicious` decides, in C over the bytes of a dialogue, whether its turns are looked at closely.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.problems import Problem, shown
from agenttuning.datasets.secret_checks import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.datasets.dialogue import Turn

CONTROL: Final = bytes(code for code in range(32) if chr(code) not in "\t\n\r") + b"\x7f"
ESCAPE: Final = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: window titles
    r"|\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[@-Z\\^_()#%][0-9A-Za-z]?"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)
SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_MOJIBAKE: Final = re.compile(r"\u00c3[\u0080-\u00bf]|\u00e2\u20ac[\u0153\u2122\u02dc\u009d]")
_MARKS: Final = ("[TRUNCATED]", "[truncated]", "output is too long", "<truncated>", "... (truncated")
_PAGE: Final = re.compile(r"\s*<(?:!doctype html|html\b)", re.IGNORECASE)
_BROKEN: Final = (b"\xef\xbf\xbd", b"\xc3\x83", b"\xc3\xa2\xe2\x82\xac")
"""UTF-8 of the replacement character and of the beginnings of UTF-8 that was read as Latin-1 or Windows-1252."""
_PAGES: Final = (b"<html", b"<HTML", b"<!doctype", b"<!DOCTYPE")
_SIGNS: Final = (*_BROKEN, *_PAGES, *(mark.encode() for mark in _MARKS), b"@", *(word.encode() for word in SECRETS))


def suspicious(text: str) -> bool:
    """Tell whether a text may have any of the problems of this module or a secret."""
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return True
    return len(data.translate(None, CONTROL)) != len(data) or any(sign in data for sign in _SIGNS)


def text_problems(turn: Turn, where: str) -> Iterator[Problem]:
    """Yield what is wrong with a turn's text."""
    text = turn.content
    surrogate = SURROGATE.search(text)
    if surrogate:
        yield Problem("lone_surrogate", where, shown(surrogate[0]), "--fix replaces it with U+FFFD")
    yield from _control(text, where)
    yield from _decoding(text, where)
    if turn.role in {"user", "tool"}:
        mark = next((mark for mark in _MARKS if mark in text), None)
        if mark:
            yield Problem("truncated", where, mark, "the observation is not whole", "warning")
    elif turn.role == "assistant" and _PAGE.match(text):
        yield Problem("html_error", where, shown(text), "a server's page is no answer; remove the row")


def _control(text: str, where: str) -> Iterator[Problem]:
    if "\x00" in text:
        yield Problem("nul", where, "a NUL character", "--fix removes it")
    found = ESCAPE.search(text.replace("\x00", ""))
    if found:
        yield Problem("escape_codes", where, shown(found[0]), "--fix removes terminal escapes", "warning")


def _decoding(text: str, where: str) -> Iterator[Problem]:
    found = "\ufffd" if "\ufffd" in text else None
    mojibake = _MOJIBAKE.search(text)
    if found or mojibake:
        value = shown(found or (mojibake[0] if mojibake else ""))
        yield Problem("encoding", where, value, "decode the source again, as UTF-8", "warning")

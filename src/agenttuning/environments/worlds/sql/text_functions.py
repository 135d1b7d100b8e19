"""MySQL's functions on text, each bounded in time and memory whatever its arguments."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sql.values import Value, as_integer, as_text, compare, fold

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TEXT: Final = 1 << 16
"""Longest text that a function makes; MySQL's `max_allowed_packet` plays the same part."""
_MOST_COMPARISONS: Final = 4_000_000
"""Of characters in one LIKE, about a second; more is refused."""


def like(value: Value, pattern: Value, escape: Value = "\\") -> int | None:
    """Match `%` and `_` without case and accents, in time proportional to the product of the lengths at worst."""
    text, wanted = as_text(value), as_text(pattern)
    if text is None or wanted is None:
        return None
    tokens = _tokens(fold(wanted), as_text(escape) or "")
    if len(text) * len(tokens) > _MOST_COMPARISONS:
        raise TimeoutError
    return int(_wildcards(fold(text), tokens))


def _tokens(pattern: str, escape: str) -> list[str]:
    tokens: list[str] = []
    escaped = False
    for character in pattern:
        if not escaped and character == escape:
            escaped = True
            continue
        tokens.append(character if escaped or character not in "%_" else f"{character}{character}")
        escaped = False
    return tokens


def _wildcards(text: str, tokens: list[str]) -> bool:
    """Match greedily, going back to the last `%` only; a wildcard is a doubled token."""
    position = token = 0
    star, resume = -1, 0
    while position < len(text):
        if token < len(tokens) and tokens[token] == "%%":
            star, resume, token = token, position, token + 1
        elif token < len(tokens) and tokens[token] in ("__", text[position]):
            position, token = position + 1, token + 1
        elif star >= 0:
            resume += 1
            position, token = resume, star + 1
        else:
            return False
    return all(rest == "%%" for rest in tokens[token:])


def regexp(value: Value, pattern: Value) -> int | None:
    """Search without case by RE2, whose time is linear in the text, unlike that of `re`."""
    text, wanted = as_text(value), as_text(pattern)
    if text is None or wanted is None:
        return None
    import pyarrow as arrow
    from pyarrow import compute

    try:
        return int(compute.match_substring_regex(arrow.scalar(text), wanted, ignore_case=True).as_py())
    except arrow.ArrowInvalid:
        return None


def _concat(*parts: Value) -> str | None:
    texts = [as_text(part) for part in parts]
    return None if None in texts else "".join(text or "" for text in texts)[:MAX_TEXT]


def _concat_ws(separator: Value, *parts: Value) -> str | None:
    joint = as_text(separator)
    if joint is None:
        return None
    return joint.join(text for part in parts if (text := as_text(part)) is not None)[:MAX_TEXT]


def _substring(value: Value, start: Value, length: Value = MAX_TEXT) -> str | None:
    text, first, count = as_text(value), as_integer(start), as_integer(length)
    if text is None or first is None or count is None:
        return None
    begin = first - 1 if first > 0 else len(text) + first
    return text[begin : begin + count] if first and begin >= 0 and count > 0 else ""


def _substring_index(value: Value, separator: Value, count: Value) -> str | None:
    text, joint, number = as_text(value), as_text(separator), as_integer(count)
    if text is None or joint is None or number is None:
        return None
    if not joint or not number:
        return ""
    parts = text.split(joint)
    return joint.join(parts[:number] if number > 0 else parts[number:])


def _right(value: Value, count: Value) -> str | None:
    text, number = as_text(value), as_integer(count)
    if text is None or number is None:
        return None
    return text[-number:] if number > 0 else ""


def _replace(value: Value, old: Value, new: Value) -> str | None:
    text, wanted, instead = as_text(value), as_text(old), as_text(new)
    if text is None or wanted is None or instead is None:
        return None
    if not wanted or len(text) + text.count(wanted) * len(instead) > MAX_TEXT:
        return text if not wanted else None
    return text.replace(wanted, instead)


def _repeat(value: Value, count: Value) -> str | None:
    text, number = as_text(value), as_integer(count)
    if text is None or number is None or len(text) * number > MAX_TEXT:
        return None
    return text * number


def _pad(value: Value, length: Value, filler: Value, *, left: bool) -> str | None:
    text, size, fill = as_text(value), as_integer(length), as_text(filler)
    if text is None or size is None or fill is None or not 0 <= size <= MAX_TEXT:
        return None
    if len(text) >= size:
        return text[:size]
    if not fill:
        return None
    padding = (fill * (size // len(fill) + 1))[: size - len(text)]
    return padding + text if left else text + padding


def _locate(wanted: Value, value: Value, start: Value = 1) -> int | None:
    part, text, first = as_text(wanted), as_text(value), as_integer(start)
    if part is None or text is None or first is None:
        return None
    return fold(text).find(fold(part), first - 1) + 1 if first > 0 else 0


def _trim(value: Value, characters: Value = " ", side: Value = "BOTH") -> str | None:
    text, part = as_text(value), as_text(characters)
    if text is None or part is None:
        return None
    start, end = 0, len(text)
    while part and side != "TRAILING" and text.startswith(part, start, end):
        start += len(part)
    while part and side != "LEADING" and text.endswith(part, start, end):
        end -= len(part)
    return text[start:end]


def _field(value: Value, *choices: Value) -> int:
    return next((place for place, choice in enumerate(choices, 1) if compare(value, choice) == 0), 0)


def _find_in_set(value: Value, values: Value) -> int | None:
    text, choices = as_text(value), as_text(values)
    return None if text is None or choices is None else _field(text, *choices.split(","))


def _on_text(function: Callable[[str], str | int]) -> Callable[[Value], str | int | None]:
    def apply(value: Value) -> str | int | None:
        text = as_text(value)
        return None if text is None else function(text)

    return apply


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


TEXT_FUNCTIONS: Final[dict[str, Callable[..., Value]]] = {
    "ASCII": _on_text(lambda text: text.encode("utf-8", "replace")[0] if text else 0),
    "CHARACTER_LENGTH": _on_text(len),
    "CHAR_LENGTH": _on_text(len),
    "CONCAT": _concat,
    "CONCAT_WS": _concat_ws,
    "FIELD": _field,
    "FIND_IN_SET": _find_in_set,
    "INSTR": lambda value, part: _locate(part, value),
    "LCASE": _on_text(str.lower),
    "LEFT": lambda value, count: _substring(value, 1, count),
    "LENGTH": _on_text(lambda text: len(text.encode("utf-8", "replace"))),
    "LIKE": like,
    "LOCATE": _locate,
    "LOWER": _on_text(str.lower),
    "LPAD": lambda value, length, filler=" ": _pad(value, length, filler, left=True),
    "LTRIM": _on_text(lambda text: text.lstrip(" ")),
    "MD5": _on_text(_md5),
    "MID": _substring,
    "REGEXP": regexp,
    "REGEXP_LIKE": lambda value, pattern, _flags="": regexp(value, pattern),
    "REPEAT": _repeat,
    "REPLACE": _replace,
    "REVERSE": _on_text(lambda text: text[::-1]),
    "RIGHT": _right,
    "RPAD": lambda value, length, filler=" ": _pad(value, length, filler, left=False),
    "RTRIM": _on_text(lambda text: text.rstrip(" ")),
    "SHA1": _on_text(lambda text: hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()),
    "SPACE": lambda count: _repeat(" ", count),
    "STRCMP": compare,
    "SUBSTR": _substring,
    "SUBSTRING": _substring,
    "SUBSTRING_INDEX": _substring_index,
    "TRIM": _trim,
    "UCASE": _on_text(str.upper),
    "UPPER": _on_text(str.upper),
}

"""S-expressions, the notation of PDDL: read leniently, never evaluated."""

from __future__ import annotations

import re
from typing import TypeAlias

from agenttuning.errors import DataError

Expression: TypeAlias = "str | list[Expression]"
"""An atom, or a list of expressions."""

_DEEPEST = 100
_COMMENT = re.compile(r";[^\n]*")
_TOKEN = re.compile(r"[()]|[^\s()]+")


def parse_expression(text: str) -> list[Expression]:
    """Read every top-level expression of a text, lower-cased and without `;` comments.

    A missing closing parenthesis is added at the end, an extra one is skipped: released games have both.

    Raises:
        DataError: the lists are nested deeper than any game's.
    """
    top: list[Expression] = []
    open_lists: list[list[Expression]] = [top]
    for word in _TOKEN.findall(_COMMENT.sub("", text).lower()):
        if word == "(":
            if len(open_lists) > _DEEPEST:
                raise DataError(f"the text nests more than {_DEEPEST} lists; no released game does, check the file")
            inner: list[Expression] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
        elif word == ")":
            if len(open_lists) > 1:
                open_lists.pop()
        else:
            open_lists[-1].append(word)
    return top


def write_expression(expression: Expression) -> str:
    """Write one expression on one line."""
    written: list[str] = []
    stack: list[Expression] = [expression]
    while stack:
        part = stack.pop()
        if isinstance(part, str):
            written.append(part)
        else:
            written.append("(")
            stack.append(")")
            stack.extend(reversed(part))
    return " ".join(written).replace("( ", "(").replace(" )", ")")

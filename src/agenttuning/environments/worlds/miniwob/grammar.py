r"""The action grammar of the 2023 agent: five verbs, one action a reply.

    type TEXT | press KEY | clickxpath XPATH | clickoption XPATH | movemouse XPATH

Verbs are read in any case; double quotes in TEXT are dropped, and a written `\n` in it is the enter key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Verb = Literal["type", "press", "clickxpath", "clickoption", "movemouse"]
KEYS: Final = ("enter", "arrowleft", "arrowright", "arrowup", "arrowdown", "backspace")
MAX_ARGUMENT: Final = 2_000
"""Characters; longer texts would be typed for minutes, and longer xpaths no page needs."""
_MAX_NESTING: Final = 3
_MAX_COST: Final = 40
"""Of all steps over the whole page: each costs 1 outside of predicates, 10 within one, 100 within two."""
_MARK: Final = re.compile(r"^[ \t]*action:[ \t]*", re.IGNORECASE | re.MULTILINE)
_FORMS: Final = (
    re.compile(r"(?P<verb>type)\s(?P<argument>.+)\Z", re.IGNORECASE),
    re.compile(rf"(?P<verb>press)\s(?P<argument>{'|'.join(KEYS)})\Z", re.IGNORECASE),
    re.compile(r"(?P<verb>clickxpath|clickoption|movemouse)\s(?P<argument>.+)\Z", re.IGNORECASE),
)
_LITERAL: Final = re.compile(r"'[^']*'|\"[^\"]*\"")
_COSTLY: Final = re.compile(r"[\[\]]|//|(?:ancestor|descendant|following|preceding)[\w-]*\s*::")
_UNSPEAKABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Action:
    """One action as written."""

    verb: Verb
    argument: str

    def __str__(self) -> str:
        """Return it in the grammar."""
        return f"{self.verb} {self.argument}"

    @property
    def text(self) -> str:
        """What `type` sends, key by key."""
        return self.argument.replace('"', "").replace("\\n", "\n")


def parse_action(reply: str) -> Action | None:
    """Return the action on the line of the first `Action:` mark, or of a reply without one; None where none is.

    Backticks around the action are dropped, and what follows the closing one.
    """
    mark = _MARK.search(reply)
    rest = reply[mark.end() :] if mark else reply.lstrip()
    line = _UNSPEAKABLE.sub("", rest.split("\n", 1)[0].lstrip(" \t`").split("`", 1)[0]).strip()
    for form in _FORMS:
        if found := form.match(line):
            verb: Verb = found["verb"].lower()  # type: ignore[assignment]  # the expressions name no other
            argument = found["argument"].lower() if verb == "press" else found["argument"]
            return Action(verb, argument)
    return None


def refuse(action: Action) -> str:
    """Return why an action is not tried at all, or an empty string.

    The cost of an xpath multiplies with every level of predicates and with every step that looks at the whole page;
    some of a few hundred characters would keep a page busy for days.
    """
    if len(action.argument) > MAX_ARGUMENT:
        return f"The argument of {action.verb} is longer than {MAX_ARGUMENT} characters."
    if action.verb in ("type", "press"):
        return ""
    depth = deepest = cost = 0
    for mark in _COSTLY.findall(_LITERAL.sub("", action.argument)):
        depth += (mark == "[") - (mark == "]")
        deepest = max(deepest, depth)
        cost += 0 if mark in "[]" else 10 ** max(depth, 0)
    if deepest > _MAX_NESTING:
        return f"The xpath is nested deeper than {_MAX_NESTING} levels."
    return "The xpath looks at the whole page too often." if cost > _MAX_COST else ""

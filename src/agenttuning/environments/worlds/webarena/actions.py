"""The action grammar of 2023: one action between triple backticks, elements by the number that the tree gives them.

    click [7]   hover [7]   type [7] [red lamp] [1]   press [Control+a]   scroll [down]
    goto [http://...]   go_back   go_forward   new_tab   tab_focus [0]   close_tab   stop [answer]

The third part of `type` tells whether the enter key follows; without it, it does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

Verb = Literal[
    "click",
    "hover",
    "type",
    "press",
    "scroll",
    "goto",
    "go_back",
    "go_forward",
    "new_tab",
    "tab_focus",
    "close_tab",
    "stop",
]
MAX_TEXT: Final = 4_000
"""Characters of an argument; longer ones no honest action needs."""
_MAX_DIGITS: Final = 9
_QUOTED: Final = re.compile(r"```(.*?)```", re.DOTALL)
_VERB: Final = re.compile(rf"({'|'.join(sorted(get_args(Verb), reverse=True))})(?![a-z_])")
_UNSPEAKABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_FORMS: Final = {
    "click": re.compile(r"click ?\[(?P<number>\d+)\]"),
    "hover": re.compile(r"hover ?\[(?P<number>\d+)\]"),
    "type": re.compile(r"type ?\[(?P<number>\d+)\] ?\[(?P<text>.+)\] ?\[(?P<enter>\d+)\]", re.DOTALL),
    "press": re.compile(r"press ?\[(?P<text>.+)\]"),
    "scroll": re.compile(r"scroll ?\[?(?P<text>up|down)\]?"),
    "goto": re.compile(r"goto ?\[(?P<text>.+)\]"),
    "tab_focus": re.compile(r"tab_focus ?\[(?P<number>\d+)\]"),
    "stop": re.compile(r"stop ?\[(?P<text>.+)\]", re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action as it is carried out."""

    verb: Verb
    number: int = -1
    """Of an element, or of a tab."""
    text: str = ""
    """What is typed, the keys, the direction, the address, or the answer."""
    enter: bool = False

    def __str__(self) -> str:
        """Return it in the grammar."""
        match self.verb:
            case "click" | "hover" | "tab_focus":
                return f"{self.verb} [{self.number}]"
            case "type":
                return f"type [{self.number}] [{self.text}] [{int(self.enter)}]"
            case "press" | "scroll" | "goto" | "stop":
                return f"{self.verb} [{self.text}]"
            case _:
                return self.verb


def parse_action(reply: str) -> Action | None:
    """Return the action in the first pair of triple backticks; None where there is none, or it is of no known form."""
    quoted = _QUOTED.search(reply)
    written = _UNSPEAKABLE.sub("", quoted[1] if quoted else "").strip()
    verb = _VERB.match(written)
    if verb is None or len(written) > MAX_TEXT:
        return None
    if verb[1] == "type" and not written.endswith(("[0]", "[1]")):
        written += " [1]"
    form = _FORMS.get(verb[1])
    found = form.search(written) if form else None
    if form and found is None and verb[1] != "stop":  # some tasks want no answer
        return None
    parts = found.groupdict() if found else {}
    number = parts.get("number", "")
    if len(number) > _MAX_DIGITS:
        return None
    return Action(
        verb[1],  # type: ignore[arg-type]  # the expression names no other
        number=int(number) if number else -1,
        text=parts.get("text", ""),
        enter=parts.get("enter") == "1",
    )

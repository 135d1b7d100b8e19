"""When an answer is right: what each set of questions counts, beside exact match and token F1.

`exact`    the normal forms are equal (yes and no, plausible and implausible, names; any alias of TriviaQA)
`number`   the answer names one number, and it is the gold one
`quantity` any of the gold forms: equal text, or equal number and equal unit (physics)
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.rewoo.calculator import CalculatorError, only_number
from agenttuning.environments.worlds.wiki.scoring import exact_match, normalize_answer

if TYPE_CHECKING:
    from collections.abc import Sequence

Match = Literal["exact", "number", "quantity"]

MOST_CHARACTERS: Final = 2_000
"""Of an answer that are judged."""
_MARKER: Final = re.compile(r"answer\s*:\s*", re.IGNORECASE)
_QUANTITY: Final = re.compile(
    r"\s*(?P<number>[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d{1,3})?)\s*(?P<unit>\D.*)?"
)
_UNITS: Final = {
    "meter": "m", "metre": "m", "kilometer": "km", "kilometre": "km", "mile": "mi", "newton": "n", "joule": "j",
    "watt": "w", "kilogram": "kg", "second": "s", "sec": "s", "minute": "min", "hour": "hr", "h": "hr",
    "meter per second": "m/s", "metre per second": "m/s", "m/s²": "m/s/s", "km/h": "km/hr",
    "meter per second squared": "m/s/s", "metre per second squared": "m/s/s",
    "kg·m/s": "kg*m/s", "kg⋅m/s": "kg*m/s", "kgm/s": "kg*m/s", "kg m/s": "kg*m/s",
}  # fmt: skip
"""Other ways to write the units of the physics set."""


def read_answer(reply: str) -> str:
    """Return what stands behind the last `Answer:` to the end of its line, or the whole reply where none stands."""
    *_, last = _MARKER.split(reply)
    found = last.strip() if last == reply else (last.strip().splitlines() or [""])[0]
    return found.strip(" *`\"'\t")[:MOST_CHARACTERS]


def matches(answer: str, golds: Sequence[str], *, match: Match) -> bool:
    """Tell whether an answer is right by the rule of its set."""
    if not answer:
        return False
    if match == "number":
        return any(_same_number(answer, gold) for gold in golds)
    if match == "quantity":
        return any(exact_match(answer, gold) or _same_quantity(answer, gold) for gold in golds)
    return bool(normalize_answer(answer)) and any(exact_match(answer, gold) for gold in golds)


def _same_number(answer: str, gold: str) -> bool:
    try:
        return only_number(answer) == only_number(gold)
    except CalculatorError:
        return False


def _same_quantity(answer: str, gold: str) -> bool:
    given, wanted = _quantity(answer), _quantity(gold)
    return given is not None and given == wanted


def _quantity(text: str) -> tuple[Fraction, str] | None:
    """Return number and unit of a text that is nothing else."""
    found = _QUANTITY.fullmatch(text.strip().rstrip(". "))
    if found is None or not any(sign.isdigit() for sign in found["number"]):
        return None
    return Fraction(found["number"].replace(",", "")), _unit(found["unit"] or "")


def _unit(text: str) -> str:
    """Return a unit in one of its ways to be written: in the singular, without spaces, short."""
    spaced = " ".join(text.casefold().replace("^2", "²").replace("s2", "s²").split())
    singular = re.sub(r"(?<=\w{2})s\b", "", spaced)
    return _UNITS.get(singular, singular.replace(" ", ""))

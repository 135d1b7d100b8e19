"""What a text says as its answer: numbers for GSM8K, code for HumanEval.

The original evaluation reads the last run of digits, so that "20,800" is 800 and "-5" is 5; that rule (`paper`) stands
beside one that reads numbers (`flexible`, the score) and one that wants the sentence of the shots (`strict`).
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

ANSWER_WORDS = "The answer is"
_NUMBER = re.compile(r"[-+]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\$?\.\d+")
_DIGITS = re.compile(r"\d+")
_SAID = re.compile(rf"{ANSWER_WORDS}:?\s*([-+]?\$?[\d.,]*\d)", re.IGNORECASE)
_LETTER = re.compile(r"(?<![A-Za-z0-9'])\(?([ABCD])\)?(?![A-Za-z0-9'])")
_FENCE = re.compile(r"```(?:[Pp]ython3?|py)?[ \t]*\n(.*?)(?:```|\Z)", re.DOTALL)


def same_number(said: str | None, gold: str) -> bool:
    """Compare two numbers by value; what is no number equals nothing."""
    if said is None:
        return False
    try:
        return Decimal(_bare(said)) == Decimal(_bare(gold))
    except InvalidOperation:
        return False


def _bare(text: str) -> str:
    return text.replace(",", "").replace("$", "").rstrip(".")


def flexible_number(text: str) -> str | None:
    """Return the last number: with its sign, its thousands and its decimals."""
    found = _NUMBER.findall(_without_ranges(text))
    return found[-1] if found else None


def _without_ranges(text: str) -> str:
    """A hyphen between two numbers is no sign."""
    return re.sub(r"(?<=\d)-(?=\d)", " ", text)


def strict_number(text: str) -> str | None:
    """Return the number of the last "The answer is ..."."""
    found = _SAID.findall(text)
    return found[-1] if found else None


def paper_number(text: str) -> str | None:
    """Return the last run of digits, as the original evaluation does."""
    found = _DIGITS.findall(text)
    return found[-1] if found else None


def letter_of(text: str) -> str | None:
    """Return the first letter of A to D that stands by itself."""
    found = _LETTER.search(text)
    return found[1] if found else None


def code_of(text: str) -> str:
    """Return the last fenced block of a chat answer; a text without one is code as a whole."""
    blocks = _FENCE.findall(text)
    return blocks[-1] if blocks else text

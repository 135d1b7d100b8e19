"""Arithmetic, read and worked out here: exact as long as it can be, and bounded, so that `9**9**9**9` is an answer too.

    1,200 * (3 + 4)        8400        integers and fractions are exact
    7 / 3                  2.33333333333
    50% * 80               40          a percent sign; before a number it is the remainder
    sqrt(2), sin(pi / 6)   functions   abs ceil cos exp floor ln log10 log max min round sin sqrt tan asin acos atan
    [It is 48 m deep.] / 2 24          a text in square brackets stands for its only number

Angles are in radians; `log` is the natural one. Signs of money are skipped. Nothing is ever evaluated as code.
"""

from __future__ import annotations

import math
import operator
import re
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias

from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Number: TypeAlias = Fraction | float

MOST_CHARACTERS: Final = 4_000
MOST_DEPTH: Final = 40
"""Brackets, powers and functions inside each other."""
MOST_BITS: Final = 1_000
"""Of the numerator and the denominator of an exact value; about 300 digits."""
DIGITS: Final = 12
"""Significant digits of a value that is no whole number."""
_NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+"
_TOKEN: Final = re.compile(
    rf"(?:{_NUMBER})(?:[eE][+-]?\d{{1,4}}(?!\w))?|[xX](?=[\s\d(.\[])|[A-Za-z]+(?:10)?|\*\*|//|[-+*/%^(),\[\]]"
)
_NUMBER_IN_TEXT: Final = re.compile(rf"(?<![\w.])-?(?:{_NUMBER})(?!\w)")
_SAME: Final = str.maketrans("\u00d7\u00b7\u22c5\u00f7\u2212\u2013{}$\u20ac\u00a3", "***/--()   ")
"""Signs of print for times, divided and minus; other brackets; money."""
_ONE: Final[Mapping[str, Callable[[float], float]]] = {
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "log10": math.log10,
}
_EXACT: Final[Mapping[str, Callable[[Number], Number]]] = {
    "abs": lambda value: value if value >= 0 else -value,
    "ceil": lambda value: Fraction(math.ceil(value)),
    "floor": lambda value: Fraction(math.floor(value)),
    "round": lambda value: Fraction(math.floor(value + Fraction(1, 2))),
}
_MANY: Final[Mapping[str, Callable[[list[Number]], Number]]] = {"max": max, "min": min}
_CONSTANTS: Final = {"pi": math.pi, "e": math.e}


class CalculatorError(WorldError):
    """What was given is no arithmetic, or has no value that can be written."""


def calculate(expression: str) -> str:
    """Return the value of an expression as text.

    Raises:
        CalculatorError: it is none, is too long or too deep, or its value is too large or does not exist.
    """
    return write(evaluate(expression))


def evaluate(expression: str) -> Number:
    """Return the value: a fraction where it is exact, else a float; raises as `calculate` does."""
    if len(expression) > MOST_CHARACTERS:
        raise CalculatorError(f"an expression has at most {MOST_CHARACTERS} characters")
    text = expression.translate(_SAME).strip().rstrip("=? ").rstrip()
    return _Reader(text, depth=0).value()


def write(value: Number) -> str:
    """Write a value: whole numbers in full, others with 12 significant digits."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    rounded = f"{float(value):.{DIGITS}g}"
    return "0" if rounded == "-0" else rounded


def only_number(text: str) -> Fraction:
    """Return the one number that a text names, however often.

    Raises:
        CalculatorError: it names none, or several.
    """
    found = {Fraction(number.replace(",", "")) for number in _NUMBER_IN_TEXT.findall(text)}
    if len(found) != 1:
        shown = text if len(text) <= 60 else f"{text[:60]}..."
        raise CalculatorError(f"{shown!r} names {len(found)} numbers, and one is needed")
    return found.pop()


class _Reader:
    """Recursive descent over the tokens; every level is checked against `MOST_DEPTH`."""

    def __init__(self, text: str, *, depth: int) -> None:
        self._text = text
        self._at = 0
        self._depth = depth

    def value(self) -> Number:
        result = self._sum()
        if self._peek():
            raise self._unexpected()
        return result

    def _peek(self) -> str:
        """Return the next token without taking it; empty at the end."""
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        found = _TOKEN.match(self._text, self._at)
        if found is None and self._at < len(self._text):
            raise self._unexpected()
        return found[0] if found else ""

    def _take(self, token: str) -> str:
        self._at += len(token)
        return token

    def _unexpected(self) -> CalculatorError:
        rest = self._text[self._at : self._at + 20]
        return CalculatorError(f"this is no arithmetic: {rest!r} was not expected" if rest else "a value is missing")

    def _descend(self) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise CalculatorError(f"the expression is nested deeper than {MOST_DEPTH} levels")

    def _sum(self) -> Number:
        self._descend()
        left = self._product()
        while (sign := self._peek()) in {"+", "-"}:
            self._take(sign)
            left = _combined(left, sign, self._product())
        self._depth -= 1
        return left

    def _product(self) -> Number:
        left = self._signed()
        while (sign := self._peek()) in {"*", "/", "//", "%", "x", "X", "of"}:
            self._take(sign)
            left = _combined(left, sign.lower(), self._signed())
        return left

    def _signed(self) -> Number:
        negative = False
        while (sign := self._peek()) in {"+", "-"}:
            negative ^= self._take(sign) == "-"
        value = self._power()
        return -value if negative else value

    def _power(self) -> Number:
        base = self._percent()
        if self._peek() not in {"^", "**"}:
            return base
        self._take(self._peek())
        self._descend()
        raised = _power(base, self._signed())
        self._depth -= 1
        return raised

    def _percent(self) -> Number:
        value = self._atom()
        while self._peek() == "%" and not self._operand_after_percent():
            self._take("%")
            value = _combined(value, "/", Fraction(100))
        return value

    def _operand_after_percent(self) -> bool:
        following = self._text[self._at + 1 : self._at + 40].lstrip()
        return following[:1] in {"(", "[", "."} or (
            following[:1].isalnum() and not following.startswith(("x", "X", "of"))
        )

    def _atom(self) -> Number:
        following = self._peek()
        if following == "(":
            self._take(following)
            value = self._sum()
            self._close(")")
            return value
        if following == "[":
            return self._bracketed()
        if following[:1].isdigit() or following[:1] == ".":
            return _bounded(Fraction(self._take(following).replace(",", "")))
        if following.isidentifier():
            return self._named(following)
        raise self._unexpected()

    def _close(self, sign: str) -> None:
        if self._peek() != sign:
            raise CalculatorError(f"a {sign!r} is missing")
        self._take(sign)

    def _named(self, word: str) -> Number:
        name = word.lower()
        if name in _CONSTANTS:
            self._take(word)
            return _CONSTANTS[name]
        if name not in {*_ONE, *_EXACT, *_MANY}:
            raise self._unexpected()
        self._take(word)
        self._close("(")
        values = [self._sum()]
        while self._peek() == ",":
            self._take(",")
            values.append(self._sum())
        self._close(")")
        return _called(name, values)

    def _bracketed(self) -> Number:
        """Read `[...]`: arithmetic, or a text that names one number."""
        end = _closing(self._text, self._at)
        inner = self._text[self._at + 1 : end]
        self._at = end + 1
        with suppress(CalculatorError):
            return _Reader(inner, depth=self._depth).value()
        return only_number(inner)


def _closing(text: str, start: int) -> int:
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] == "[") - (text[place] == "]")
        if depth == 0:
            return place
    raise CalculatorError("a ']' is missing")


_OPERATIONS: Final[Mapping[str, Callable[[Number, Number], Number]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "x": operator.mul,
    "of": operator.mul,
    "/": operator.truediv,
    "//": lambda left, right: Fraction(left // right),
    "%": operator.mod,
}


def _combined(left: Number, sign: str, right: Number) -> Number:
    try:
        return _bounded(_OPERATIONS[sign](left, right))
    except ZeroDivisionError as error:
        raise CalculatorError("division by zero") from error
    except OverflowError as error:
        raise CalculatorError("the value is too large") from error


def _power(base: Number, exponent: Number) -> Number:
    try:
        if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if bits > 1 and (bits - 1) * abs(exponent) > MOST_BITS:
                raise CalculatorError("the value is too large")
            return _bounded(base ** int(exponent))
        return _bounded(math.pow(float(base), float(exponent)))
    except ZeroDivisionError as error:
        raise CalculatorError("division by zero") from error
    except (OverflowError, ValueError) as error:
        raise CalculatorError("this power is too large or does not exist") from error


def _called(name: str, values: list[Number]) -> Number:
    if name in _MANY:
        return _MANY[name](values)
    if len(values) != 1:
        raise CalculatorError(f"{name} takes one value, not {len(values)}")
    try:
        return _EXACT[name](values[0]) if name in _EXACT else _bounded(_ONE[name](float(values[0])))
    except (OverflowError, ValueError) as error:
        raise CalculatorError(f"{name} has no value there") from error


def _bounded(value: Number) -> Number:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise CalculatorError("the value is too large")
        return value
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise CalculatorError("the value is too large or too fine")
    return value

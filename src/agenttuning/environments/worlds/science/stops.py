"""When the 2023 evaluation gave an episode up: too many failures in a row, or a loop.

Both tests have a quirk, kept as `paper`: the word `not` is found inside `another` and `nothing`, and five identical
turns are no loop while two alternating ones are. `fixed` mends them.
"""

from __future__ import annotations

import re
from typing import Final, Literal

NO_ACTION: Final = "No known action matches that input."
FailureTest = Literal["paper", "fixed"]
LoopTest = Literal["paper", "fixed"]

_FAILURES: Final = 10
_LOOP: Final = 5
_PARTS: Final = ("can't", "not", "doesn't")
_WORDS: Final = re.compile(r"\b(?:can't|not|doesn't)\b")


class Patience:
    """Counts what goes wrong in one episode."""

    def __init__(self, *, failure_test: FailureTest, loop_test: LoopTest) -> None:
        self._failure_test = failure_test
        self._loop_test = loop_test
        self._failures = 0
        self._turns: list[tuple[str, str]] = []

    def note(self, action: str, observation: str) -> None:
        """Take one turn in."""
        self._failures = self._failures + 1 if is_failure(observation, self._failure_test) else 0
        self._turns = [*self._turns, (action, observation)][-_LOOP:]

    @property
    def exhausted(self) -> bool:
        """Have ten observations in a row been failures."""
        return self._failures >= _FAILURES

    @property
    def looping(self) -> bool:
        """Are the last five turns made of two, or with `fixed` of at most two."""
        different = len(set(self._turns))
        return len(self._turns) == _LOOP and (different == 2 or (different == 1 and self._loop_test == "fixed"))


def is_failure(observation: str, test: FailureTest) -> bool:
    """Tell whether an observation says that something did not work."""
    if NO_ACTION in observation:
        return True
    if test == "paper":
        return any(part in observation for part in _PARTS)
    return _WORDS.search(observation) is not None

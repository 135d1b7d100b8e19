"""The mixture of the paper's objective: eta agent, 1 - eta general, as an exact plan instead of a lottery.

Draw i belongs to the first of two sides exactly when floor((i + 1) * share) > floor(i * share), so every
window of the plan holds the asked share to within one draw. Sources nest: agent against general, then
worlds inside agent. Inside a source every pass has an order of its own. All of it is a pure function of
(seed, shares, sizes): any draw is found in O(1), and resuming needs one integer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from agenttuning.core.records import digest
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROUNDS = 4


class Plan(Protocol):
    """Maps the number of a draw to the index of a row."""

    def __call__(self, draw: int, /) -> int:
        """Return the row of draw 0, 1, 2, ...; defined for ever."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One entry of the plan."""

    source: str
    row: int
    """Index inside the source."""
    epoch: int
    """How often the source had been used up before."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """An endless, exact interleaving of sources."""

    seed: int
    shares: Mapping[str, Fraction]
    """Share of each source, or of each group of sources; they sum to 1."""
    sizes: Mapping[str, int]
    """Rows in each source."""
    groups: Mapping[str, Mapping[str, Fraction]]
    """For a name in `shares` that is a group: the shares of its sources inside it."""

    def __post_init__(self) -> None:
        for level in (self.shares, *self.groups.values()):
            if sum(level.values()) != 1 or min(level.values()) < 0:
                raise RecipeError(f"the shares {_shown(level)} must be 0 or more and sum to 1")
        for name, share in self.flat().items():
            if share > 0 and self.sizes.get(name, 0) < 1:
                raise RecipeError(f"the source {name!r} has a share of {float(share):g} and no row; set its share to 0")

    def flat(self) -> dict[str, Fraction]:
        """Return the share of every source in the whole."""
        return {
            source: share * inner
            for name, share in self.shares.items()
            for source, inner in self.groups.get(name, {name: Fraction(1)}).items()
        }

    def draw(self, index: int) -> Draw:
        """Return draw `index` in O(1)."""
        name, ordinal = interleave(index, self.shares)
        if name in self.groups:
            name, ordinal = interleave(ordinal, self.groups[name])
        epoch, position = divmod(ordinal, self.sizes[name])
        key = f"{self.seed}/{name}/{epoch}"
        return Draw(name, shuffled(position, self.sizes[name], key=key), epoch)

    def epochs(self, draws: int) -> dict[str, Fraction]:
        """Return how often each source is gone through in expectation, packing ignored (the paper's arithmetic)."""
        return {name: draws * share / self.sizes[name] for name, share in self.flat().items() if share > 0}

    @property
    def digest(self) -> str:
        """Identity of the plan."""
        levels = [self.shares, *(self.groups[name] for name in sorted(self.groups))]
        return digest(f"mixture/1 {self.seed} {[_shown(level) for level in levels]} {sorted(self.sizes.items())}")


def interleave(index: int, shares: Mapping[str, Fraction]) -> tuple[str, int]:
    """Return which name owns draw `index` and how many draws it had before.

    Names are split off one after another: the first against all others, the second against the rest, ...
    """
    left = Fraction(1)
    for name, share in shares.items():
        if share == 0:
            continue
        part = share / left
        before = index * part.numerator // part.denominator
        if (index + 1) * part.numerator // part.denominator > before:
            return name, before
        index -= before
        left -= share
    raise AssertionError(f"shares {_shown(shares)} do not sum to 1")


def shuffled(position: int, size: int, *, key: str) -> int:
    """Return where `position` goes in the permutation of `range(size)` that `key` names; O(1), no memory.

    A Feistel network over the next even power of two, walked until the value falls inside (cycle walking).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    value = position
    while True:
        left, right = value >> half, value & mask
        for number in range(_ROUNDS):
            state = hashlib.blake2b(f"{key}/{number}/{right}".encode(), digest_size=8).digest()
            left, right = right, left ^ (int.from_bytes(state) & mask)
        value = left << half | right
        if value < size:
            return value


def reshuffled(size: int, *, seed: int) -> Plan:
    """Return a plan that goes through all rows again and again, each time in another order."""

    def row(draw: int) -> int:
        epoch, position = divmod(draw, size)
        return shuffled(position, size, key=f"{seed}/{epoch}")

    return row


def in_order(size: int) -> Plan:
    """Return a plan that goes through all rows in their order, and begins again at the end."""
    return lambda draw: draw % size


def example_share(token_share: Fraction, *, agent_length: Fraction, general_length: Fraction) -> Fraction:
    """Return the share of examples that gives agent data `token_share` of all tokens, from mean lengths in tokens."""
    agent = token_share * general_length
    return agent / (agent + (1 - token_share) * agent_length)


def _shown(shares: Mapping[str, Fraction]) -> str:
    return ", ".join(f"{name} {share}" for name, share in shares.items())

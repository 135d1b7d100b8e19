"""The allowance of a stage's calls: a hard limit in dollars, tokens or calls.

Every call reserves the most that it can cost before it is sent and settles afterwards, so that what is in flight is
counted too. Once a call does not fit, the budget is used up for good: no other call begins.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from agenttuning.core.records import Record, Usage
from agenttuning.core.run import OPERATIONAL
from agenttuning.errors import BudgetError

if TYPE_CHECKING:
    from agenttuning.policies.config import Price

_MILLION = 1_000_000


class BudgetConfig(Record):
    """What the teachers behind HTTP may cost in this stage of this run, all calls of `agenttuning` together."""

    dollars: Annotated[float | None, OPERATIONAL] = Field(default=None, gt=0)
    """By the price of each model; a model without a known price is refused then."""
    tokens: Annotated[int | None, OPERATIONAL] = Field(default=None, gt=0)
    """Read and written together."""
    calls: Annotated[int | None, OPERATIONAL] = Field(default=None, gt=0)
    """Answers, usable or not; what is answered from earlier calls is free."""
    then: Annotated[Literal["stop", "finish"], OPERATIONAL] = "stop"
    """When it is used up: `stop` leaves the stage open and ends with exit code 1, so that `--resume` with a larger
    budget goes on; `finish` closes the stage with the episodes that are there."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls, tokens and dollars: spent, or set aside."""

    calls: int = 0
    tokens: int = 0
    dollars: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        """Add all three."""
        return Spent(self.calls + other.calls, self.tokens + other.tokens, self.dollars + other.dollars)

    def __sub__(self, other: Spent) -> Spent:
        """Take all three away."""
        return Spent(self.calls - other.calls, self.tokens - other.tokens, self.dollars - other.dollars)


def bill(usage: Usage, price: Price | None) -> Spent:
    """Return what one answer costs; without a price its dollars count as none."""
    dollars = 0.0
    if price is not None:
        dollars = (usage.prompt_tokens * price.prompt + usage.completion_tokens * price.completion) / _MILLION
    return Spent(1, usage.total, dollars)


class Budget:
    """Counts against the limits; one for all episodes of a stage."""

    def __init__(self, config: BudgetConfig, *, spent: Spent = Spent()) -> None:
        self.config = config
        self.spent = spent
        self.used_up = False
        self.refusal = ""
        """What the server said when it refused all further calls; empty as long as it did not."""
        self._reserved = Spent()
        self._settled = asyncio.Event()

    async def reserve(self, most: Spent) -> None:
        """Set aside the most that a call can cost; where calls in flight may still leave enough, wait for them.

        Raises:
            BudgetError: it does not fit, or another call did not fit before.
        """
        while not self.used_up:
            if not self._exceeded(self.spent + self._reserved + most):
                self._reserved += most
                return
            if self._exceeded(self.spent + most):
                self.close()
                break
            self._settled.clear()
            await self._settled.wait()
        raise BudgetError(self.told())

    def settle(self, most: Spent, paid: Spent) -> None:
        """Replace what was set aside by what was paid; a call without an answer paid nothing."""
        self._reserved -= most
        if self._reserved.calls == 0:
            self._reserved = Spent()  # what rounding left of the dollars would be waited for forever
        self.spent += paid
        self._settled.set()

    def close(self, refusal: str = "") -> None:
        """Let no further call begin: the budget is used up, or the server takes no more from us."""
        self.used_up = True
        self.refusal = self.refusal or refusal
        self._settled.set()

    def told(self) -> str:
        """Say in words what the server refused, or how much of which limit is used."""
        if self.refusal:
            return self.refusal
        spent, limits = self.spent, self.config
        parts = [
            f"${spent.dollars:,.4f} of ${limits.dollars:,.4f}" if limits.dollars is not None else "",
            f"{spent.tokens:,} of {limits.tokens:,} tokens" if limits.tokens is not None else "",
            f"{spent.calls:,} of {limits.calls:,} calls" if limits.calls is not None else "",
        ]
        return f"the budget does not cover another call: {', '.join(filter(None, parts))} spent"

    def _exceeded(self, total: Spent) -> bool:
        limits = self.config
        return (
            (limits.dollars is not None and total.dollars > limits.dollars)
            or (limits.tokens is not None and total.tokens > limits.tokens)
            or (limits.calls is not None and total.calls > limits.calls)
        )

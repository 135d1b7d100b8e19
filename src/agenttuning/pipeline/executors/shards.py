"""What a shard plays, and its part of everything that the run may use in all.

Shards know nothing of each other while they play, so each takes the n-th part of what the whole run is allowed: of the
requests and tokens per minute of a server, and of the budget. What a shard leaves of its part, no other can use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from agenttuning.core.records import Record
from agenttuning.errors import RecipeError
from agenttuning.policies.config import ServerConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.core.shards import Shard
    from agenttuning.pipeline.construct import Entry
    from agenttuning.policies.budget import BudgetConfig

RecordT = TypeVar("RecordT", bound=Record)


def entries_of(shard: Shard | None, entries: Iterable[Entry]) -> list[Entry]:
    """Return the tasks of a shard; all samples of a task are in one."""
    if shard is None:
        return list(entries)
    return [entry for entry in entries if shard.holds(f"{entry.environment}/{entry.task['id']}")]


def rates_of(policy: RecordT, shard: Shard | None) -> RecordT:
    """Return a policy with the shard's part of its server's rates.

    Raises:
        RecipeError: a rate is too small to be divided.
    """
    if shard is None or not isinstance(policy, ServerConfig):
        return policy
    limits = {"requests_per_minute": policy.requests_per_minute, "tokens_per_minute": policy.tokens_per_minute}
    return policy.model_copy(update=_divided(limits, shard))


def share_of_budget(budget: BudgetConfig, shard: Shard | None) -> BudgetConfig:
    """Return the shard's part of a budget.

    Raises:
        RecipeError: it is too small to be divided.
    """
    if shard is None:
        return budget
    dollars = None if budget.dollars is None else budget.dollars / shard.of
    counted = _divided({"tokens": budget.tokens, "calls": budget.calls}, shard)
    return budget.model_copy(update={"dollars": dollars, **counted})


def _divided(limits: dict[str, int | None], shard: Shard) -> dict[str, int | None]:
    for name, limit in limits.items():
        if limit is not None and limit < shard.of:
            raise RecipeError(f"{name} = {limit} cannot be divided among {shard.of} shards; play fewer, or raise it")
    return {name: None if limit is None else limit // shard.of for name, limit in limits.items()}

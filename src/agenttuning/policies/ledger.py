"""What all calls of a stage share: the log with its paid answers, the budget, and one queue per model and server."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Self
from weakref import WeakValueDictionary

from agenttuning.core.records import Usage
from agenttuning.core.store import read_records
from agenttuning.policies.budget import Budget, BudgetConfig
from agenttuning.policies.call_log import Call, CallLog
from agenttuning.policies.limits import Limits

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from pydantic import JsonValue

    from agenttuning.policies.config import ServerConfig


class Ledger:
    """Opened once per stage, given to every policy of it; what earlier calls of the stage spent counts."""

    def __init__(self, path: Path, budget: BudgetConfig) -> None:
        self.log = CallLog(path)
        self.budget = Budget(budget, spent=self.log.spent)
        self._limits: dict[tuple[str, str | None, str], Limits] = {}
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def limits(self, config: ServerConfig, *, model: str) -> Limits:
        """Return the queue of a model at a server; policies that ask the same share it, and the first one's limits."""
        name = (config.base_url, config.api_key_env, model)
        if name not in self._limits:
            self._limits[name] = server_limits(config)
        return self._limits[name]

    def asking(self, key: str) -> asyncio.Lock:
        """Return the lock of a request: who asks the same at the same time waits for the one answer."""
        lock = self._asking.get(key)
        if lock is None:
            lock = self._asking[key] = asyncio.Lock()
        return lock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.log.close()


def server_limits(config: ServerConfig) -> Limits:
    """Return a queue with the limits of a configuration."""
    return Limits(
        in_flight=config.max_connections,
        requests_per_minute=config.requests_per_minute,
        tokens_per_minute=config.tokens_per_minute,
    )


def count_calls(path: Path) -> dict[str, JsonValue]:
    """Count, for each model of a call log, calls, answers, tokens, dollars, and what went wrong how often."""
    counts: dict[str, JsonValue] = {}
    if not path.exists():
        return counts
    calls: dict[str, list[Call]] = {}
    for call in read_records(path, Call):
        calls.setdefault(call.model, []).append(call)
    for model, made in sorted(calls.items()):
        usage = sum((call.usage for call in made), Usage())
        faults = Counter(met for call in made for met in call.attempts if met != "200")
        reasons = Counter(call.reason for call in made if call.reason)
        counts[model] = {
            "calls": len(made),
            "answered": sum(call.answered for call in made),
            "attempts": sum(len(call.attempts) for call in made),
            **usage.model_dump(),
            "dollars": round(sum(call.dollars or 0.0 for call in made), 6),
            "unpriced": sum(call.answered and call.dollars is None for call in made),
            "faults": dict(sorted(faults.items())),
            "without_reply": dict(sorted(reasons.items())),
        }
    return counts

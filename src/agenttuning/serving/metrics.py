"""Counts and durations for Prometheus, under the names that dashboards of Text Generation Inference read."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agenttuning.models.generation import GenerationRequest, Token

_SECONDS = tuple(0.001 * 2**power for power in range(20))
_TOKENS = tuple(float(2**power) for power in range(18))
_BOUNDS = {
    "tgi_request_duration": _SECONDS,
    "tgi_request_validation_duration": _SECONDS,
    "tgi_request_queue_duration": _SECONDS,
    "tgi_request_inference_duration": _SECONDS,
    "tgi_request_first_token_duration": _SECONDS,
    "tgi_request_mean_time_per_token_duration": _SECONDS,
    "tgi_request_input_length": _TOKENS,
    "tgi_request_generated_tokens": _TOKENS,
    "tgi_request_max_new_tokens": _TOKENS,
    "tgi_batch_next_size": _TOKENS,
}
"""Upper bounds of every histogram's buckets: seconds by doubling from 1 ms, tokens by doubling from 1."""

ARRIVED: ContextVar[float] = ContextVar("arrived")
"""When the request at work came to the gate, of `time.perf_counter`."""

_COUNTERS = ("tgi_request_count", "tgi_request_success", "tgi_request_failure")


@dataclass(slots=True)
class _Histogram:
    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str) -> Iterator[str]:
        below = 0
        for bound, count in zip((*map("{:g}".format, self.bounds), "+Inf"), self.counts, strict=True):
            below += count
            yield f'{name}_bucket{{le="{bound}"}} {below}'
        yield f"{name}_sum {self.total:g}"
        yield f"{name}_count {below}"


class Metrics:
    """Everything counted since the start; read and written by one event loop."""

    def __init__(self) -> None:
        self._counters: dict[str, Counter[str]] = {name: Counter() for name in _COUNTERS}
        self._histograms = {name: _Histogram(bounds) for name, bounds in _BOUNDS.items()}

    def count(self, name: str, *, err: str = "") -> None:
        """Count one more; `err` says why a request failed."""
        self._counters[name][err] += 1

    def observe(self, name: str, value: float) -> None:
        """Add one value to a histogram."""
        self._histograms[name].observe(value)

    def begun(self) -> float:
        """Record that the request at work is read and checked; return the time."""
        now = time.perf_counter()
        self.observe("tgi_request_validation_duration", now - ARRIVED.get(now))
        return now

    def answered(self, request: GenerationRequest, last: Token, *, began: float, first: float) -> None:
        """Record a whole answer; `began` and `first` (its first token) are of `time.perf_counter`."""
        seconds, count = time.perf_counter() - began, len(last.generation.token_ids) if last.generation else 1
        self.observe("tgi_request_inference_duration", seconds)
        self.observe("tgi_request_queue_duration", first - began)
        self.observe("tgi_request_first_token_duration", first - began)
        self.observe("tgi_request_mean_time_per_token_duration", seconds / count)
        self.observe("tgi_request_input_length", len(request.prompt_ids))
        self.observe("tgi_request_generated_tokens", count)
        self.observe("tgi_request_max_new_tokens", request.sampling.max_new_tokens)

    def text(self, gauges: Mapping[str, float], *, counters: Mapping[str, float]) -> str:
        """Return everything in Prometheus' text format, with gauges and counters that the engine has."""
        lines: list[str] = []
        for name, counter in self._counters.items():
            lines.append(f"# TYPE {name} counter")
            for err, count in sorted(counter.items()) or [("", 0)]:
                lines.append(f'{name}{{err="{err}"}} {count}' if err else f"{name} {count}")
        for name, histogram in self._histograms.items():
            lines += [f"# TYPE {name} histogram", *histogram.lines(name)]
        for kind, told in (("gauge", gauges), ("counter", counters)):
            for name, value in told.items():
                lines += [f"# TYPE {name} {kind}", f"{name} {value:.15g}"]
        return "\n".join(lines) + "\n"

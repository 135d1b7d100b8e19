"""The benchmark's measures of an answer set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet


def f1(given: AbstractSet[str], gold: AbstractSet[str]) -> float:
    """Return the harmonic mean of precision and recall; 0 for an empty answer."""
    common = len(given & gold)
    return 2 * common / (len(given) + len(gold)) if common else 0.0

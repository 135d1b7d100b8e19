"""Word lists as the other modules of the shop write them: one string."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """Split at white space."""
    return tuple(text.split())

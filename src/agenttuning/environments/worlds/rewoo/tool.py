"""What a tool is to a plan."""

from __future__ import annotations

from typing import Protocol


class Tool(Protocol):
    """Answers one input at a time, or many at once; knows nothing of plans."""

    @property
    def name(self) -> str:
        """What a call begins with."""

    @property
    def description(self) -> str:
        """What the planner is told: the input in brackets, then what comes back."""

    async def run(self, query: str) -> str:
        """Return what is found, as text; empty where nothing is.

        Raises:
            WorldError: the tool cannot answer; the text says why and becomes the evidence.
        """

    async def close(self) -> None:
        """Free what it holds; safe to call twice."""

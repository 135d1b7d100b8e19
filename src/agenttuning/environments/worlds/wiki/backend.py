"""What every encyclopaedia answers: the page of that name, or titles that are similar."""

from __future__ import annotations

from typing import Protocol

from agenttuning.core.records import Record

MOST_SIMILAR = 5
"""Titles offered where no page has the name that was searched."""


class Page(Record):
    """One article."""

    title: str
    paragraphs: tuple[str, ...]
    """Its text in order, cut into the pieces that Lookup walks: paragraphs, or sentences where the source has them."""
    lead: int = 1
    """How many of them open the page: what Search shows."""
    revision: int | None = None
    """The wiki's number of this version of the text; None where there is only one."""

    @property
    def summary(self) -> str:
        """What Search shows."""
        return " ".join(self.paragraphs[: self.lead])


class Similar(Record):
    """There is no page of that name."""

    titles: tuple[str, ...]
    """Pages that may have been meant, likeliest first; at most `MOST_SIMILAR`, and possibly none."""


class WikiBackend(Protocol):
    """An encyclopaedia, open for one episode."""

    @property
    def name(self) -> str:
        """The backend and its snapshot, as they stand in every number."""

    async def search(self, entity: str) -> Page | Similar:
        """Return the page of that name, or similar titles; any text may be asked for.

        Raises:
            WorldError: the encyclopaedia cannot be asked.
        """

    async def close(self) -> None:
        """Free what was opened; safe to call twice."""

"""An encyclopaedia in memory: a page by its exact title, by its title less the fine print, else the best by BM25.

Immutable: one corpus serves all episodes. The same pages give the same answers, on every machine.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.wiki.backend import MOST_SIMILAR, Page, Similar
from agenttuning.environments.worlds.wiki.explorer import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agenttuning.environments.worlds.wiki.ranking import TitleRanker

LONGEST_NAME: Final = 300
"""Characters of a searched name that count, well above the longest title (255 bytes) of Wikipedia."""
_IN_BRACKETS: Final = re.compile(r"\s*\([^()]*\)\s*$")


def plain_title(title: str) -> str:
    """Return a title in small letters, with single spaces, less a final `(...)`."""
    folded = " ".join(title.replace("_", " ").split()).casefold()
    return _IN_BRACKETS.sub("", folded) or folded


class CorpusWiki:
    """Pages by title; implements `WikiBackend`. Of several pages with one title the first counts."""

    def __init__(self, pages: Iterable[Page], *, name: str, index: Callable[[Sequence[str]], TitleRanker]) -> None:
        """Index the pages.

        Args:
            pages: all there are.
            name: what stands in every number.
            index: makes the ranking of texts (title and paragraphs of each page), such as `SmallIndex`.
        """
        by_title: dict[str, Page] = {}
        for page in pages:
            by_title.setdefault(page.title, page)
        self.pages = by_title
        self._name = name
        self._titles = list(by_title)
        self._folded: dict[str, list[str]] = {}
        self._plain: dict[str, list[str]] = {}
        for title in self._titles:
            self._folded.setdefault(" ".join(title.split()).casefold(), []).append(title)
            self._plain.setdefault(plain_title(title), []).append(title)
        self._ranker = index([" ".join((page.title, *page.paragraphs)) for page in by_title.values()])

    @property
    def name(self) -> str:
        """The corpus."""
        return self._name

    def find(self, entity: str) -> Page | Similar:
        """Return the page of that name, or titles: those that differ in brackets only, else the best by BM25."""
        if entity in self.pages:
            return self.pages[entity]
        wanted = clean(entity[:LONGEST_NAME]).strip()
        folded = self._folded.get(" ".join(wanted.split()).casefold(), [])
        meant = folded if len(folded) == 1 else self._plain.get(plain_title(wanted), [])
        if len(meant) == 1:
            return self.pages[meant[0]]
        if meant:
            return Similar(titles=tuple(meant[:MOST_SIMILAR]))
        return Similar(titles=tuple(self._titles[number] for number, _ in self._ranker.search(wanted, MOST_SIMILAR)))

    async def search(self, entity: str) -> Page | Similar:
        """Return `find`."""
        return self.find(entity)

    async def close(self) -> None:
        """Nothing is open."""

"""The tools that need no key: an encyclopaedia, a calculator, a search over one text, a language model."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.rewoo.calculator import calculate
from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.errors import DataError, WorldError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.environments.worlds.chat_model import ChatModel
    from agenttuning.environments.worlds.search.bm25 import Bm25Index
    from agenttuning.environments.worlds.wiki.backend import WikiBackend

PASSAGE: Final = 1_000
"""Characters of a passage of a searched text, at most, unless one paragraph is longer."""
LLM_SYSTEM: Final = "You answer one small question inside a larger plan. Reply with the answer alone, in a few words."
_WORD: Final = re.compile(r"\w+")


class WikipediaTool:
    """`Wikipedia[title]` opens a page; `Wikipedia[title | words]` gives its passage with most of the words.

    A text that is no title stands for a page that is similar to it: of those that it mentions the one mentioned last,
    as a sentence tells its news at its end; else the most similar.
    """

    name = "Wikipedia"
    description = (
        "Wikipedia[title] gives the beginning of a page; Wikipedia[title | words] gives its passage on these words. "
        "A text that mentions the title will do as well."
    )

    def __init__(self, wiki: WikiBackend) -> None:
        self._wiki = wiki

    async def run(self, query: str) -> str:
        """Return the opening of a page, or one of its passages; the title stands before it unless it is in it."""
        head, bar, tail = query.rpartition("|")
        asked = bool(bar) and "]" not in tail
        return tell(await self._page(_without_brackets(head if asked else query)), tail if asked else "")

    async def _page(self, text: str) -> Page:
        found = await self._wiki.search(text)
        if isinstance(found, Page):
            return found
        if not found.titles:
            raise WorldError(f"no page is called {text[:60]!r}, and none is similar")
        page = await self._wiki.search(meant(text, found.titles))
        if not isinstance(page, Page):
            raise WorldError(f"several pages are called {text[:60]!r}: {', '.join(page.titles)}")
        return page

    async def close(self) -> None:
        """Close the encyclopaedia."""
        await self._wiki.close()


class CalculatorTool:
    """`Calculator[expression]`: see `calculator`."""

    name = "Calculator"
    description = (
        "Calculator[expression] works out arithmetic such as (#E1 - 7) * 1.5; evidence in it stands for the one number "
        "that it names."
    )

    async def run(self, query: str) -> str:
        """Return the value."""
        return calculate(query)

    async def close(self) -> None:
        """Nothing is open."""


class TextSearchTool:
    """The passage of one text that fits some words best, by BM25."""

    def __init__(self, path: Path, *, name: str, about: str) -> None:
        """Index the text, once per process.

        Raises:
            DataError: the file cannot be read.
            MissingExtraError: the extra `search` is not installed.
        """
        self.name = name
        self.description = f"{name}[words] gives the passage of {about} that fits the words best."
        self._passages, self._index = _indexed(path)

    async def run(self, query: str) -> str:
        """Return the passage; empty where none shares a word with the query."""
        found = self._index.search(query, 1)
        return self._passages[found[0][0]] if found else ""

    async def close(self) -> None:
        """Nothing is open."""


class LanguageModelTool:
    """`LLM[question]`: a model that is not the one that plays."""

    name = "LLM"
    description = (
        "LLM[question] asks a language model, which knows much and can read: "
        "LLM[Who wrote the book, given #E1?] answers from evidence."
    )

    def __init__(self, model: ChatModel) -> None:
        self._model = model

    async def run(self, query: str) -> str:
        """Return the model's answer."""
        return await self._model.ask(query, system=LLM_SYSTEM)

    async def close(self) -> None:
        """Close the connections."""
        await self._model.close()


def passages(text: str) -> list[str]:
    """Cut a text into passages of whole paragraphs."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    found: list[str] = []
    for paragraph in paragraphs:
        if found and len(found[-1]) + 1 + len(paragraph) <= PASSAGE:
            found[-1] += f" {paragraph}"
        else:
            found.append(paragraph)
    return found


@lru_cache(maxsize=4)
def _indexed(path: Path) -> tuple[list[str], Bm25Index]:
    from agenttuning.environments.worlds.search.analyzer import analyze  # first, as it names the extra that is missing
    from agenttuning.environments.worlds.search.bm25 import Bm25Index

    try:
        found = passages(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the text to search, {path}: {error}") from error
    return found, Bm25Index.build(found, analyzer=analyze)


def _without_brackets(text: str) -> str:
    return " ".join(text.replace("[", " ").replace("]", " ").split())


def meant(text: str, titles: Sequence[str]) -> str:
    """Return the title that a text mentions last; the first where it mentions none."""
    folded = text.casefold()
    places = {title: folded.rfind(title.casefold()) for title in titles}
    last = max(titles, key=lambda title: places[title])
    return last if places[last] >= 0 else titles[0]


def tell(page: Page, words: str) -> str:
    """Return the first of a page's passages that share most words with the query, the whole page where none does.

    Without words it is the opening of the page. The title stands before it unless it is in it.
    """
    wanted = set(_WORD.findall(words.casefold()))
    shared = [len(wanted.intersection(_WORD.findall(text.casefold()))) for text in page.paragraphs]
    best = max(shared, default=0)
    whole = " ".join(page.paragraphs) if wanted else page.summary
    text = page.paragraphs[shared.index(best)] if best else whole
    return text if page.title in text else f"{page.title}: {text}"

"""Who can answer: a reader who knows the supporting sentences, and one who comes upon their pages by searching."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.wiki.backend import Similar
from agenttuning.environments.worlds.wiki.corpus import plain_title
from agenttuning.environments.worlds.wiki.explorer import MAX_OBSERVATION, holding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.environments.worlds.wiki.backend import Page
    from agenttuning.environments.worlds.wiki.explorer import Explorer
    from agenttuning.environments.worlds.wiki.questions import Support

_SEARCH: Final = ("I need {aim}, so I search {title}.", "To learn {aim}, I open {title}.", "{title} should tell {aim}.")
_SIMILAR: Final = (
    "There is no page {asked}, but {title} must be the one.",
    "{title} is on the list and fits, so I open it.",
    "The page is called {title}.",
)
_LOOKUP: Final = (
    "The opening does not tell {aim}; I look for '{word}'.",
    "{aim} must stand further down; I look up '{word}'.",
    "Nothing on it yet, so I look up '{word}'.",
)
_READ: Final = ("{aim} is {value}. ", "I read that {aim} is {value}. ", "Now I know {aim}: {value}. ")
_WORD: Final = re.compile(r"\w{4,}")
_NAME: Final = re.compile(
    r"\"[^\"]+\"|\b[A-Z0-9][\w'&.-]*(?:\s+(?:(?:of|the|and|in|de|at|for|on|a)\s+)*[A-Z0-9][\w'&.-]*)*"
)


class Move(NamedTuple):
    """A thought and the action that it leads to."""

    thought: str
    action: str


def gold_moves(
    supports: Sequence[Support], *, answer: str, conclusion: str, explorer: Explorer, seed: str | None
) -> Iterator[Move]:
    """Open the page of every support, look up what its opening does not show, and answer.

    Args:
        supports: the sentences in the order of reading.
        answer: the gold answer.
        conclusion: the last step of the argument.
        explorer: the episode's own.
        seed: draws the wordings; None keeps to the shortest.
    """
    draw, learnt, opened = random.Random(seed), "", ""
    for support in supports:
        aim, again = support.aim or "what the question asks for", support.title == opened
        if not again:
            opened = support.title
            named = support.asked or support.title
            yield Move(learnt + _worded(_SEARCH, draw, seed, aim=aim, title=named), f"Search[{named}]")
            if support.asked:
                found = _worded(_SIMILAR, draw, seed, asked=named, title=support.title)
                yield Move(found, f"Search[{support.title}]")
        page, learnt = explorer.found, ""
        assert page is not None
        if isinstance(page, Similar) or support.paragraph >= len(page.paragraphs):
            continue
        hidden = support.paragraph >= page.lead
        if hidden or (not support.aim and not again):
            word = support.keyword or _rare_word(page, support.paragraph)
            for _ in range(holding(page, word).index(support.paragraph) + 1 if word else 0):
                yield Move(_worded(_LOOKUP, draw, seed, aim=aim, word=word), f"Lookup[{word}]")
        if support.value:
            learnt = _worded(_READ, draw, seed, aim=aim, value=support.value)
    yield Move(learnt + conclusion, f"Finish[{answer}]")


def _worded(wordings: Sequence[str], draw: random.Random, seed: str | None, **words: str) -> str:
    told = (wordings[0] if seed is None else draw.choice(wordings)).format(**words)
    return told[0].upper() + told[1:]


def _rare_word(page: Page, place: int) -> str:
    """Return the word of a paragraph that fewest paragraphs of its page hold; the longest of them."""
    text = page.paragraphs[place].lower()
    words: set[str] = set(_WORD.findall(text))
    return min(sorted(words) or [text.strip()], key=lambda word: (len(holding(page, word)), -len(word)))


def searching_moves(
    question: str, *, titles: Sequence[str], answer: str, explorer: Explorer, steps: int
) -> Iterator[Move]:
    """Search with nothing but what was shown, and answer only where every supporting page was opened.

    A title is searched once it stands in the question, on a page or among similar titles; until then the question
    itself, its names and the names on the pages are searched, in the order in which they were seen. The reader is
    perfect in one respect: of all the titles shown they know the right one.

    Args:
        question: its text.
        titles: of the supporting pages.
        answer: the gold answer.
        explorer: the episode's own.
        steps: replies that the protocol grants, the answer's among them.
    """
    missing, seen = list(titles), [question]
    names = [question, *_names(question)]
    tried: set[str] = set()
    for _ in range(steps - 1):
        shown = " ".join(" ".join(seen).casefold().split())
        visible = (name for title in missing for name in (title, plain_title(title)) if _stands_in(name, shown))
        query = next((name for name in (*visible, *names) if name not in tried), None)
        if query is None:
            break
        tried.add(query)
        yield Move("I search for what I have seen.", f"Search[{query}]")
        if isinstance(explorer.found, Similar):
            seen += explorer.found.titles
        elif explorer.found is not None:
            page = explorer.found
            missing = [title for title in missing if title != page.title]
            seen += [page.title, page.summary[:MAX_OBSERVATION]]
            names += _names(seen[-1])
        if not missing:
            break
    yield Move("That is all I found.", f"Finish[{'noanswer' if missing else answer}]")


def _names(text: str) -> list[str]:
    """Return the names in a text, longest first."""
    found = dict.fromkeys(name.strip('"') for name in _NAME.findall(text))
    return sorted((name for name in found if len(name) > 2), key=len, reverse=True)


def _stands_in(name: str, shown: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", shown) is not None

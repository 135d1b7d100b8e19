"""Search and Lookup as ReAct has them, and the action line that calls them (arXiv 2210.03629; langchain's docstore).

Observations are the protocol's: the opening of the page or a list of similar titles; the next paragraph that holds a
keyword, with its number; a refusal. A new page starts every Lookup anew, also of the same keyword.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.wiki.backend import Page, Similar

if TYPE_CHECKING:
    from agenttuning.environments.worlds.wiki.backend import WikiBackend

MAX_OBSERVATION: Final = 4_000
"""Characters of an observation; longer ones are cut."""
INVALID: Final = "Invalid Action. Valid Actions are Lookup[<topic>] Search[<topic>] and Finish[<answer>]."
NO_PAGE: Final = (
    "The last page Searched was not found, so you cannot Lookup a keyword in it. "
    "Please try one of the similar pages given."
)
_LONGEST_ECHO: Final = 300
_UNSHOWN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_EXACT: Final = re.compile(r"^(\w+)\[(.+)\]$")
_LINE: Final = re.compile(r"^[ \t]*Action(?: \d+)?:[ \t]*(.*)$", re.MULTILINE)
_LENIENT: Final = re.compile(r"^(\w+)\[(.+)\]")


class Action(NamedTuple):
    """One action as read."""

    name: str
    argument: str
    exact: bool
    """Was it written as asked."""

    @property
    def known(self) -> bool:
        """Is there such an action; names are case-sensitive."""
        return bool(self.argument) and self.name in ("Search", "Lookup", "Finish")

    @property
    def well_formed(self) -> bool:
        """Needs it no repair."""
        return self.known and self.exact

    def __str__(self) -> str:
        shown = f"{self.name}[{self.argument}]" if self.argument else self.name
        return clean(shown)[:_LONGEST_ECHO]


def read_action(line: str) -> Action:
    """Read `Name[argument]`; spaces and dots around it, and what follows the last bracket, are forgiven."""
    if found := _EXACT.match(line):
        return Action(found[1], found[2], exact=True)
    bare = line.strip(" ").strip(".")
    if found := _LENIENT.match(bare):
        return Action(found[1], found[2], exact=False)
    return Action(bare, "", exact=False)


def read_reply(reply: str) -> Action:
    """Read the first action line of a chat turn; without one, its last line may be an action."""
    if found := _LINE.search(reply):
        return read_action(found[1].rstrip())
    return read_action(reply.strip().rpartition("\n")[2])._replace(exact=False)


def clean(text: str) -> str:
    """Return a text on one line, without control characters and lone surrogates."""
    return _UNSHOWN.sub(" ", text)


class Explorer:
    """What one reader has open."""

    def __init__(self) -> None:
        self.found: Page | Similar | None = None
        """What the last search gave."""
        self._keyword = ""
        self._place = 0

    async def search(self, entity: str, wiki: WikiBackend) -> str:
        """Look for a page, open it, and return what is seen."""
        return self.open(entity, await wiki.search(entity))

    def open(self, entity: str, found: Page | Similar) -> str:
        """Take what a search found, and return what is seen."""
        self.found, self._keyword, self._place = found, "", 0
        if isinstance(found, Page):
            return _shown(found.summary)
        return _shown(f"Could not find [{clean(entity[:_LONGEST_ECHO])}]. Similar: {list(found.titles)}")

    def lookup(self, keyword: str) -> str:
        """Return the next paragraph of the open page that holds the keyword, in whatever case."""
        if not isinstance(self.found, Page):
            return NO_PAGE
        wanted = keyword.lower()
        self._place = self._place + 1 if wanted == self._keyword else 0
        self._keyword = wanted
        places = holding(self.found, wanted)
        if not places:
            return "No Results"
        if self._place >= len(places):
            return "No More Results"
        return _shown(f"(Result {self._place + 1}/{len(places)}) {self.found.paragraphs[places[self._place]]}")


def holding(page: Page, keyword: str) -> list[int]:
    """Return the places of the paragraphs that hold a keyword in lower case."""
    return [place for place, text in enumerate(page.paragraphs) if keyword in text.lower()]


def _shown(text: str) -> str:
    return clean(text[:MAX_OBSERVATION].replace("\n", ""))

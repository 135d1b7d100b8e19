"""What a script sees: the instruction and the HTML as the agent last saw it, and moves made from them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from agenttuning.errors import MissingExtraError, WorldError

try:
    from lxml import html
except ModuleNotFoundError as error:
    raise MissingExtraError("scripts read pages with lxml; run `pip install 'agenttuning[miniwob]'`") from error

if TYPE_CHECKING:
    from lxml.html import HtmlElement

Move = tuple[str, str]
"""Thought and action."""


class Look:
    """The agent's view, always the latest."""

    def __init__(self, page: Callable[[], str], utterance: Callable[[], str]) -> None:
        self._page = page
        self._utterance = utterance

    @property
    def utterance(self) -> str:
        """What the page asks for."""
        return self._utterance()

    def find(self, xpath: str) -> list[HtmlElement]:
        """Return the matches on the page as it stands."""
        found = html.document_fromstring(f"<html><body>{self._page()}</body></html>").xpath(xpath)
        assert isinstance(found, list), xpath
        return [each for each in found if isinstance(each, html.HtmlElement)]

    def one(self, xpath: str) -> HtmlElement:
        """Return the first match.

        Raises:
            WorldError: there is none; the script does not fit the page.
        """
        found = self.find(xpath)
        if not found:
            raise WorldError(f"the script looked for {xpath} in vain")
        return found[0]

    def read(self, pattern: str) -> tuple[str, ...]:
        """Return the groups of a pattern in the instruction.

        Raises:
            WorldError: the instruction is of another form.
        """
        found = re.search(pattern, self.utterance)
        if found is None:
            raise WorldError(f"the script cannot read the instruction {self.utterance!r}")
        return found.groups()


Solver = Callable[[Look], Iterator[Move]]


def literal(text: str) -> str:
    """Return a text as an xpath literal."""
    if "'" not in text:
        return f"'{text}'"
    return f'"{text}"' if '"' not in text else "concat('" + "', \"'\", '".join(text.split("'")) + "')"


def place(element: HtmlElement) -> str:
    """Return an xpath that leads to an element: by its id, or down from the nearest ancestor with one."""
    identity = element.get("id")
    if identity:
        return f"//*[@id={literal(identity)}]"
    parent = element.getparent()
    if parent is None or parent.tag == "body":
        return f"//{element.tag}"
    return f"{place(parent)}/*[{parent.index(element) + 1}]"


def click(xpath: str, thought: str) -> Move:
    """Click what an xpath matches."""
    return thought, f"clickxpath {xpath}"


def submit(thought: str = "all that was asked for is done, so I submit.") -> Move:
    """Press the button that ends a form."""
    return click("//button[text()='Submit' or text()='Login']", thought)

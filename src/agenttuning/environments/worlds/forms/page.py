"""A page model in place of a browser: elements of a parsed tree, with the little behaviour that forms have.

Text goes to the focused field, labels pass a click on, a tab shows its panel and hides the others, a list takes an
option, a box toggles; a button is remembered, for whoever judges the page. As in a browser, what a user enters is a
property of the element and does not show in the HTML. Unlike there, a list holds nothing until an option is chosen and
takes no keys, and a click on a container hits the container, not what is drawn at its centre.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.errors import MissingExtraError

try:
    from lxml import etree, html
except ModuleNotFoundError as error:
    raise MissingExtraError("web forms need lxml; run `pip install 'agenttuning[web]'`") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml.html import HtmlElement

_HIDDEN: Final = "display: none;"


class XpathError(ValueError):
    """An expression that selects no elements, or is none."""


class FormPage:
    """One page and what the user has done on it."""

    def __init__(self, area: str) -> None:
        self._document = html.document_fromstring(f"<html><body>{area}</body></html>")
        self._focus: HtmlElement | None = None
        self._texts: dict[HtmlElement, str] = {}
        self._ticked: set[HtmlElement] = set()
        self.pressed: str | None = None
        """Text of the last button pressed."""

    def html(self) -> str:
        """Return the outer HTML of the task area."""
        shown: str = html.tostring(self.find("/html/body/*")[0], encoding="unicode")
        return shown

    def find(self, xpath: str) -> list[HtmlElement]:
        """Return the matching elements in document order.

        Raises:
            XpathError: the expression is malformed, or selects something else than elements.
        """
        try:
            found = self._document.xpath(xpath, smart_strings=False)
        except (etree.XPathError, ValueError) as error:
            raise XpathError(str(error)) from error
        if not isinstance(found, list) or not all(isinstance(each, html.HtmlElement) for each in found):
            raise XpathError("it selects no elements")
        return [each for each in found if isinstance(each, html.HtmlElement)]

    def click(self, matches: Sequence[HtmlElement]) -> bool:
        """Click the first visible match; False where none is."""
        target = next(filter(self._visible, matches), None)
        if target is None:
            return False
        if target.tag == "option":
            return self.choose([target])
        self._activate(target)
        return True

    def _activate(self, target: HtmlElement) -> None:
        label = next((each for each in (target, *target.iterancestors()) if each.tag == "label"), None)
        if label is not None and target.tag != "input":
            target = next(iter(label.iter("input")), target)
        kind = target.get("type", "text")
        self._focus = target if target.tag == "input" else None
        if target.tag == "input" and kind == "checkbox":
            self._ticked ^= {target}
        elif target.tag == "button":
            self.pressed = target.text_content()
        elif target.tag == "a" and target.get("href", "").startswith("#"):
            self._show(target.get("href", "")[1:])

    def _show(self, panel: str) -> None:
        chosen = next((each for each in self.find("//div[@id]") if each.get("id") == panel), None)
        if chosen is None:
            return
        for sibling in (*chosen.itersiblings(), *chosen.itersiblings(preceding=True)):
            sibling.set("style", _HIDDEN)
        chosen.attrib.pop("style", None)

    def choose(self, matches: Sequence[HtmlElement]) -> bool:
        """Select the first visible match that is an option of a list; False where none is."""
        for option in filter(self._visible, matches):
            parent = option.getparent()
            if option.tag == "option" and parent is not None:
                self._texts[parent] = option.text_content()
                return True
        return False

    def hover(self, matches: Sequence[HtmlElement]) -> bool:
        """Move the mouse over the first visible match; False where none is. No form reacts."""
        return any(map(self._visible, matches))

    def type(self, text: str) -> None:
        """Send characters to the focused field, if there is one; a box knows the space, and nothing the enter key."""
        if self._focus is None:
            return
        if self._focus.get("type") == "checkbox":
            self._ticked ^= {self._focus} if text.count(" ") % 2 else set()
        else:
            self._texts[self._focus] = self._texts.get(self._focus, "") + text.replace("\n", "")

    def press(self, key: str) -> None:
        """Send one named key; the cursor of a field always stands at its end."""
        if key == "backspace" and self._focus is not None:
            self._texts[self._focus] = self._texts.get(self._focus, "")[:-1]

    def texts(self) -> dict[str, str]:
        """Return id and content of each field and list that is not empty."""
        return {element.get("id", ""): text for element, text in self._texts.items() if text}

    def ticked(self) -> set[str]:
        """Return the ids of the ticked boxes."""
        return {element.get("id", "") for element in self._ticked}

    def _visible(self, element: HtmlElement) -> bool:
        return all(each.get("style") != _HIDDEN for each in (element, *element.iterancestors()))

"""One tab: its tree with numbers that stay while the page stays, real mouse and keys, and the knowledge when it rests.

A page rests when no navigation is under way that the last action began and, where it has scripts, when it has asked for
nothing for a moment. The browser reports a navigation before it answers what is asked after the action, so that nothing
has to be slept for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from agenttuning.environments.worlds.browser.owner import BrowserError
from agenttuning.environments.worlds.webarena.loading import Loading
from agenttuning.environments.worlds.webarena.tree import AxNode, Sight, elements_in_sight

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

    from agenttuning.environments.worlds.webarena.tree import Box, Element

WINDOW: Final = (1280, 720)
"""Width and height of the protocol, in pixels."""
MAX_ELEMENTS: Final = 30_000
MAX_CHARACTERS: Final = 2_000_000
"""Of a page's text; beyond either, a page is not read: its tree would take the browser minutes and gigabytes."""
_TRIES: Final = 5
_NODES: Final = TypeAdapter(list[AxNode])
_MEASURE: Final = """[
    document.getElementsByTagName('*').length,
    document.documentElement ? document.documentElement.textContent.length : 0,
    document.scripts.length > 0 || document.evaluate(
        "boolean(//@*[starts-with(name(), 'on')])", document, null, XPathResult.BOOLEAN_TYPE, null).booleanValue,
    document.title,
    document.readyState,
]"""
_POINT: Final = """function(choosing) {
    const element = this.nodeType === Node.ELEMENT_NODE ? this : this.parentElement;
    if (!element || !element.isConnected) return 'it is no longer on the page';
    const list = element.closest('select');
    const option = element.closest('option');
    if (choosing && list && option && list.size < 2) {
        if (option.disabled || list.disabled) return 'it is disabled';
        option.selected = list.multiple ? !option.selected : true;
        for (const name of ['input', 'change']) list.dispatchEvent(new Event(name, {bubbles: true}));
        return null;
    }
    const boxes = () => {
        if (this.nodeType !== Node.TEXT_NODE) return [...element.getClientRects()];
        const range = document.createRange();
        range.selectNode(this);
        return [...range.getClientRects()];
    };
    const middle = () => {
        const box = boxes().find(each => each.width > 0 && each.height > 0);
        return box && [box.left + box.width / 2, box.top + box.height / 2];
    };
    let point = middle();
    if (!point) return 'it is not drawn';
    const inside = ([x, y]) => x >= 0 && y >= 0 && x < innerWidth && y < innerHeight;
    if (!inside(point)) {
        element.scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'});
        point = middle();
    }
    if (element === list) { element.focus(); return null; }
    return point;
}"""
"""Returns the point to hit; null where it is done, since lists and their options are native windows; else a problem."""
_CHOOSE: Final = """function(wanted) {
    const list = this.nodeType === Node.ELEMENT_NODE && this.closest('select');
    if (!list) return null;
    const plain = text => text.trim().toLowerCase();
    const option = [...list.options].find(each => plain(each.label) === plain(wanted) && !each.disabled);
    if (!option) return 'the list has no such option';
    option.selected = true;
    for (const name of ['input', 'change']) list.dispatchEvent(new Event(name, {bubbles: true}));
    return '';
}"""
"""Returns null where this is no list, an empty text where the option is chosen, else a problem."""
_SELECT_ALL: Final = """(() => {
    const focused = document.activeElement;
    if (focused && typeof focused.select === 'function') focused.select();
    else if (focused && focused.isContentEditable) getSelection().selectAllChildren(focused);
})()"""


class Tab:
    """A page of the episode; everything here runs where the browser lives."""

    def __init__(self, page: Page, devtools: CDPSession) -> None:
        self.page = page
        self.title = ""
        self.documents = 0
        """Documents that it has shown so far: numbers of elements are good for one of them."""
        self._devtools = devtools
        self._numbers: dict[int, int] = {}
        self._loading = Loading(self._another_document)

    @classmethod
    async def open(cls, page: Page) -> Tab:
        """Take a page of the context over."""
        tab = cls(page, await page.context.new_cdp_session(page))
        await tab._loading.follow(page, tab._devtools)
        return tab

    def _another_document(self) -> None:
        self.documents += 1
        self._numbers.clear()

    @property
    def windows_opened(self) -> int:
        """Windows that its page has opened."""
        return self._loading.windows_opened

    async def settle(self, *, seconds: float) -> bool:
        """Wait until the page rests; where that takes too long, stop its loading. Tell whether it came to rest.

        Raises:
            BrowserError: the page is gone.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._rest()
        except TimeoutError:
            await self._devtools.send("Page.stopLoading")
            self._loading.give_up()
            return False
        return True

    async def _rest(self) -> None:
        while True:
            *_, scripted, _, ready = await self._measure()
            if self._loading.moving:
                await self._loading.change()
            elif ready != "complete":
                await asyncio.sleep(0.02)
            elif not scripted or await self._loading.quiet():
                return

    async def _measure(self) -> tuple[int, int, bool, str, str]:
        """Return the page's elements and characters, whether it has scripts, its title and state of loading."""
        for _ in range(_TRIES):
            try:
                answer = await self._devtools.send("Runtime.evaluate", {"expression": _MEASURE, "returnByValue": True})
            except BrowserError:
                if self.page.is_closed():
                    raise
                await asyncio.sleep(0.02)  # the document is being replaced
                continue
            if "value" in answer["result"]:
                elements, characters, scripted, title, ready = answer["result"]["value"]
                return elements, characters, scripted, title, ready
        return 0, 0, False, "", "loading"

    async def look(self, *, tabs: str, url: str) -> Sight:
        """Return what the tab shows now.

        Raises:
            BrowserError: the page is gone.
        """
        elements, characters, *_ = await self._measure()
        if elements > MAX_ELEMENTS or characters > MAX_CHARACTERS:
            note = f"This page is too large to be shown: {elements} elements, {characters} characters of text."
            return Sight(url, tabs, (), note)
        nodes, boxes = await self._read()
        found = elements_in_sight(nodes, boxes, window=WINDOW)
        return Sight(url, tabs, tuple((self._number(element), element) for element in found))

    async def refresh_title(self) -> None:
        """Note the page's title, for the line of tabs."""
        *_, title, _ = await self._measure()
        self.title = " ".join(title.split())[:200]

    def _number(self, element: Element) -> int:
        return self._numbers.setdefault(element.backend, len(self._numbers) + 1)

    async def _read(self) -> tuple[list[AxNode], dict[int, Box]]:
        """Return the accessibility tree, and where its nodes are drawn in the window."""
        tree = await self._devtools.send("Accessibility.getFullAXTree")
        layout = {"computedStyles": [], "includeDOMRects": False}
        document = (await self._devtools.send("DOMSnapshot.captureSnapshot", layout))["documents"][0]
        backends = document["nodes"]["backendNodeId"]
        right, down = document.get("scrollOffsetX", 0), document.get("scrollOffsetY", 0)
        boxes: dict[int, Box] = {
            backends[index]: (left - right, top - down, width, height)
            for index, (left, top, width, height) in zip(
                document["layout"]["nodeIndex"], document["layout"]["bounds"], strict=True
            )
        }
        return _NODES.validate_python(tree["nodes"]), boxes

    async def click(self, element: Element) -> str:
        """Click on an element, or choose an option; return a problem, or an empty string."""
        point = await self._point(element, choosing=True)
        if isinstance(point, tuple):
            await self.page.mouse.click(*point)
            return ""
        return point

    async def hover(self, element: Element) -> str:
        """Move the mouse to an element; return a problem, or an empty string."""
        point = await self._point(element, choosing=False)
        if isinstance(point, tuple):
            await self.page.mouse.move(*point)
            return ""
        return point

    async def type(self, element: Element, text: str, *, enter: bool) -> str:
        """Put a text in the place of a field's, or choose from a list; return a problem, or an empty string."""
        chosen = await self._call(element, _CHOOSE, text)
        if isinstance(chosen, str):
            return chosen
        problem = await self.click(element)
        if problem:
            return problem
        await self._devtools.send("Runtime.evaluate", {"expression": _SELECT_ALL})
        await self.page.keyboard.type(text)
        if enter:
            await self.page.keyboard.press("Enter")
        return ""

    async def scroll(self, *, down: bool) -> None:
        """Move the page by the height of the window."""
        pages = f"{'' if down else '-'}innerHeight"
        script = f"(document.scrollingElement || document.body).scrollBy({{top: {pages}, behavior: 'instant'}})"
        await self._devtools.send("Runtime.evaluate", {"expression": script})

    async def _point(self, element: Element, *, choosing: bool) -> tuple[float, float] | str:
        """Return where to hit an element; a problem; or an empty string where the work is done."""
        answer = await self._call(element, _POINT, choosing)
        if isinstance(answer, list):
            return float(answer[0]), float(answer[1])
        return answer or ""

    async def _call(self, element: Element, function: str, argument: str | bool) -> list[float] | str | None:  # noqa: FBT001  what the page's function takes
        """Call a function of ours in the page, on an element's node."""
        try:
            node = await self._devtools.send("DOM.resolveNode", {"backendNodeId": element.backend})
        except BrowserError:
            return "it is no longer on the page"
        called = {
            "objectId": node["object"]["objectId"],
            "functionDeclaration": function,
            "arguments": [{"value": argument}],
            "returnByValue": True,
        }
        answer = await self._devtools.send("Runtime.callFunctionOn", called)
        value: list[float] | str | None = answer["result"].get("value")
        return value

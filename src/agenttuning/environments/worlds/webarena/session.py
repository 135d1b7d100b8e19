"""The browser of one episode: tabs, actions on them, and everything a hostile page may do told instead of suffered.

Dialogs are dismissed, downloads cancelled, windows become tabs, addresses off the task's sites are blocked, a page that
does not answer is closed; each is a sentence that the next observation carries.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

import anyio.to_thread

from agenttuning.environments.worlds.browser.owner import BrowserError, shared_browser
from agenttuning.environments.worlds.webarena.keys import browser_keys
from agenttuning.environments.worlds.webarena.notices import MAX_TOLD, Notices
from agenttuning.environments.worlds.webarena.tab import WINDOW, Tab
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page, StorageState

    from agenttuning.environments.worlds.browser.owner import Browser
    from agenttuning.environments.worlds.webarena.actions import Action
    from agenttuning.environments.worlds.webarena.sites import SiteTable
    from agenttuning.environments.worlds.webarena.tree import Sight

MAX_TABS: Final = 10
_START_SECONDS: Final = 60.0
_RUN_SECONDS: Final = 20.0
_CLOSE_SECONDS: Final = 20.0
_WINDOW_SECONDS: Final = 3.0
_BLANK: Final = "about:blank"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What an episode opens the browser with."""

    sites: SiteTable
    proxy: str
    """Every connection goes through it; it refuses hosts that are not the task's."""
    start_urls: Sequence[str]
    storage_state: StorageState | Path | None = None
    """Cookies of a user who is logged in."""
    har: Path | None = None
    """File that all traffic is recorded to, written when the session closes."""
    load_seconds: float = 30.0
    """How long a page may take until the agent is shown what there is of it."""
    action_seconds: float = 20.0
    """How long everything else about one action may take until its page is closed."""


class Session:
    """A context of the shared browser."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._browser: Browser | None = None
        self._context: BrowserContext | None = None
        self._opening: asyncio.Future[None] | None = None
        self._tabs: list[Tab] = []
        self._current: Tab | None = None
        self._notices = Notices(visit.sites.hosts)

    async def open(self) -> None:
        """Open the first tabs; the first of them is in front.

        Raises:
            WorldError: the browser does not start, or broke.
            MissingExtraError: no Chromium is installed.
        """
        self._browser = await anyio.to_thread.run_sync(shared_browser)
        seconds = _START_SECONDS + self._patience * len(self._visit.start_urls)
        self._opening = asyncio.ensure_future(self._browser.run(self._open(self._browser), seconds=seconds))
        await asyncio.shield(self._opening)  # a context that is being made could not be found and closed

    async def _open(self, browser: Browser) -> None:
        visit = self._visit
        self._context = await browser.new_proxied_context(
            proxy=visit.proxy, window=WINDOW, storage_state=visit.storage_state, har=visit.har
        )
        self._notices.follow(self._context)
        for url in visit.start_urls:
            tab = await self._add(await self._context.new_page())
            await self._go(tab, url)
        self._current = self._tabs[0]
        await self._current.page.bring_to_front()

    async def _add(self, page: Page) -> Tab:
        self._notices.follow_page(page)
        tab = await Tab.open(page)
        self._tabs.append(tab)
        return tab

    @property
    def _opened(self) -> BrowserContext:
        assert self._context is not None, "open() comes first"
        return self._context

    @property
    def url(self) -> str:
        """Where the tab in front is."""
        return _BLANK if self._current is None else self._current.page.url

    @property
    def document(self) -> str:
        """Names the document in front: numbers of elements mean something within one."""
        if self._current is None or self._current not in self._tabs:
            return ""
        return f"{self._tabs.index(self._current)}/{self._current.documents}"

    def take_notices(self) -> str:
        """Return what happened since it was asked last, and forget it."""
        return self._notices.take()

    async def look(self) -> Sight:
        """Return what the tab in front shows."""
        sight = await self._guarded(self._look(), seconds=self._visit.action_seconds)
        return await self.run(self._look()) if sight is None else sight

    async def _look(self) -> Sight:
        tab = await self._front()
        await tab.refresh_title()
        marks = (
            f"Tab {place}{' (current)' if each is tab else ''}: {each.title}" for place, each in enumerate(self._tabs)
        )
        return await tab.look(tabs=" | ".join(marks), url=self._visit.sites.shown(tab.page.url))

    async def act(self, action: Action, sight: Sight) -> str:
        """Carry an action out; return why it could not be, or an empty string."""
        problem = await self._guarded(self._act(action, sight), seconds=self._patience)
        return f"This failed: {problem}." if problem else ""

    async def _act(self, action: Action, sight: Sight) -> str:
        tab = await self._front()
        opened = tab.windows_opened
        try:
            problem = await self._do(action, tab, sight)
        except BrowserError as error:
            problem = error.message.partition("\n")[0][:MAX_TOLD]
        await self._adopt(expected=tab.windows_opened - opened)
        await self._rest(await self._front())
        return problem

    async def _do(self, action: Action, tab: Tab, sight: Sight) -> str:
        if action.verb in ("click", "hover", "type"):
            element = sight.find(action.number)
            if element is None:
                return f"no element [{action.number}] is in sight"
            if action.verb == "type":
                return await tab.type(element, action.text, enter=action.enter)
            return await (tab.click if action.verb == "click" else tab.hover)(element)
        match action.verb:
            case "press":
                await tab.page.keyboard.press(browser_keys(action.text))
            case "scroll":
                await tab.scroll(down=action.text == "down")
            case "goto":
                return await self._go(tab, self._visit.sites.local(action.text.strip()))
            case "go_back" | "go_forward":
                moved = tab.page.go_back if action.verb == "go_back" else tab.page.go_forward
                await moved(wait_until="commit", timeout=self._visit.load_seconds * 1_000)
            case _:
                return await self._arrange(action, tab)
        return ""

    async def _arrange(self, action: Action, tab: Tab) -> str:
        """Open, choose or close tabs."""
        if action.verb == "new_tab":
            if len(self._tabs) >= MAX_TABS:
                return f"there are {MAX_TABS} tabs already"
            self._current = await self._add(await self._opened.new_page())
        elif action.verb == "tab_focus":
            if not 0 <= action.number < len(self._tabs):
                return f"there is no tab {action.number}"
            self._current = self._tabs[action.number]
            await self._current.page.bring_to_front()
        elif action.verb == "close_tab":
            self._tabs.remove(tab)
            await tab.page.close()
        return ""

    async def _go(self, tab: Tab, url: str) -> str:
        """Open an address in a tab; only those of web pages."""
        wanted = url if _SCHEME.match(url) else f"http://{url}"
        if wanted != _BLANK and urlsplit(wanted).scheme not in ("http", "https"):
            return "only http addresses can be opened"
        try:
            await tab.page.goto(wanted, wait_until="commit", timeout=self._visit.load_seconds * 1_000)
        except BrowserError as error:
            return f"the page did not load ({error.message.partition(chr(10))[0][:MAX_TOLD]})"
        await self._rest(tab)
        return ""

    async def aside(self, url: str | None) -> Tab:
        """Open an address in a tab that is none of the agent's; None gives the tab in front."""
        return await self.run(self._aside(url), seconds=self._patience)

    async def _aside(self, url: str | None) -> Tab:
        if url is None:
            return await self._front()
        tab = await Tab.open(await self._opened.new_page())
        await self._go(tab, url)
        return tab

    async def _rest(self, tab: Tab) -> None:
        if not await tab.settle(seconds=self._visit.load_seconds):
            self._notices.add(f"The page was still loading after {self._visit.load_seconds:g} s and was stopped.")
        await tab.refresh_title()

    async def _front(self) -> Tab:
        """Return the tab in front; where it is gone the last one, or a new one."""
        self._tabs = [tab for tab in self._tabs if not tab.page.is_closed()]
        if self._current not in self._tabs:
            self._current = self._tabs[-1] if self._tabs else await self._add(await self._opened.new_page())
        assert self._current is not None
        return self._current

    async def _adopt(self, *, expected: int) -> None:
        """Make tabs of the windows that pages have opened."""
        waited = 0.0
        while len(self._strangers()) < expected and waited < _WINDOW_SECONDS:
            await asyncio.sleep(0.02)
            waited += 0.02
        for page in self._strangers():
            if len(self._tabs) >= MAX_TABS:
                await page.close()
                self._notices.add("A window was closed at once: there are too many tabs.")
                continue
            tab = await self._add(page)
            await self._rest(tab)
            self._notices.add(f"A new window opened as tab {len(self._tabs) - 1}.")

    def _strangers(self) -> list[Page]:
        known = [tab.page for tab in self._tabs]
        return [page for page in self._opened.pages if page not in known]

    async def _guarded(self, work: Coroutine[object, object, ResultT], *, seconds: float) -> ResultT | None:
        """Run in the browser; a page that hangs or crashes loses its tab, and None is returned."""
        try:
            return await self.run(work, seconds=seconds)
        except (TimeoutError, WorldError) as error:
            reason = "did not answer" if isinstance(error, TimeoutError) else "broke"
            self._notices.add(f"The page {reason} and was closed.")
            await self.run(self._lose())
            return None

    async def _lose(self) -> None:
        """Close the tab in front, whatever state it is in."""
        lost, self._current = self._current, None
        if lost is not None:
            self._tabs = [tab for tab in self._tabs if tab is not lost]
            await lost.page.close()

    @property
    def _patience(self) -> float:
        """Seconds for one action and what it loads: once to get there, once to come to rest."""
        return self._visit.action_seconds + 2 * self._visit.load_seconds

    async def run(self, work: Coroutine[object, object, ResultT], *, seconds: float = _RUN_SECONDS) -> ResultT:
        """Run a coroutine where the browser lives.

        Raises:
            TimeoutError: it took longer.
            WorldError: the browser broke.
        """
        assert self._browser is not None, "open() comes first"
        return await self._browser.run(work, seconds=seconds)

    async def close(self) -> None:
        """Close the context, once it is there; a record of the traffic is written now. Safe to call twice."""
        if self._opening is not None:
            await asyncio.wait([self._opening])
        context, self._context = self._context, None
        if context is not None and self._browser is not None:
            await self._browser.run(context.close(), seconds=_CLOSE_SECONDS)

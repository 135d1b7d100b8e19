"""What a page's own events tell of its loading: navigations under way, requests unanswered, windows opened."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import CDPSession, Page, Request

_QUIET_SECONDS: Final = 0.3
_QUIET_AT_MOST_SECONDS: Final = 3.0


class Loading:
    """Follows one page."""

    def __init__(self, on_document: Callable[[], None]) -> None:
        """Call back whenever another document takes the place of the page's."""
        self.windows_opened = 0
        """Windows that the page has opened."""
        self._on_document = on_document
        self._wanted: set[str] = set()
        """Frames that have asked for a navigation that has not begun."""
        self._loading: set[str] = set()
        self._changed = asyncio.Event()
        self._requests: set[Request] = set()
        self._latest_request = 0.0

    async def follow(self, page: Page, devtools: CDPSession) -> None:
        """Listen to a page from now on."""
        devtools.on("Page.frameRequestedNavigation", self._wished)
        devtools.on("Page.frameScheduledNavigation", self._wished)
        devtools.on("Page.frameClearedScheduledNavigation", self._dropped)
        devtools.on("Page.frameStartedLoading", self._started)
        devtools.on("Page.frameStoppedLoading", self._stopped)
        devtools.on("Page.frameDetached", self._stopped)
        devtools.on("Page.frameNavigated", self._navigated)
        devtools.on("Page.windowOpen", self._opened_window)
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)
        await devtools.send("Page.enable")

    def _wished(self, event: dict[str, str]) -> None:
        self._wanted.add(event["frameId"])

    def _dropped(self, event: dict[str, str]) -> None:
        self._wanted.discard(event["frameId"])
        self._changed.set()

    def _started(self, event: dict[str, str]) -> None:
        self._wanted.discard(event["frameId"])
        self._loading.add(event["frameId"])

    def _stopped(self, event: dict[str, str]) -> None:
        self._wanted.discard(event["frameId"])
        self._loading.discard(event["frameId"])
        self._changed.set()

    def _navigated(self, event: dict[str, dict[str, object]]) -> None:
        if "parentId" not in event["frame"]:
            self._on_document()

    def _opened_window(self, _event: object) -> None:
        self.windows_opened += 1

    def _asked(self, request: Request) -> None:
        self._requests.add(request)
        self._latest_request = time.monotonic()

    def _answered(self, request: Request) -> None:
        self._requests.discard(request)
        self._latest_request = time.monotonic()

    @property
    def moving(self) -> bool:
        """Is a navigation wanted or under way."""
        return bool(self._wanted or self._loading)

    async def change(self) -> None:
        """Wait until a navigation ends or is dropped."""
        self._changed.clear()
        await self._changed.wait()

    def give_up(self) -> None:
        """Forget what was under way: it has been stopped."""
        self._wanted.clear()
        self._loading.clear()

    async def quiet(self) -> bool:
        """Wait until the page asks for nothing any more, or is at it for long; tell whether it stays where it is."""
        began = time.monotonic()
        while not self.moving and time.monotonic() < began + _QUIET_AT_MOST_SECONDS:
            since = time.monotonic() - max(self._latest_request, began)
            if not self._requests and since >= _QUIET_SECONDS:
                return True
            await asyncio.sleep(0.05)
        return not self.moving

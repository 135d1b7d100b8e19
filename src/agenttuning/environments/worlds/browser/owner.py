"""One browser per process, on a thread and an event loop of its own, so that it outlives every loop that plays on it.

    browser = shared_browser()
    context = await browser.run(browser.new_context(allowed="file:///srv/pages/"), seconds=20)

Everything that touches a page runs inside `Browser.run`. A context belongs to one episode: its own cookies and
storage, no network unless allowed, and only addresses with the wanted beginning.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import re
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from agenttuning.environments.worlds.browser.process import BrowserProcess
from agenttuning.environments.worlds.idle import idle_seconds, look_again
from agenttuning.errors import MissingExtraError, WorldError

try:
    from playwright.async_api import Error, Route, async_playwright
except ModuleNotFoundError as error:
    raise MissingExtraError("a browser needs playwright; run `pip install 'agenttuning[web]'`") from error

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from playwright.async_api import Browser as PlaywrightBrowser
    from playwright.async_api import BrowserContext, Playwright, StorageState

ResultT = TypeVar("ResultT")
BrowserError = Error
"""What a call inside `Browser.run` raises when the page or the browser refuses."""
_START_SECONDS: Final = 90.0
_CLOSE_SECONDS: Final = 10.0


class Browser:
    """A running browser and the loop that talks to it."""

    def __init__(self) -> None:
        self.used = time.monotonic()
        """When it was last asked for."""
        self._process = BrowserProcess()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="browser", daemon=True)
        self._thread.start()
        connecting = asyncio.run_coroutine_threadsafe(self._connect(), self._loop)
        try:
            self._driver, self._browser = connecting.result(_START_SECONDS)
        except (Error, TimeoutError) as error:
            self._end()
            raise WorldError(f"the browser does not answer: {error}") from error

    async def _connect(self) -> tuple[Playwright, PlaywrightBrowser]:
        driver = await async_playwright().start()
        return driver, await driver.chromium.connect_over_cdp(self._process.endpoint)

    @property
    def alive(self) -> bool:
        """Is the browser there, and ours."""
        return self._process.ours and self._browser.is_connected()

    @property
    def contexts(self) -> int:
        """Contexts that are open."""
        return len(self._browser.contexts) - 1

    @property
    def folder(self) -> Path:
        """Where the browser writes; removed with it."""
        return self._process.folder

    @property
    def version(self) -> str:
        """Chromium's own."""
        return self._browser.version

    async def run(self, work: Coroutine[object, object, ResultT], *, seconds: float) -> ResultT:
        """Run a coroutine where the browser lives.

        Raises:
            TimeoutError: it took longer.
            WorldError: the browser broke.
        """
        self.used = time.monotonic()
        future = asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self._loop)
        try:
            return await asyncio.wrap_future(future)
        except Error as error:
            first, _, _ = error.message.partition("\n")
            raise WorldError(f"the browser broke: {first}") from error

    async def new_context(self, *, allowed: str) -> BrowserContext:
        """Return a private context that loads only addresses beginning with `allowed`; call it inside `run`.

        Where those are files, there is no network at all.
        """
        context = await self._browser.new_context(
            viewport={"width": 800, "height": 600}, locale="en-US", timezone_id="UTC", service_workers="block"
        )
        await context.set_offline(allowed.startswith("file:"))
        await context.route(re.compile(f"^(?!{re.escape(allowed)})"), _refuse)
        return context

    async def new_proxied_context(
        self, *, proxy: str, window: tuple[int, int], storage_state: StorageState | Path | None, har: Path | None
    ) -> BrowserContext:
        """Return a private context whose every connection goes through a proxy; call it inside `run`.

        Args:
            proxy: address of an HTTP proxy, which says what may be reached.
            window: width and height in pixels.
            storage_state: cookies and local storage to begin with.
            har: file that the traffic is recorded to, written when the context closes.
        """
        return await self._browser.new_context(
            viewport={"width": window[0], "height": window[1]},
            proxy={"server": proxy},
            storage_state=storage_state,
            record_har_path=har,
            accept_downloads=False,
            locale="en-US",
            timezone_id="UTC",
            service_workers="block",
        )

    def close(self) -> None:
        """End the browser, the driver and the thread. Safe to call twice."""
        if not self._process.ours or self._loop.is_closed():
            return
        stopping = asyncio.run_coroutine_threadsafe(self._driver.stop(), self._loop)
        with contextlib.suppress(Error, TimeoutError):  # it hangs or is gone: the process ends all the same
            stopping.result(_CLOSE_SECONDS)
        self._end()

    def _end(self) -> None:
        self._process.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()


async def _refuse(route: Route) -> None:
    """Answer a page's wish to leave with "no content", which keeps it where it is; load nothing else."""
    if route.request.is_navigation_request():
        await route.fulfill(status=204)
    else:
        await route.abort()


class _Shared:
    lock: Final = threading.Lock()
    browser: Browser | None = None


def shared_browser() -> Browser:
    """Return the browser of this process, started at the first call, anew after a crash, and ended with the process.

    Without a context for ten minutes (`AGENTTUNING_IDLE_MINUTES`) it is ended, too.

    Raises:
        MissingExtraError: no Chromium is installed.
        WorldError: it did not start.
    """
    with _Shared.lock:
        browser = _Shared.browser
        if browser is None or not browser.alive:
            if browser is not None:
                browser.close()
            patience = idle_seconds()
            browser = _Shared.browser = Browser()
            atexit.register(browser.close)
            look_again(partial(_reap, browser, patience))
        browser.used = time.monotonic()
        return browser


def _reap(browser: Browser, patience: float) -> float | None:
    """End a browser that nobody has used for so many seconds; return when to look again, None once it has ended."""
    with _Shared.lock:
        if not browser.alive:
            return None
        left = browser.used + patience - time.monotonic()
        if left > 0 or browser.contexts > 0:
            return max(left, 0.1 * patience)
        if _Shared.browser is browser:
            _Shared.browser = None
        browser.close()
        return None

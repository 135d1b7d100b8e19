"""A benchmark page in Chromium as a `TaskPage`: set up in the page by seed, acted on with real keys and mouse.

The page's clock is ours: it stands still between actions and advances by one second with each, so that animations
and menus have settled whatever the machine's load, and the page's time limit never bites.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

import anyio.to_thread

from agenttuning.environments.worlds.browser.owner import shared_browser
from agenttuning.environments.worlds.miniwob.page import Verdict

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from playwright.async_api import BrowserContext, Page

    from agenttuning.environments.worlds.browser.owner import Browser
    from agenttuning.environments.worlds.miniwob.grammar import Action

ACTION_SECONDS: Final = 20.0
_LOAD_SECONDS: Final = 120.0
_CLOSE_SECONDS: Final = 10.0
_ICON_SECONDS: Final = 5.0
_SECOND: Final = 1_000
_EPOCH: Final = "2023-10-19T12:00:00"
"""Where the page's clock stands at first."""
ResultT = TypeVar("ResultT")
_WITH_EXTRAS: Final = frozenset({"click-dialog", "click-dialog-2"})
"""Pages that show something outside of their task area."""
_KEYS: Final = {
    "enter": "Enter",
    "arrowleft": "ArrowLeft",
    "arrowright": "ArrowRight",
    "arrowup": "ArrowUp",
    "arrowdown": "ArrowDown",
    "backspace": "Backspace",
}
_RESET: Final = """([seed, mode]) => {
    core.EPISODE_MAX_TIME = 1e7;
    core.endEpisode(0);
    core.setDataMode(mode);
    Math.seedrandom(seed);
    core.startEpisodeReal();
}"""
_PRELOAD: Final = """async () => {
    const addresses = new Set();
    for (const sheet of document.styleSheets) {
        if (sheet.href) continue;
        for (const rule of sheet.cssRules) {
            const found = /^url\\("(.*)"\\)$/.exec(rule.style?.content ?? '');
            if (found) addresses.add(new URL(found[1], document.baseURI).href);
        }
    }
    window.agentPictures = [...addresses].map(address => Object.assign(new Image(), {src: address}));
    await Promise.all(window.agentPictures.map(picture => picture.decode().catch(() => null)));
}"""
"""Icons that a style puts in place of a span take no room until they are loaded, and some change under the mouse."""
_LOADED: Final = """() => [...document.querySelectorAll('#area *')].every(element => {
    const box = element.getClientRects()[0];
    return !box || box.width > 0 || !getComputedStyle(element).content.startsWith('url');
})"""
_UTTERANCE: Final = "() => { const told = core.getUtterance(); return told.utterance ?? told; }"
_HTML: Final = """(extras) => {
    const area = document.getElementById('wrap').outerHTML;
    if (!extras) return area;
    const known = ['reward-display', 'click-canvas', 'sync-task-cover', 'wrap'];
    const others = [...document.body.children].filter(child => !known.includes(child.id));
    return area + others.map(child => child.outerHTML).join('');
}"""
_VERDICT: Final = "() => [WOB_DONE_GLOBAL, WOB_DONE_GLOBAL ? WOB_RAW_REWARD_GLOBAL : 0]"
_TARGET: Final = """([xpath, choosing]) => {
    let nodes;
    try {
        nodes = document.evaluate(xpath, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
    } catch (error) {
        return 'This is no xpath of elements.';
    }
    const found = Array.from({length: nodes.snapshotLength}, (_, index) => nodes.snapshotItem(index));
    if (found.length === 0) return 'No element matches this xpath.';
    if (!found.every(node => node instanceof Element)) return 'This is no xpath of elements.';
    for (const element of found) {
        if (element.disabled) continue;
        const list = element.tagName === 'OPTION' && element.closest('select');
        if (list && list.getClientRects().length) {
            element.selected = true;
            for (const name of ['input', 'change']) list.dispatchEvent(new Event(name, {bubbles: true}));
            return null;
        }
        if (choosing) continue;
        element.scrollIntoViewIfNeeded?.();
        const box = [...element.getClientRects()].find(each => each.width > 0 && each.height > 0);
        if (!box || getComputedStyle(element).visibility !== 'visible') continue;
        const timed = element.tagName === 'INPUT' && ['date', 'time'].includes(element.type);
        const across = timed ? [[6 / box.width, 0.5]] : [[0.5, 0.5], [0.5, 0.1], [0.5, 0.9], [0.1, 0.5], [0.9, 0.5]];
        const points = across.map(([right, down]) => [box.left + right * box.width, box.top + down * box.height]);
        const point = points.find(([x, y]) => {
            const hit = document.elementFromPoint(x, y);
            return hit && (element.contains(hit) || hit.contains(element));
        });
        if (!point) continue;
        if (element.tagName === 'SELECT') { element.focus(); return null; }
        return point;
    }
    return '';
}"""
"""Finds the first match that can be hit and returns the point, its centre unless that is covered.

A string is a problem, empty where no match can be hit; null where it is done: an option is selected, or a list focused,
without the list's native window.
"""


class ChromiumTaskPage:
    """One page being played; implements `TaskPage`."""

    def __init__(self, folder: Path, page: str, *, seed: int, data_mode: str) -> None:
        self._folder = folder
        self._name = page
        self._reset = [seed, data_mode]
        self._browser: Browser | None = None
        self._context: BrowserContext | None = None
        self._page: Page | None = None
        self._opening: asyncio.Future[str] | None = None

    async def open(self) -> str:
        """Load the page, start its episode and return what it asks for.

        Raises:
            WorldError: the browser does not start, or broke.
            MissingExtraError: no Chromium is installed.
        """
        self._browser = browser = await anyio.to_thread.run_sync(shared_browser)
        self._opening = asyncio.ensure_future(browser.run(self._open(browser), seconds=_LOAD_SECONDS))
        return await asyncio.shield(self._opening)  # a context that is being made could not be found and closed

    async def _open(self, browser: Browser) -> str:
        root = self._folder.as_uri()
        self._context = context = await browser.new_context(allowed=f"{root}/")
        await context.clock.install(time=_EPOCH)
        await context.clock.pause_at(_EPOCH)
        self._page = page = await context.new_page()
        await page.goto(f"{root}/miniwob/{self._name}.html")
        await page.evaluate(_PRELOAD)
        await page.evaluate(_RESET, self._reset)
        await _settle(page)
        utterance: str = await page.evaluate(_UTTERANCE)
        return utterance

    async def html(self) -> str:
        """Return the HTML of the task area, and of what some pages show beside it."""
        html: str = await self._run(self._opened.evaluate(_HTML, self._name in _WITH_EXTRAS))
        return html

    async def act(self, action: Action) -> str:
        """Carry one action out; return why it could not be, or an empty string.

        Raises:
            TimeoutError: the page is busy with it for longer than any honest action needs.
        """
        return await self._run(self._act(self._opened, action))

    async def _act(self, page: Page, action: Action) -> str:
        problem = ""
        if action.verb == "type":
            await page.keyboard.type(action.text)
        elif action.verb == "press":
            await page.keyboard.press(_KEYS[action.argument])
        else:
            target = await page.evaluate(_TARGET, [action.argument, action.verb == "clickoption"])
            if isinstance(target, str):
                problem = target or f"No match of this xpath takes a {action.verb}."
            elif target is not None:
                await (page.mouse.move if action.verb == "movemouse" else page.mouse.click)(*target)
        await _settle(page)
        return problem

    async def verdict(self) -> Verdict:
        """Return the page's judgement as it stands."""
        done, raw_reward = await self._run(self._opened.evaluate(_VERDICT))
        return Verdict(done=done, raw_reward=raw_reward)

    @property
    def _opened(self) -> Page:
        assert self._page is not None, "open() comes first"
        return self._page

    async def _run(self, work: Coroutine[object, object, ResultT]) -> ResultT:
        assert self._browser is not None, "open() comes first"
        return await self._browser.run(work, seconds=ACTION_SECONDS)

    async def close(self) -> None:
        """Close the page's context, once it is there. Safe to call twice, and without `open`."""
        if self._opening is not None:
            await asyncio.wait([self._opening])
        context, self._context = self._context, None
        if context is not None and self._browser is not None:
            await self._browser.run(context.close(), seconds=_CLOSE_SECONDS)


async def _settle(page: Page) -> None:
    """Let the page's second pass, then wait until its icons take their room."""
    await page.clock.run_for(_SECOND)
    deadline = time.monotonic() + _ICON_SECONDS
    while not await page.evaluate(_LOADED) and time.monotonic() < deadline:  # noqa: ASYNC110  a page has no event for it
        await asyncio.sleep(0.02)

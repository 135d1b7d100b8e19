"""What an episode left behind, as evaluators look at it: the agent's last tab, and other pages in a tab beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agenttuning.environments.worlds.browser.owner import BrowserError
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from agenttuning.environments.worlds.webarena.session import Session
    from agenttuning.environments.worlds.webarena.sites import SiteTable
    from agenttuning.environments.worlds.webarena.tab import Tab

_FETCH: Final = """async ([url, request]) => {
    const answer = await fetch(url, request);
    return [answer.status, await answer.text()];
}"""


class LivePage:
    """A page in the browser."""

    def __init__(self, session: Session, tab: Tab) -> None:
        self._session = session
        self._tab = tab

    async def content(self) -> str:
        """Return its HTML; empty where the page does not answer."""
        return await self._answer(self._tab.page.content())

    async def value(self, expression: str) -> str:
        """Return an expression's value as text; empty where it fails or has none."""
        return await self._answer(self._value(expression))

    async def _answer(self, work: Coroutine[object, object, str]) -> str:
        try:
            return await self._session.run(work)
        except TimeoutError:
            return ""

    async def _value(self, expression: str) -> str:
        try:
            value: object = await self._tab.page.evaluate(f"() => {expression}")
        except BrowserError:  # the page is not the one that the task file expects
            return ""
        return "" if value is None else str(value)


class LiveAftermath:
    """The session after the last action."""

    def __init__(self, session: Session, sites: SiteTable) -> None:
        self._session = session
        self._sites = sites
        self._url = session.url

    @property
    def url(self) -> str:
        """The address where the agent stopped."""
        return self._url

    def address(self, text: str) -> str:
        """Put the table's addresses in the place of placeholders."""
        return self._sites.fill(text)

    async def page(self, url: str | None) -> LivePage:
        """Open an address beside the agent's tabs; None gives the tab where it stopped."""
        return LivePage(self._session, await self._session.aside(url))

    async def fetch(self, url: str, *, post: str | None = None, headers: Mapping[str, str] | None = None) -> str:
        """Return the body of an answer, asked by a page of the same site, with the episode's cookies."""
        start = urlsplit(url)
        tab = await self._session.aside(f"{start.scheme}://{start.netloc}/")
        request: dict[str, object] = {"headers": {**(headers or {}), "Content-Type": "application/json"}}
        if post is not None:
            request |= {"method": "POST", "body": post}
        status, text = await self._session.run(tab.page.evaluate(_FETCH, [url, request]))
        if not 200 <= status < 300:
            raise WorldError(f"{url} answered {status}: {text[:200]!r}")
        return str(text)

"""A wiki on the network, by MediaWiki's Action API: a page by its title or a redirect to it, else what a search offers.

Requests follow Wikimedia's etiquette: one at a time in this process, a User-Agent that says whom to write to, `maxlag`,
and waiting as long as the server asks (`Retry-After`), or twice as long after each refusal.
Source: https://www.mediawiki.org/wiki/API:Query, Extension:TextExtracts, Manual:Maxlag parameter, API:Etiquette.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx
from pydantic import BaseModel, ValidationError

from agenttuning import __version__
from agenttuning.environments.worlds.graph.endpoint import open_client
from agenttuning.environments.worlds.wiki.backend import MOST_SIMILAR, Page, Similar
from agenttuning.environments.worlds.wiki.corpus import LONGEST_NAME
from agenttuning.environments.worlds.wiki.explorer import clean
from agenttuning.errors import RecipeError, WorldError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

WIKIPEDIA: Final = "https://en.wikipedia.org/w/api.php"
SECONDS: Final = 20.0
"""Time for one request."""
ATTEMPTS: Final = 5
LONGEST_WAIT: Final = 60.0
"""Seconds; a server that asks for more is not asked again."""
MAX_BYTES: Final = 16 << 20
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_BUSY_CODES: Final = frozenset({"maxlag", "ratelimited", "readonly"})
_NO_TITLE: Final = re.compile(r"[#<>\[\]|{}\x00-\x1f]")
"""Signs that no title of MediaWiki has."""
_HEADING: Final = re.compile(r"^(=+)[^=].*\1$")

Sleep: TypeAlias = Callable[[float], Awaitable[object]]


class _Revision(BaseModel):
    revid: int


class _Page(BaseModel):
    title: str
    missing: bool = False
    invalid: bool = False
    extract: str = ""
    revisions: list[_Revision] = []
    pageprops: dict[str, str] = {}


class _Hit(BaseModel):
    title: str


class _Query(BaseModel):
    pages: list[_Page] = []
    search: list[_Hit] = []


class _Error(BaseModel):
    code: str
    info: str = ""


class _Answer(BaseModel):
    query: _Query = _Query()
    error: _Error | None = None


class LiveWiki:
    """Any MediaWiki with TextExtracts, Wikipedia among them; implements `WikiBackend`."""

    def __init__(
        self,
        url: str = WIKIPEDIA,
        *,
        contact: str,
        client: httpx.AsyncClient | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Nothing is asked yet.

        Args:
            url: the wiki's `api.php`.
            contact: address or page by which the wiki's operators reach who runs this.
            client: sends the requests; None opens one.
            sleep: waits between requests.

        Raises:
            RecipeError: no contact is given.
        """
        if not contact.strip():
            raise RecipeError("a live wiki wants to know whom to write to: set contact to a mail address or a web page")
        self._url = url
        self._agent = clean(f"agenttuning/{__version__} ({contact.strip()}) httpx/{httpx.__version__}")
        self._client = client
        self._sleep = sleep

    @property
    def name(self) -> str:
        """The host; a live wiki has no snapshot."""
        return live_name(self._url)

    async def search(self, entity: str) -> Page | Similar:
        """Ask for the page of that title; where there is none, or only a list of meanings, search.

        Raises:
            WorldError: the wiki does not answer, or not as MediaWiki does.
        """
        wanted = clean(entity[:LONGEST_NAME]).strip()
        if not wanted:
            return Similar(titles=())
        page = None if _NO_TITLE.search(wanted) else await self._page(wanted)
        return page or await self._similar(wanted)

    async def _page(self, title: str) -> Page | None:
        answer = await self._ask(
            titles=title,
            redirects="1",
            prop="extracts|revisions|pageprops",
            explaintext="1",
            rvprop="ids",
            ppprop="disambiguation",
        )
        found = answer.query.pages[0] if answer.query.pages else None
        if found is None or found.missing or found.invalid or "disambiguation" in found.pageprops:
            return None
        lines = (line.strip() for line in found.extract.split("\n"))
        paragraphs = tuple(line for line in lines if line and not _HEADING.match(line))
        revision = found.revisions[0].revid if found.revisions else None
        return Page(title=found.title, paragraphs=paragraphs, revision=revision) if paragraphs else None

    async def _similar(self, text: str) -> Similar:
        answer = await self._ask(list="search", srsearch=text, srlimit=str(MOST_SIMILAR), srprop="", srinfo="")
        return Similar(titles=tuple(hit.title for hit in answer.query.search[:MOST_SIMILAR]))

    async def _ask(self, **parameters: str) -> _Answer:
        fixed = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5"}
        host = _host(self._url)
        async with host.turn:
            if asyncio.get_running_loop().time() < host.left_alone_until:
                raise WorldError(f"{self._url} was left alone after it gave no answer: {host.trouble}")
            wait, trouble = 1.0, ""
            for attempt in range(ATTEMPTS):
                if attempt:
                    await self._sleep(wait)
                try:
                    async with asyncio.timeout(SECONDS):
                        response, text = await self._get({**fixed, **parameters})
                except (httpx.TransportError, TimeoutError) as error:
                    wait, trouble = 2.0**attempt, f"{type(error).__name__} {error}"
                    continue
                if response.status_code not in _BUSY:
                    answer = self._read(response, text)
                    if answer.error is None:
                        return answer
                    trouble = f"error {answer.error.code!r}: {answer.error.info[:200]}"
                    if answer.error.code not in _BUSY_CODES:
                        raise WorldError(f"{self._url} refuses the request: {trouble}")
                else:
                    trouble = f"status {response.status_code}"
                wait = _asked_wait(response, otherwise=2.0**attempt)
                if wait > LONGEST_WAIT:
                    host.leave_alone(wait, trouble)
                    raise WorldError(f"{self._url} asks to wait {wait:.0f} s ({trouble}); try again later")
            host.leave_alone(LONGEST_WAIT, trouble)
        raise WorldError(f"{self._url} gave no answer in {ATTEMPTS} attempts: {trouble}")

    async def _get(self, parameters: dict[str, str]) -> tuple[httpx.Response, bytes]:
        if self._client is None:
            self._client = open_client(self._url, seconds=SECONDS)
        text = bytearray()
        headers = {"User-Agent": self._agent, "Accept": "application/json"}
        try:
            async with self._client.stream("GET", self._url, params=parameters, headers=headers) as response:
                async for piece in response.aiter_bytes():
                    text += piece
                    if len(text) > MAX_BYTES:
                        raise WorldError(f"{self._url} sends more than {MAX_BYTES >> 20} MB for one page")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise WorldError(f"{self._url!r} is no address of a wiki's api.php: {error}") from error
        return response, bytes(text)

    def _read(self, response: httpx.Response, text: bytes) -> _Answer:
        if not response.is_success:
            raise WorldError(
                f"{self._url} answers with status {response.status_code}: {text[:200].decode('utf-8', 'replace')!r}"
            )
        try:
            return _Answer.model_validate_json(text)
        except ValidationError as error:
            raise WorldError(f"{self._url} is no api.php of MediaWiki: {error.errors()[0]['msg']}") from error

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()


def live_name(url: str) -> str:
    """Return how a live wiki stands in a number."""
    return f"live {urlsplit(url).netloc or url}"


def _asked_wait(response: httpx.Response, *, otherwise: float) -> float:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdecimal() else otherwise


class _Host:
    """What all episodes of one event loop know of a wiki: whose turn it is, and whether it wants to be left alone."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.left_alone_until = 0.0
        self.trouble = ""

    def leave_alone(self, seconds: float, trouble: str) -> None:
        """Ask nothing for some time, so that hundreds of episodes do not each wait for a wiki that is down."""
        self.left_alone_until = asyncio.get_running_loop().time() + seconds
        self.trouble = trouble


_HOSTS: Final[WeakKeyDictionary[AbstractEventLoop, dict[str, _Host]]] = WeakKeyDictionary()


def _host(url: str) -> _Host:
    known = _HOSTS.setdefault(asyncio.get_running_loop(), {})
    return known.setdefault(url, _Host())

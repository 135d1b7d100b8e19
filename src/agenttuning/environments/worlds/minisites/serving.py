"""One episode's sites behind an HTTP proxy of its own on a loopback port.

    async with open_sites(difficulty="standard", seed=0) as sites:
        context = await browser.new_context(proxy={"server": sites.proxy_url})

The proxy answers the hosts of the mini sites from the application in this process. It reaches nothing else: every
other host is refused with 403. Addresses are the same in every episode.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict
from urllib.parse import unquote_to_bytes, urlsplit

from agenttuning.environments.worlds.minisites.app import make_sites
from agenttuning.environments.worlds.minisites.database import open_database
from agenttuning.environments.worlds.minisites.scene import make_scene
from agenttuning.errors import MissingExtraError

try:
    from starlette.responses import PlainTextResponse
    from uvicorn.config import Config
    from uvicorn.protocols.http.h11_impl import H11Protocol
    from uvicorn.server import ServerState
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f"the mini sites need the package {error.name!r}; run `pip install 'agenttuning[web]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.minisites.site import Site, SiteName

HOSTS: Final[Mapping[SiteName, str]] = {
    "shopping": "shop.mini",
    "shopping_admin": "admin.mini",
    "reddit": "forum.mini",
    "gitlab": "code.mini",
    "wikipedia": "wiki.mini",
}
URLS: Final[Mapping[str, str]] = {f"__{name.upper()}__": f"http://{host}" for name, host in HOSTS.items()}
"""Placeholders of the task schema and the addresses that they stand for."""
_TUNNELS: Final = frozenset(f"{host}:80".encode() for host in HOSTS.values())
_CLOSE_SECONDS: Final = 2.0


class Cookie(TypedDict):
    """A cookie as Playwright takes it."""

    name: str
    value: str
    domain: str
    path: str
    expires: float
    httpOnly: bool
    secure: bool
    sameSite: str


class StorageState(TypedDict):
    """A storage state as Playwright takes it."""

    cookies: list[Cookie]
    origins: list[str]


@dataclass(frozen=True)
class OpenSites:
    """The sites of one episode while they are open."""

    proxy_url: str
    urls: Mapping[str, str]
    _cookies: Mapping[SiteName, Cookie]

    def storage_state(self, *names: SiteName) -> StorageState:
        """Return the cookies of the scene's user at the named sites; the wiki has no log-in."""
        return StorageState(cookies=[self._cookies[name] for name in names if name in self._cookies], origins=[])


def _log_in(site: Site, account: str) -> Cookie:
    name, token = site.begin_session(account)
    return Cookie(
        name=name,
        value=token,
        domain=HOSTS[site.name],
        path="/",
        expires=-1,
        httpOnly=True,
        secure=False,
        sameSite="Lax",
    )


@asynccontextmanager
async def open_sites(*, difficulty: Difficulty, seed: int) -> AsyncIterator[OpenSites]:
    """Serve the sites of a scene in their first state, until the block ends.

    Args:
        difficulty: how much there is on the sites; `tiny` pages are terse too.
        seed: the scene's number, `MiniTask.seed`.
    """
    database, scene = open_database(difficulty, seed=seed), make_scene(difficulty, seed=seed)
    sites = make_sites(database, terse=difficulty == "tiny")
    proxy = Proxy({HOSTS[name]: site.app() for name, site in sites.items()})
    cookies = {name: _log_in(sites[name], scene.account(name)) for name in sites if sites[name].has_accounts}
    listener = socket.create_server(("127.0.0.1", 0))
    try:
        async with _listening(proxy, listener=listener, protocol=_ProxyProtocol):
            port = listener.getsockname()[1]
            yield OpenSites(f"http://127.0.0.1:{port}", URLS, cookies)
    finally:
        listener.close()
        database.close()


async def serve(app: ASGIApp, *, listener: socket.socket) -> None:
    """Serve an application for people, until cancelled."""
    async with _listening(app, listener=listener, protocol=H11Protocol):
        await asyncio.Event().wait()


@asynccontextmanager
async def _listening(app: ASGIApp, *, listener: socket.socket, protocol: type[H11Protocol]) -> AsyncIterator[None]:
    """Answer what arrives at a listening socket; uvicorn's own loop would take a tenth of a second to end."""
    config = Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        date_header=False,
        server_header=False,
    )
    config.load()
    state = ServerState()
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it; 40 ms per page otherwise
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), sock=listener
    )
    try:
        yield
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        if state.tasks:
            _, late = await asyncio.wait(list(state.tasks), timeout=_CLOSE_SECONDS)
            for task in late:
                task.cancel()


class _ProxyProtocol(H11Protocol):
    """HTTP/1.1 with tunnels to the sites' own port 80, which clients other than browsers ask for.

    A tunnel ends here: what comes through it are requests in the plain form, with the host in their header.
    """

    _begun = False

    def data_received(self, data: bytes) -> None:
        """Grant a tunnel at the beginning of a connection, or pass on what arrived."""
        head, _, rest = data.partition(b"\r\n\r\n")
        if not self._begun and head.startswith(b"CONNECT ") and head.split(b" ", 2)[1] in _TUNNELS:
            self.transport.write(b"HTTP/1.1 200 Connection Established\r\n\r\n")
            data = rest
        self._begun = True
        if data:
            super().data_received(data)


class Proxy:
    """An ASGI application that takes the requests a browser sends to a proxy."""

    def __init__(self, hosts: Mapping[str, ASGIApp]) -> None:
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request to the site of its host, or refuse it."""
        assert scope["type"] == "http", "lifespan and websockets are off"
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        try:
            target = urlsplit(scope["raw_path"].decode("latin-1"))
        except ValueError:
            target = urlsplit("unreadable:")
        named = (value.decode("latin-1") for name, value in scope["headers"] if name == b"host")
        host = target.netloc or next(named, "")
        app = self._hosts.get(host.removesuffix(":80")) if target.scheme in ("", "http") else None
        if app is None:
            await PlainTextResponse("This address is not one of the sites.\n", 403)(scope, receive, send)
            return
        path = target.path or "/"
        inner = {
            **scope,
            "path": unquote_to_bytes(path).decode("utf-8", "replace"),
            "raw_path": path.encode("latin-1"),
            "headers": [(b"host", host.encode()), *headers],
        }
        await app(inner, receive, send)

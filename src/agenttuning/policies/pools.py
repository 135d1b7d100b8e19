"""Many connections to one server in several small pools.

httpx looks through all connections of a pool at every request, which at a hundred of them costs more than the request
itself; in pools of eight it does not show (`benchmarks/teacher_client.py`).
"""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping, Sequence

_CONNECTIONS: Final = 8
_CONNECT_SECONDS: Final = 10.0


@dataclass(slots=True)
class _Pool:
    client: httpx.AsyncClient
    busy: int = 0


class Pools:
    """Sends every request through the pool that has the least to do."""

    def __init__(self, pools: Sequence[_Pool], *, base_url: str) -> None:
        self._pools = pools
        self._urls: dict[str, httpx.URL] = {}
        self.base_url = base_url

    @asynccontextmanager
    async def post(self, path: str, content: bytes, *, headers: Mapping[str, str]) -> AsyncIterator[httpx.Response]:
        """Send a body and give the response to be read; raises `httpx.RequestError`."""
        if (url := self._urls.get(path)) is None:  # parsed once; httpx would do it at every request
            url = self._urls[path] = httpx.URL(f"{self.base_url}/{path}")
        pool = min(self._pools, key=lambda pool: pool.busy)
        pool.busy += 1
        try:
            async with pool.client.stream("POST", url, content=content, headers=headers) as response:
                yield response
        finally:
            pool.busy -= 1


@asynccontextmanager
async def open_pools(
    base_url: str,
    *,
    headers: Mapping[str, str],
    connections: int,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[Pools]:
    """Open pools for so many connections in all; nothing is sent yet."""
    trusted = _trusted() if transport is None else False
    limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
    async with AsyncExitStack() as stack:
        pools = [
            _Pool(
                await stack.enter_async_context(
                    httpx.AsyncClient(
                        base_url=f"{base_url}/",
                        headers=headers,
                        timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
                        limits=limits,
                        transport=transport,
                        verify=trusted,
                    )
                )
            )
            for _ in range(-(-connections // _CONNECTIONS))
        ]
        yield Pools(pools, base_url=base_url)


@cache
def _trusted() -> ssl.SSLContext:
    """Read the certificates once; it takes longer than opening all pools."""
    return httpx.create_ssl_context()

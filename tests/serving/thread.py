"""An application on a real port in a thread of its own, for clients that are not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.serving.upstream import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractAsyncContextManager

    from starlette.types import ASGIApp


class Threaded:
    """A port, and a way into its event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int) -> None:
        self._loop = loop
        self.url = f"http://127.0.0.1:{port}"

    def call(self, act: Callable[[], object]) -> None:
        """Do something in the server's event loop."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (act(), done.set()))
        assert done.wait(10)

    def wait(self, work: Coroutine[None, None, object]) -> None:
        """Wait for something in the server's event loop."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@contextmanager
def in_thread(opened: AbstractAsyncContextManager[ASGIApp]) -> Iterator[Threaded]:
    """Serve what is opened in the thread's own event loop."""
    ready, found = threading.Event(), list[Threaded]()
    end = asyncio.Event()

    async def serve() -> None:
        async with opened as app, listening(app) as (_, port):
            found.append(Threaded(asyncio.get_running_loop(), port))
            ready.set()
            await end.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(30)
    try:
        yield found[0]
    finally:
        found[0].call(end.set)
        thread.join()

"""Run a server until it is told to stop."""

from __future__ import annotations

import importlib.util
import math
import os
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import uvicorn

from agenttuning.errors import StageError
from agenttuning.serving.app import create_app
from agenttuning.serving.connection import patient_protocol
from agenttuning.serving.gate import Door

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import FrameType

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from agenttuning.serving.proxy_settings import GatewaySettings
    from agenttuning.serving.settings import ServerSettings


def serve_model(model: str | Path, settings: ServerSettings) -> None:
    """Load a model, print its URL on stdout, and serve it until SIGTERM or Ctrl-C; answers in progress finish first.

    Raises:
        DataError: there is no such model, or it is damaged or has no chat template.
        StageError: the port is taken.
    """
    with _bound(settings) as listening:
        anyio.run(_serve, model, settings, listening, backend_options=_loop())


def serve_upstreams(settings: GatewaySettings) -> None:
    """Serve as a gateway in front of model servers, as `serve_model` does.

    Raises:
        RecipeError: the variable with their key is empty.
        StageError: the port is taken.
    """
    with _bound(settings) as listening:
        anyio.run(_serve_gateway, settings, listening, backend_options=_loop())


def _loop() -> dict[str, bool]:
    return {"use_uvloop": importlib.util.find_spec("uvloop") is not None}


async def _serve_gateway(settings: GatewaySettings, listening: socket.socket) -> None:
    from agenttuning.serving.proxy import open_gateway

    door = Door()
    async with open_gateway(settings, door=door) as app:
        await _listen(app, door, settings, listening)


async def _serve(model: str | Path, settings: ServerSettings, listening: socket.socket) -> None:
    from agenttuning.serving.local import LocalEngine

    door = Door()
    engine = await anyio.to_thread.run_sync(LocalEngine, model, settings)
    try:
        await _listen(create_app(engine, settings, door=door), door, settings, listening)
    finally:
        await engine.close()


async def _listen(app: Starlette, door: Door, settings: ServerSettings, listening: socket.socket) -> None:
    config = server_config(app, settings)
    host, port = listening.getsockname()[:2]
    sys.stdout.write(f"http://{f'[{host}]' if ':' in host else host}:{port}\n")
    sys.stdout.flush()
    with _ended_by_signals():
        await DrainingServer(config, door, drain_seconds=settings.drain_seconds).serve(sockets=[listening])


def server_config(app: ASGIApp, settings: ServerSettings, *, log_level: str = "warning") -> uvicorn.Config:
    """Return how uvicorn serves: quietly, and with deadlines for clients that stall."""
    return uvicorn.Config(
        app,
        http=patient_protocol(settings),
        ws="none",
        log_level=log_level,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=75,  # longer than clients keep an idle connection, or one is closed as it is taken again
    )


class DrainingServer(uvicorn.Server):
    """Ends in two steps: told to stop it refuses new requests with 503, and it ends when the last one is answered.

    Told a second time, or after `drain_seconds`, it ends at once.
    """

    def __init__(self, config: uvicorn.Config, door: Door, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._door = door
        self._drain_seconds = drain_seconds
        self._deadline = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Close the door."""
        if self._door.draining:
            super().handle_exit(sig, frame)
        self._door.draining = True
        self._deadline = time.monotonic() + self._drain_seconds

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether everybody has left."""
        if self._door.draining and (not self._door.inside or time.monotonic() > self._deadline):
            self.should_exit = True
        return await super().on_tick(counter)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C, which uvicorn raises again after its shutdown, end the server and not the process."""
    signals = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: None) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


def _bound(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise StageError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "choose another port, or 0 for a free one"
        ) from error
    # asyncio sets it on sockets that it opens itself; without it an answer on a kept connection waits 40 ms for an ACK.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def stop_with_parent(*, grace_seconds: float) -> None:
    """End this process when its standard input ends, which is when the process that started it is gone.

    The kernel closes the pipe however the parent died, `kill -9` included, on every system.
    """

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):
            continue
        threading.Timer(grace_seconds, os._exit, args=(1,)).start()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()

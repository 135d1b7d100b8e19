"""Ray: one actor per worker, on whatever nodes the cluster has or gets.

`ray.init` takes the cluster that `RAY_ADDRESS` names, else it starts one on this machine and stops it at the end.
Actors that wait for a CPU are what Ray's autoscaler grows the cluster by; they begin to play when they are placed. An
actor that died, alone or with its node, is replaced by a new one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, cast

from agenttuning.errors import MissingExtraError, StageError, WorldError, boundary
from agenttuning.pipeline.executors.relay import Host, WorkerLostError

try:
    import ray
    from ray.exceptions import RayError, RayTaskError
except ModuleNotFoundError as missing:
    raise MissingExtraError(
        f"executor = 'ray' needs the package {missing.name!r}; install it with `pip install 'agenttuning[ray]'`"
    ) from missing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from ray.actor import ActorHandle

    from agenttuning.core.records import Reply
    from agenttuning.pipeline.executors.relay import Refusal, Setup, Turn
    from agenttuning.pipeline.plays import Play

_MOST_PLAYS = 100_000
"""Calls that an actor takes at once; the driver's own seats are the limit."""
_CLOSE_SECONDS = 15.0
_STORE_BYTES = 100 << 20
"""Of a cluster that we start; trajectories pass through it one by one."""


class _Method(Protocol):
    def remote(self, *values: object) -> Awaitable[Turn]: ...


class _Actor(Protocol):
    """What Ray makes of a `Host`; its own types tell nothing of async methods."""

    ready: _Method
    begin: _Method
    answer: _Method
    close: _Method


class ActorWorker:
    """An actor that hosts worlds; implements `Worker`."""

    def __init__(self, actor: _Actor) -> None:
        self._actor = actor

    async def begin(self, number: int, play: Play) -> Turn:
        """See `Host.begin`; raises `WorkerLostError`."""
        return await _lossy(self._actor.begin.remote(number, play))

    async def answer(self, number: int, told: Reply | Refusal) -> Turn:
        """See `Host.answer`; raises `WorkerLostError`."""
        return await _lossy(self._actor.answer.remote(number, told))

    async def close(self) -> None:
        """Let it close its worlds, and end it."""
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._actor.close.remote()
        except (RayError, TimeoutError):
            return
        finally:
            _kill(self._actor)


async def _lossy(call: Awaitable[Turn]) -> Turn:
    try:
        return await call
    except RayTaskError:
        raise
    except RayError as error:
        raise WorkerLostError(f"the Ray actor that hosted the world is gone: {type(error).__name__}") from error


def _kill(actor: _Actor) -> None:
    ray.kill(cast("ActorHandle[Host]", actor))


async def start_actor(setup: Setup) -> ActorWorker:
    """Ask for an actor, and return when it is placed and ready.

    Raises:
        WorkerLostError: it died before it was.
    """
    kind = ray.remote(Host).options(
        num_cpus=1, max_concurrency=_MOST_PLAYS, runtime_env={"env_vars": {"PYTHONPATH": _own_path()}}
    )
    actor = cast("_Actor", kind.remote(setup))
    ready = False
    try:
        await actor.ready.remote()
        ready = True
    except RayError as error:
        raise WorkerLostError(f"Ray could not start an actor: {error}") from error
    finally:
        if not ready:  # the driver waits no longer for it
            _kill(actor)
    return ActorWorker(actor)


def _own_path() -> str:
    """Return where our modules and the user's are found, less what every node has installed itself."""
    installed = (sys.prefix, sys.base_prefix)
    return os.pathsep.join(place for place in sys.path if place and not place.startswith(installed))


@contextmanager
def cluster(processes: int) -> Iterator[int]:
    """Connect to the cluster, or start one here; give the number of workers that it is asked for."""
    ours = not ray.is_initialized()
    if ours:
        _connect(processes)
    try:
        held = cast("dict[str, float]", ray.cluster_resources())  # type: ignore[no-untyped-call]
        yield processes or max(1, int(held.get("CPU", 1)))
    finally:
        if ours:
            ray.shutdown()


def _connect(processes: int) -> None:
    try:
        with boundary("environment"):
            if "RAY_ADDRESS" in os.environ:
                ray.init(log_to_driver=False, logging_level=logging.WARNING)
            else:
                ray.init(
                    num_cpus=processes or None,
                    object_store_memory=_STORE_BYTES,
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.WARNING,
                )
    except WorldError as error:
        place = os.environ.get("RAY_ADDRESS", "on this machine")
        raise StageError(
            f"no Ray cluster could be had ({place}): {error}; check RAY_ADDRESS and `ray status`"
        ) from error

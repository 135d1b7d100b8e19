"""Who may use a site that a user runs, while others play: readers together, whoever may change it alone.

Locks are files in the machine's folder for temporary files, one per site, so that they hold between processes and end
with a process that is killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import tempfile
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

_WAIT_SECONDS: Final = 0.05


@asynccontextmanager
async def access(addresses: Iterable[str], *, changing: bool) -> AsyncIterator[None]:
    """Hold the sites at some addresses; waits for its turn, however long it takes."""
    kind = fcntl.LOCK_EX if changing else fcntl.LOCK_SH
    with ExitStack() as held:
        for address in sorted(set(addresses)):
            handle = os.open(_lock_file(address), os.O_RDWR | os.O_CREAT, 0o666)
            held.callback(os.close, handle)
            while not _try(handle, kind):  # noqa: ASYNC110  a file lock has no event
                await asyncio.sleep(_WAIT_SECONDS)
        yield


def _lock_file(address: str) -> Path:
    return Path(tempfile.gettempdir()) / f"agenttuning-site-{digest(address)}.lock"


def _try(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

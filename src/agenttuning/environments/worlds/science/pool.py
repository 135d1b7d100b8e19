"""JavaMachines of this process: one Java machine per episode in progress, kept for the next episode.

At most as many run as there are processors, or as `AGENTTUNING_JVMS` says; each takes about 250 MB. An episode that
finds none free waits. A machine whose call was late, failed or was given up is ended, never used again; one that no
episode has wanted for ten minutes (`AGENTTUNING_IDLE_MINUTES`) is ended, too.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import Final

import anyio
import anyio.to_thread

from agenttuning.environments.worlds.idle import idle_seconds, look_again
from agenttuning.environments.worlds.science.jvm import JavaMachine
from agenttuning.errors import DataError

LIMIT_VARIABLE: Final = "AGENTTUNING_JVMS"
_WAIT_SECONDS: Final = 0.02


def most_machines() -> int:
    """Return how many Java machines this process may run.

    Raises:
        DataError: the variable holds no positive number.
    """
    told = os.environ.get(LIMIT_VARIABLE)
    if told is None:
        return os.cpu_count() or 1
    if not told.isdecimal() or int(told) < 1:
        raise DataError(f"{LIMIT_VARIABLE} must be a number of at least 1, got {told!r}; correct it or unset it")
    return int(told)


class Pool:
    """The Java machines of one process; a forked child begins with none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._idle: list[tuple[JavaMachine, float]] = []
        """With the moment of their last use."""
        self._taken = 0
        self._watched = False

    async def take(self) -> JavaMachine:
        """Return a machine that nobody else uses; start one if there may be one more."""
        while not self._reserve():  # noqa: ASYNC110  an event belongs to one loop, this pool to all of them
            await anyio.sleep(_WAIT_SECONDS)
        try:
            while (found := self._pop()) is None:
                await anyio.to_thread.run_sync(self._start)
        except BaseException:
            with self._lock:
                self._taken -= 1
            raise
        return found

    def _reserve(self) -> bool:
        with self._lock:
            if self._owner != os.getpid():
                self._owner, self._idle, self._taken, self._watched = os.getpid(), [], 0, False
                atexit.register(self.close)
            free = self._taken < most_machines()
            self._taken += free
            return free

    def _pop(self) -> JavaMachine | None:
        """Return an idle machine; one that died meanwhile is put away."""
        with self._lock:
            while self._idle:
                machine, _ = self._idle.pop()
                if machine.alive:
                    return machine
                machine.close()
        return None

    def _start(self) -> None:
        """Start one more; it is idle first, so that it is not lost where nobody waits for it any longer."""
        machine = JavaMachine()
        with self._lock:
            self._idle.append((machine, time.monotonic()))

    def give_back(self, machine: JavaMachine, *, sound: bool) -> None:
        """Take a machine back, or end it where it may not be sound."""
        if not sound:
            machine.close()
        with self._lock:
            self._taken -= 1
            if sound:
                self._idle.append((machine, time.monotonic()))
            watch, self._watched = sound and not self._watched, self._watched or sound
        if watch:
            patience = idle_seconds()
            look_again(lambda: self._reap(patience))

    def _reap(self, patience: float) -> float | None:
        """End what has been idle for so many seconds; return when to look again, None when nothing is idle."""
        now = time.monotonic()
        with self._lock:
            expired = [machine for machine, since in self._idle if now - since >= patience]
            self._idle = [(machine, since) for machine, since in self._idle if now - since < patience]
            oldest = min((since for _, since in self._idle), default=None)
            self._watched = oldest is not None
        for machine in expired:
            machine.close()
        return None if oldest is None else max(0.01, oldest + patience - now)

    def close(self) -> None:
        """End the machines that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for machine, _ in idle:
            machine.close()


POOL: Final = Pool()
"""Empty until the first episode."""

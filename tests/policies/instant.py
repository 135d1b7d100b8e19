"""An event loop whose clock jumps to the next thing to do: minutes of waiting in no time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class InstantLoop(asyncio.SelectorEventLoop):
    """Never sleeps."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def run_instantly(main: Coroutine[object, object, T]) -> T:
    """Run a coroutine to its end."""
    with asyncio.Runner(loop_factory=InstantLoop) as runner:
        return runner.run(main)

"""Where the wall time of an episode goes: every moment of it belongs to one phase.

`span` opens a phase around an await; `spend` moves seconds, measured elsewhere, from the open phase into another. Both
cost next to nothing outside an episode that is tracked.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

OWN: Final = "own"
"""The phase of what is in no other: our own code, and the wait for the event loop to come to it."""


@dataclass(slots=True)
class Track:
    """The phases of one episode."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    """By phase; they add up to the time since the beginning."""
    calls: Counter[str] = field(default_factory=Counter)
    """How often each phase was entered."""
    _open: list[str] = field(default_factory=lambda: [OWN])
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        self._since = time.monotonic()

    def enter(self, phase: str) -> None:
        """Go on in this phase."""
        self.settle()
        self.calls[phase] += 1
        self._open.append(phase)

    def leave(self) -> None:
        """Go back to the phase before."""
        self.settle()
        self._open.pop()

    def spend(self, phase: str, seconds: float) -> None:
        """Count so many of the last seconds of the open phase to another."""
        self.calls[phase] += 1
        self.seconds[phase] += seconds
        self.seconds[self._open[-1]] -= seconds

    def settle(self) -> None:
        """Count the time until now."""
        now = time.monotonic()
        self.seconds[self._open[-1]] += now - self._since
        self._since = now


class Watch(Protocol):
    """Is told of every episode that has ended."""

    def __call__(self, world: str, track: Track) -> None:
        """Take note of where the time of an episode of this world went."""


_TRACK: ContextVar[Track | None] = ContextVar("track", default=None)
_UNTRACKED: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class _Span:
    track: Track
    phase: str

    def __enter__(self) -> None:
        self.track.enter(self.phase)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.track.leave()


def span(phase: str) -> AbstractContextManager[None]:
    """Count what happens inside to a phase of the tracked episode, if there is one."""
    track = _TRACK.get()
    return _UNTRACKED if track is None else _Span(track, phase)


def spend(phase: str, seconds: float) -> None:
    """Count so many of the last seconds to a phase of the tracked episode, if there is one."""
    track = _TRACK.get()
    if track is not None:
        track.spend(phase, seconds)


@contextmanager
def tracking(track: Track) -> Iterator[None]:
    """Track what this asyncio task does inside."""
    token = _TRACK.set(track)
    try:
        yield
    finally:
        _TRACK.reset(token)
        track.settle()

"""Progress on stderr: a bar with rate and time left on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

PLAIN_SECONDS = 10.0
"""Seconds between two plain lines."""


class Advance(Protocol):
    """Reports that some work is done."""

    def __call__(self, *, steps: int = 1, note: str = "") -> None:
        """Count `steps` units done; `note` is the latest figure, such as `success 81 %` or `loss 0.42`."""


@contextmanager
def progress(label: str, total: int, *, done: int = 0) -> Iterator[Advance]:
    """Show the progress of `total` units, `done` of them finished by an earlier call."""
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console, label, total, done) as advance:
            yield advance
    else:
        plain = _PlainLines(label, total, done)
        yield plain
        plain.finish()


@contextmanager
def _bar(console: Console, label: str, total: int, done: int) -> Iterator[Advance]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<14}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task(label, total=total, completed=done, note="", rate="")

        def advance(*, steps: int = 1, note: str = "") -> None:
            speed = bars.tasks[0].speed
            bars.update(bar, advance=steps, note=note, rate=f"{speed:,.1f}/s" if speed else "")

        yield advance


class _PlainLines:
    def __init__(self, label: str, total: int, done: int) -> None:
        self._label, self._total, self._done, self._before = label, total, done, done
        self._began = self._printed = time.monotonic()
        self._note = ""

    def __call__(self, *, steps: int = 1, note: str = "") -> None:
        self._done += steps
        self._note = note or self._note
        if time.monotonic() - self._printed >= PLAIN_SECONDS:
            self._print()

    def finish(self) -> None:
        if self._printed > self._began or time.monotonic() - self._began >= 2:
            self._print()

    def _print(self) -> None:
        self._printed = time.monotonic()
        rate = (self._done - self._before) / max(self._printed - self._began, 1e-9)
        left = (self._total - self._done) / rate if rate else 0.0
        line = f"{self._label}: {self._done}/{self._total}, {rate:,.1f}/s, {left:,.0f} s left"
        sys.stderr.write(f"{line}, {self._note}\n" if self._note else f"{line}\n")
        sys.stderr.flush()

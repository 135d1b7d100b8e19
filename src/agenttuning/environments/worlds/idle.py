"""Programs that are kept for the next episode are ended when none has come for a while; a later one starts anew."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

IDLE_VARIABLE: Final = "AGENTTUNING_IDLE_MINUTES"
_MINUTES: Final = 10.0


def idle_seconds() -> float:
    """Return how long a Java machine or a browser is kept without an episode.

    Raises:
        DataError: the variable holds no positive number.
    """
    told = os.environ.get(IDLE_VARIABLE)
    try:
        minutes = _MINUTES if told is None else float(told)
    except ValueError:
        minutes = 0.0
    if not 0.0 < minutes < float("inf"):
        raise DataError(f"{IDLE_VARIABLE} must be a positive number of minutes, got {told!r}; correct it or unset it")
    return 60.0 * minutes


def look_again(look: Callable[[], float | None]) -> None:
    """Call `look` in a thread of its own until it returns None; until then, after as many seconds as it returns."""

    def watch() -> None:
        while (seconds := look()) is not None:
            time.sleep(seconds)

    threading.Thread(target=watch, name="idle", daemon=True).start()

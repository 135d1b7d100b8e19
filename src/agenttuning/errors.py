"""Every error that a user can meet, and the one place that catches what nobody foresaw.

    AgentTuningError (ValueError)      a user's mistake or a missing piece; the text says what to do next
    ├── RecipeError                    a recipe: unknown key, wrong type, impossible value
    ├── DataError                      a file: missing, torn, of another format
    ├── RunError                       a run folder: holds results already, belongs to another recipe
    ├── MissingExtraError              an optional dependency or system package is not installed
    ├── UnknownNameError               an id that nothing answers to
    └── StageError                     a stage could not do its work
    SideError (RuntimeError)           one side of an episode broke: recorded on the trajectory, never fatal
    ├── PolicyError                    the model, its server or its reply
    │   ├── ContextLimitError          the conversation no longer fits the model: a stop, not a failure
    │   └── BudgetError                the tokens or the time allowed are used up: a stop, not a failure
    └── WorldError                     the environment or something it started (database, sandbox, browser)

`boundary` holds the only place of the code base that catches whatever comes.
"""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LONGEST_TEXT = 2000
"""Of a foreign error's text."""

__all__ = [
    "AgentTuningError",
    "BudgetError",
    "ContextLimitError",
    "DataError",
    "MissingExtraError",
    "PolicyError",
    "RecipeError",
    "RunError",
    "SideError",
    "StageError",
    "UnknownNameError",
    "WorldError",
    "boundary",
    "nearest",
]


class AgentTuningError(ValueError):
    """A user's mistake or a missing piece; shown as one sentence, without a traceback."""


class RecipeError(AgentTuningError):
    """A recipe that cannot be run."""


class DataError(AgentTuningError):
    """A file that is missing, torn or of another format."""


class RunError(AgentTuningError):
    """A run folder that may not be written into."""


class MissingExtraError(AgentTuningError):
    """An optional dependency or system package is not installed."""


class UnknownNameError(AgentTuningError):
    """An id that nothing answers to."""


class StageError(AgentTuningError):
    """A stage could not do its work."""


class SideError(RuntimeError):
    """One side of an episode broke; `side` names it on the trajectory."""

    side = "environment"
    origin: str | None = None
    """Name of the error behind it, where that was raised in another process."""


class PolicyError(SideError):
    """The model, its server or its reply broke."""

    side = "policy"


class ContextLimitError(PolicyError):
    """The conversation no longer fits the model."""


class BudgetError(PolicyError):
    """The tokens or the time allowed are used up."""


class WorldError(SideError):
    """The environment, or something that it started, broke."""


@contextmanager
def boundary(side: str) -> Iterator[None]:
    """Turn anything unforeseen into a `SideError` whose text names the side that broke.

    Errors that already say which side broke pass unchanged, and so do `KeyboardInterrupt`, the cancellation of this
    task and the users' own mistakes (`AgentTuningError`). What only a `BaseException` catches is caught all the same:
    a library that calls `sys.exit`, a panic of a compiled one, a cancellation that nobody asked for.
    """
    try:
        yield
    except (SideError, AgentTuningError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        if _cancels_us(error):
            raise
        raised = PolicyError if side == "policy" else WorldError
        raise raised(f"{type(error).__name__}: {_told(error)}") from error


def _cancels_us(error: BaseException) -> bool:
    import asyncio

    if not isinstance(error, asyncio.CancelledError):
        return False
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return True
    return task is None or task.cancelling() > 0


def _told(error: BaseException) -> str:
    """Return what an error says, in bounds; its own code may break, too."""
    try:
        text = str(error).encode("utf-8", "replace").decode()
    except Exception as broken:  # noqa: BLE001  whatever an error's own text raises says nothing of the error
        return f"(its text raises {type(broken).__name__})"
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}... ({len(text):,} characters)"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the nearest known name, or an empty string."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""

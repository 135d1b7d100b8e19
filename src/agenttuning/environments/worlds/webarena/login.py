"""Cookies of users who are logged in, per site, as the benchmark's own log-in script leaves them (`*_state.json`)."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from pydantic import BaseModel, JsonValue, ValidationError

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.async_api import StorageState

_ENDING = "_state.json"


class _State(BaseModel):
    cookies: list[dict[str, JsonValue]]
    origins: list[dict[str, JsonValue]] = []


def logged_in_sites(storage_state: str) -> tuple[str, ...]:
    """Return the sites that a task's own file name stands for, such as `./.auth/gitlab.reddit_state.json`."""
    return tuple(PurePath(storage_state).name.removesuffix(_ENDING).split("."))


def read_storage_state(folder: Path, storage_state: str) -> StorageState:
    """Return the state that a task asks for: that of each of its sites, together.

    Raises:
        DataError: a site's file is missing or of another format.
    """
    cookies: list[dict[str, JsonValue]] = []
    origins: list[dict[str, JsonValue]] = []
    for site in logged_in_sites(storage_state):
        path = folder / f"{site}{_ENDING}"
        try:
            state = _State.model_validate_json(path.read_bytes())
        except OSError as error:
            raise DataError(f"no log-in at {str(path)!r}; save the browser's storage state of {site} there") from error
        except ValidationError as error:
            raise DataError(f"{path} holds no storage state: {error.errors()[0]['msg']}") from error
        cookies += state.cookies
        origins += state.origins
    return cast("StorageState", {"cookies": cookies, "origins": origins})

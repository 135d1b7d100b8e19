"""Settings from the command line for what is no recipe: a world, a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from agenttuning.core.records import Record
from agenttuning.errors import RecipeError, nearest
from agenttuning.recipe import apply_overrides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task

ConfigT = TypeVar("ConfigT", bound=Record)


def configure_world(
    kind: type[Environment[Task]], words: Sequence[str], *, official: Path | None = None
) -> EnvironmentConfig:
    """Build a world's configuration from `key=value` words."""
    if official is not None and not official.exists():
        raise RecipeError(f"no such file or folder: {str(official)!r}; give the place of the benchmark's own data")
    given = {} if official is None else {"official": str(official)}
    return configure(kind.config_type, words, given=given)


def configure(kind: type[ConfigT], words: Sequence[str], *, given: Mapping[str, JsonValue] | None = None) -> ConfigT:
    """Build a configuration from `key=value` words; a mistake names the key and the known ones."""
    data = dict(given or {})
    apply_overrides(data, words)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = sorted(kind.model_fields)
        hint = "" if key in known else nearest(key, known)
        raise RecipeError(f"{key!r}{hint}: {first['msg']}; keys: {', '.join(known)}") from error

"""What the world verbs share: an environment class and its configuration from the command line."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from agenttuning.errors import RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.environment import Environment, EnvironmentConfig
    from agenttuning.core.records import Task


def configure(
    kind: type[Environment[Task]], overrides: Sequence[str], *, official: Path | None = None
) -> EnvironmentConfig:
    """Build the world's configuration from `key=value` words."""
    data: dict[str, JsonValue] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise RecipeError(f"a setting is written key=value, for example difficulty=tiny; got {override!r}")
        try:
            data[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            data[key] = text
    if official is not None:
        if not official.exists():
            raise RecipeError(f"no such file or folder: {str(official)!r}; give the place of the benchmark's own data")
        data["official"] = str(official)
    return validated(kind, data)


def validated(kind: type[Environment[Task]], data: Mapping[str, JsonValue]) -> EnvironmentConfig:
    """Validate a configuration; a mistake names the key and the known ones."""
    try:
        return kind.config_type.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        known = sorted(kind.config_type.model_fields)
        raise RecipeError(
            f"{kind.id}: {key!r}{nearest(key, known)}: {first['msg']}; keys: {', '.join(known)}"
        ) from error

"""The worlds. One file is one environment; its file name is its id.

Nothing is listed here: adding `held_out/my_world.py` is enough. An environment of another package is
named `package.module:Class`.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from agenttuning.core.environment import Environment
from agenttuning.errors import MissingExtraError, UnknownNameError, nearest

if TYPE_CHECKING:
    from agenttuning.core.records import Task

__all__ = ["environment_ids", "load_environment"]

_GROUPS = ("held_in", "held_out", "general")


def environment_ids() -> list[str]:
    """Return the built-in ids in the paper's order of groups, without importing any of them."""
    return list(_modules())


@cache
def load_environment(name: str) -> type[Environment[Task]]:
    """Import the class behind an id, or behind `package.module:Class`; its dependencies load only now.

    Raises:
        UnknownNameError: no environment has that id.
        MissingExtraError: its dependencies are not installed.
    """
    module, _, class_name = name.partition(":")
    path = module if class_name else _modules().get(name)
    if path is None:
        known = environment_ids()
        raise UnknownNameError(f"unknown environment {name!r}{nearest(name, known)}; known: {', '.join(known)}")
    try:
        imported = importlib.import_module(path)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"environment {name!r} needs the package {error.name!r}; run `agenttuning doctor` for what to install"
        ) from error
    found = [value for value in vars(imported).values() if _is_environment(value) and value.__module__ == path]
    chosen = [value for value in found if not class_name or value.__name__ == class_name]
    if len(chosen) != 1:
        raise UnknownNameError(f"{path} must define exactly one Environment{class_name and f' named {class_name!r}'}")
    return chosen[0]


def _modules() -> dict[str, str]:
    folder = Path(__file__).parent
    return {
        module.name: f"{__name__}.{group}.{module.name}"
        for group in _GROUPS
        for module in pkgutil.iter_modules([str(folder / group)])
        if not module.name.startswith("_")
    }


def _is_environment(value: object) -> TypeGuard[type[Environment[Task]]]:
    return isinstance(value, type) and issubclass(value, Environment)

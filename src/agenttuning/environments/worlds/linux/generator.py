"""The embedded problems: one seeded draft after another, each made alone from its seed, split and index."""

from __future__ import annotations

from itertools import count as numbers
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux import (
    archives,
    counting,
    editing,
    finding,
    logs,
    permissions,
    pipelines,
    processes,
    tiny,
    users,
)
from agenttuning.environments.worlds.linux.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.linux.draft import Draft

_FAMILIES: Final = (counting, finding, editing, permissions, processes, logs, archives, users, pipelines)


def templates(difficulty: Difficulty) -> tuple[tuple[Callable[[Scene], Draft | None], ...], ...]:
    """Return the templates of each family."""
    if difficulty == "tiny":
        return tuple((template,) for template in tiny.TEMPLATES)
    return tuple(family.HARD if difficulty == "hard" else family.STANDARD for family in _FAMILIES)


def draft(difficulty: Difficulty, *, seed: int, test: bool, index: int) -> Draft:
    """Return one problem; the same arguments give the same problem, and no other is drawn for it.

    The families take turns; a scene in which the template's question has no clear answer is drawn anew.
    """
    families = templates(difficulty)
    family = families[index % len(families)]
    template = family[index // len(families) % len(family)]
    for attempt in numbers():
        scene = Scene(
            f"linux {difficulty} {seed} {'test' if test else 'train'} {index} {attempt}",
            test=test,
            hard=difficulty == "hard",
            short=difficulty == "tiny",
        )
        made = template(scene)
        if made is not None:
            return made
    raise AssertionError("unreachable")


def drafts(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[Draft]:
    """Yield the first `count` problems of a split lazily."""
    return (draft(difficulty, seed=seed, test=test, index=index) for index in range(count))

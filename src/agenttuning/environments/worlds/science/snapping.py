"""From what a model writes to an action that the world knows, as the 2023 evaluation did it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOMS: Final = (
    "hallway", "greenhouse", "kitchen", "bathroom", "outside", "workshop", "art studio", "foundry", "bedroom",
    "living room",
)  # fmt: skip
"""The rooms of ScienceWorld."""
_ODD: Final = re.compile(r"[^a-zA-Z0-9 ]")
_FOCUS: Final = "focus on "


def candidates(valid: Iterable[str], *, rooms: Sequence[str], seen: str) -> list[str]:
    """Return what may be snapped to: the valid actions, doors added, and what would be no use left out.

    Args:
        valid: the actions that the world lists.
        rooms: rooms with a door; opening one is always offered, focusing on one never.
        seen: room and inventory in words; a focus on what they do not name is left out.
    """
    shown = seen.lower()
    never = {f"{_FOCUS}{name}" for name in ("agent", "air", *rooms)} if rooms else set()
    offered = {*valid, *(f"open door to {room}" for room in rooms)} - never
    return sorted(action for action in offered if _useful(action, shown))


def _useful(action: str, shown: str) -> bool:
    if "door" in action and "open" not in action:
        return False
    if action.startswith(_FOCUS):
        return all(word in shown for word in action.removeprefix(_FOCUS).lower().split())
    return True


def snap(said: str, offered: Sequence[str]) -> tuple[str, bool]:
    """Return the action that a reply stands for, and whether the reply held it as it is.

    Without an exact match it is the action that shares most words, the shortest first; without a shared word the
    reply itself.
    """
    exact = said.replace("green house", "greenhouse").strip()
    if exact in offered:
        return exact, True
    words = set(_ODD.sub("", said).split())
    best, most = said, 0
    for action in sorted(offered, key=len):
        shared = len(words.intersection(_ODD.sub("", action).split()))
        if shared > most:
            best, most = action, shared
    return best, False

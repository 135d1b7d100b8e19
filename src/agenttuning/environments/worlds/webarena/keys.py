"""Names of keys: those that models write, and those of the browser."""

from __future__ import annotations

from typing import Final

_KEYS: Final = {
    "alt": "Alt",
    "arrowdown": "ArrowDown",
    "arrowleft": "ArrowLeft",
    "arrowright": "ArrowRight",
    "arrowup": "ArrowUp",
    "backspace": "Backspace",
    "cmd": "Control",
    "ctrl": "Control",
    "control": "Control",
    "delete": "Delete",
    "end": "End",
    "enter": "Enter",
    "esc": "Escape",
    "escape": "Escape",
    "home": "Home",
    "meta": "Control",
    "pagedown": "PageDown",
    "pageup": "PageUp",
    "return": "Enter",
    "shift": "Shift",
    "space": "Space",
    "tab": "Tab",
}


def browser_keys(combination: str) -> str:
    """Return a key combination, such as `ctrl+a`, in the browser's names."""
    parts = [part.strip() for part in combination.split("+")] if combination != "+" else ["+"]
    return "+".join(_KEYS.get(part.lower(), part) for part in parts)

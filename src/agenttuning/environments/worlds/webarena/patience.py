"""When the protocol ends an episode that goes nowhere: three unreadable replies, or three equal actions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Stop

if TYPE_CHECKING:
    from agenttuning.environments.worlds.webarena.actions import Action

_ENOUGH: Final = 3


@dataclass
class Patience:
    """Counts what repeats itself."""

    _unreadable: int = 0
    _latest: str = ""
    _row: int = 0
    _typed: Counter[str] = field(default_factory=Counter)

    def unreadable(self) -> Stop | None:
        """Note a reply without an action; return why the episode ends now, if it does."""
        self._unreadable += 1
        self._row, self._latest = 0, ""
        return Stop.FORMAT if self._unreadable >= _ENOUGH else None

    def taken(self, action: Action, *, document: str) -> Stop | None:
        """Note an action; return why the episode ends now, if it does.

        Args:
            action: what was done; equal texts typed into the same field count wherever in the episode, others in a row.
            document: the document that numbers of elements belong to: the same number elsewhere is another element.
        """
        self._unreadable = 0
        told = f"{document} {action}" if action.verb in ("click", "hover", "type") else str(action)
        self._row = self._row + 1 if told == self._latest else 1
        self._latest = told
        if action.verb == "type":
            self._typed[told] += 1
            return Stop.REPEAT if self._typed[told] >= _ENOUGH else None
        return Stop.REPEAT if self._row >= _ENOUGH else None

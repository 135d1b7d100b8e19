"""One task on one page: what is asked, the HTML it starts from, and the state that a button must find."""

from __future__ import annotations

from agenttuning.core.records import Record


class Goal(Record):
    """The judged state: pressing any button ends the episode, won if all of this holds."""

    button: str
    """Text of the button to press; unique on the page."""
    texts: tuple[tuple[str, str], ...] = ()
    """Element id of a field or list, and what it must hold; all other fields stay as they are."""
    ticked: tuple[str, ...] = ()
    """Ids of the boxes to tick; all others stay unticked."""


class Scene(Record):
    """A page and its task."""

    kind: str
    utterance: str
    html: str
    """Outer HTML of the task area."""
    goal: Goal

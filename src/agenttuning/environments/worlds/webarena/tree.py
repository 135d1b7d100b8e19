"""The accessibility tree as the agent reads it: one line per element that is in sight, with a number to act on.

    [1] RootWebArea 'Lamps' focused: True
        [2] link 'Home'
        [3] textbox 'Search' required: False

Rules of 2023: some properties are left out; nodes without a name and of no meaning give their place to their children,
and so does what lies outside of the window; a text that one of the three lines before holds already is not repeated.
Left out besides, because browsers of 2023 did not have them: inline text boxes, and the properties `url`, `labelledby`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Box = tuple[float, float, float, float]
"""Left, top, width and height in the window, in pixels."""
_OMITTED: Final = frozenset(
    ("focusable", "editable", "readonly", "level", "settable", "multiline", "invalid", "url", "labelledby")
)
_MEANINGLESS: Final = frozenset(
    ("generic", "img", "list", "strong", "paragraph", "banner", "navigation", "Section", "LabelText", "Legend")
)
_NEVER: Final = frozenset(("InlineTextBox", "MenuListPopup"))
_NAMES_OF_2023: Final = {"image": "img"}
_FIELDS: Final = frozenset(("combobox", "searchbox", "spinbutton", "textbox"))
"""Within these the browser draws what it gives no box for: the options of a list, the text of a field."""
_TEXT: Final = "StaticText"
_LINES_BEFORE: Final = 3
_MAX_NAME: Final = 2_000


class _Value(BaseModel):
    value: JsonValue = None


class _Property(BaseModel):
    name: str
    value: _Value


class AxNode(BaseModel):
    """One node as the browser's DevTools give it (`Accessibility.AXNode`)."""

    model_config = ConfigDict(alias_generator=to_camel)

    node_id: str
    ignored: bool = False
    role: _Value = _Value()
    name: _Value = _Value()
    properties: list[_Property] = []
    child_ids: list[str] = []
    backend: int | None = Field(default=None, alias="backendDOMNodeId")


@dataclass(frozen=True, slots=True)
class Element:
    """One line of the tree, not yet numbered."""

    backend: int
    """The browser's own id of the node, unique within a document."""
    role: str
    name: str
    properties: str
    depth: int

    @property
    def told(self) -> str:
        """The line without its number."""
        return f"{self.role} {self.name!r} {self.properties}".rstrip()


def elements_in_sight(nodes: Sequence[AxNode], boxes: Mapping[int, Box], *, window: tuple[int, int]) -> list[Element]:
    """Return the lines of a tree.

    Args:
        nodes: the whole tree, its root first.
        boxes: where nodes lie, by backend id; a node without a box is not drawn.
        window: width and height in pixels.
    """
    kept: list[Element] = []
    lines: list[str] = []
    for element in _walk(nodes, boxes, window):
        if element.role == _TEXT:
            text = repr(element.name)[1:-1]
            if not text or any(text in line for line in lines[-_LINES_BEFORE:]):
                continue
        kept.append(element)
        lines.append(element.told)
    return kept


def _walk(nodes: Sequence[AxNode], boxes: Mapping[int, Box], window: tuple[int, int]) -> Iterator[Element]:
    """Yield what is meaningful and in sight, parents first; no recursion, since pages nest as deep as they like."""
    known = {node.node_id: node for node in nodes}
    root = nodes[0].node_id if nodes else ""
    waiting = [(root, 0, False)]
    while waiting:
        name, depth, within_field = waiting.pop()
        node = known.pop(name, None)
        if node is None:
            continue
        box = boxes.get(node.backend) if node.backend is not None else None
        shown = name == root or (within_field if box is None else _in_sight(box, window))
        element = _element(node, depth) if shown else None
        if element is not None:
            yield element
        below = depth + (element is not None)
        within_field = shown and (within_field or node.role.value in _FIELDS)
        waiting.extend((child, below, within_field) for child in reversed(node.child_ids))


def _in_sight(box: Box, window: tuple[int, int]) -> bool:
    """Tell whether any part of a box lies inside of the window."""
    left, top, width, height = box
    seen_across = min(left + width, window[0]) - max(left, 0)
    seen_down = min(top + height, window[1]) - max(top, 0)
    return seen_across > 0 and seen_down > 0


def _element(node: AxNode, depth: int) -> Element | None:
    role, name = node.role.value, node.name.value
    if node.ignored or node.backend is None or not isinstance(role, str) or not isinstance(name, str) or role in _NEVER:
        return None
    role = _NAMES_OF_2023.get(role, role)
    told = " ".join(
        f"{each.name}: {_shown(each.value.value)}"
        for each in node.properties
        if each.name not in _OMITTED and each.value.value is not None
    )
    if not name.strip() and (role == "listitem" or (not told and role in _MEANINGLESS)):
        return None
    return Element(node.backend, role, name[:_MAX_NAME], told, depth)


def _shown(value: JsonValue) -> str:
    return str(value)[:_MAX_NAME]


@dataclass(frozen=True, slots=True)
class Sight:
    """What a tab shows."""

    url: str
    tabs: str
    """The line of open tabs."""
    elements: tuple[tuple[int, Element], ...]
    """Each with its number, in the order of the tree."""
    note: str = ""
    """What stands in the tree's place where it cannot be shown."""

    @property
    def tree(self) -> str:
        """All lines."""
        return self.note or "\n".join(
            "\t" * element.depth + f"[{number}] {element.told}" for number, element in self.elements
        )

    def find(self, number: int) -> Element | None:
        """Return the element with that number, if it is in sight."""
        return next((element for known, element in self.elements if known == number), None)


_WANTED: Final = re.compile(r"\[(?P<role>[A-Za-z]+) (?P<quote>['\"])(?P<name>.*?)(?P=quote)(?: #(?P<which>\d+))?\]")


def resolve(template: str, sight: Sight) -> str | None:
    """Put numbers in the place of elements that are named by role and name; None where one is not in sight.

    Args:
        template: such as `click [link 'Sign in']`; `[link 'Edit' #2]` is the second of that name.
        sight: what is looked at.
    """
    missing = False

    def number_of(found: re.Match[str]) -> str:
        nonlocal missing
        same = [
            number
            for number, element in sight.elements
            if element.role == found["role"] and element.name.strip() == found["name"].strip()
        ]
        which = int(found["which"] or 1)
        if len(same) < which:
            missing = True
            return ""
        return f"[{same[which - 1]}]"

    filled = _WANTED.sub(number_of, template, count=1)
    return None if missing else filled

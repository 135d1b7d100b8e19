"""Elements of a generated page, and their XML with Mind2Web's node ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True)
class Element:
    """An element; `key` names what can be acted upon."""

    tag: str
    attributes: dict[str, str]
    children: tuple[Element | str, ...] = ()
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Markup:
    """A written page."""

    html: str
    nodes: dict[str, str]
    """Key to node id, in the order of the page."""


def element(tag: str, *children: Element | str, key: str | None = None, **attributes: str) -> Element:
    """Return an element; attributes without a value are left out."""
    return Element(tag, {name: value for name, value in attributes.items() if value}, children, key)


def write(root: Element, draw: random.Random) -> Markup:
    """Write a page; node ids grow through the page with gaps, as in recordings of real ones."""
    nodes: dict[str, str] = {}
    number = draw.randint(100, 9000)

    def written(node: Element | str) -> str:
        nonlocal number
        number += draw.randint(1, 4)
        if isinstance(node, str):
            return f'<text backend_node_id="{number}">{escape(node)}</text>'
        if node.key is not None:
            nodes[node.key] = str(number)
        told = "".join(f" {name}={quoteattr(value)}" for name, value in node.attributes.items())
        opening = f'{node.tag} backend_node_id="{number}"{told}'
        inner = " ".join(written(child) for child in node.children)
        return f"<{opening}> {inner} </{node.tag}>" if inner else f"<{opening}/>"

    return Markup(written(root), nodes)

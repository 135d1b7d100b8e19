"""A page as the model sees it (Mind2Web's representation, arXiv 2306.06070, in AgentBench's variant with brackets).

A page is cut down to its candidates, their ancestors, near descendants and near siblings; attributes shrink to their
words. Everything is a function of the page and the candidates: two questions share nothing.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from agenttuning.errors import MissingExtraError

try:
    from lxml import etree
except ModuleNotFoundError as error:
    raise MissingExtraError("mind2web needs lxml; run `pip install 'agenttuning[search]'`") from error

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lxml.etree import _Element

NODE: Final = "backend_node_id"
ATTRIBUTES: Final = (
    *("role", "aria_role", "type", "alt", "aria_description", "aria_label", "label", "title", "name"),
    *("text_value", "value", "placeholder", "input_checked", "input_value", "option_selected", "class"),
)
"""The attributes that tell something, in the order in which they are told."""
_SILENT: Final = frozenset({"hidden", "none", "presentation", "null", "undefined"})
_LONGEST_WORD: Final = 15
_WORDS_OF_ATTRIBUTE: Final = 5
_WORDS_OF_NODE: Final = 20
_WORDS_OF_CHOICE: Final = 10
_LEVELS: Final = 6
_DESCENDANTS: Final = 50
_SIBLINGS: Final = 3
_TEXT: Final = re.compile(r"<text>(.*?)</text>")
_OPENING: Final = re.compile(r"<(.+?)>")
_CLOSING: Final = re.compile(r"</(.+?)>")
_ESCAPES: Final = (
    *(("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&ndash;", "-")),
    *(("&rsquo;", "'"), ("&lsquo;", "'"), ("&ldquo;", '"'), ("&rdquo;", '"'), ("&#39;", "'")),
    *(("&#40;", "("), ("&#41;", ")")),
)
"""Replaced one after the other, so that `&amp;lt;` ends as `<`, as in the original."""


class PageError(ValueError):
    """A page that is no XML, or lacks a candidate."""


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of a page."""

    context: str
    choices: tuple[tuple[str, str], ...]
    """(node id, first ten words of its text) of every candidate, in the order of the page."""


class Page:
    """A parsed page; never changed once it is made."""

    def __init__(self, html: str) -> None:
        """Parse.

        Raises:
            PageError: the text is no XML document.
        """
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
        try:
            self._root = etree.fromstring(html.encode("utf-8", "surrogatepass"), parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise PageError(f"the page is no XML: {error}") from error
        self._nodes: dict[str, _Element] = {}
        for node in self._root.iter(etree.Element):
            self._nodes.setdefault(node.get(NODE, ""), node)

    def ordered(self, nodes: Iterable[str]) -> tuple[str, ...]:
        """Return those nodes that are on the page, in its order, each once."""
        wanted = frozenset(nodes)
        return tuple(name for name in self._nodes if name in wanted)

    def view(self, candidates: Iterable[str]) -> View:
        """Cut the page down to what surrounds the candidates and write it as text.

        Raises:
            PageError: a candidate is not on the page.
        """
        wanted = frozenset(candidates)
        tree = self._cut(wanted)
        shown = [(name, node) for node in tree.iter(etree.Element) if (name := node.get(NODE)) is not None]
        names = {name: str(number) for number, name in enumerate(dict.fromkeys(name for name, _ in shown))}
        choices = tuple((name, " ".join(_text(node, names).split()[:_WORDS_OF_CHOICE])) for name, node in shown)
        return View(_text(tree, names), choices)

    def surroundings(self, node: str) -> tuple[str, str]:
        """Return the text of a node's ancestors and the text of the node itself: what a ranker reads.

        Raises:
            PageError: the node is not on the page.
        """
        tree = self._cut(frozenset({node}))
        found = next(element for element in tree.iter(etree.Element) if NODE in element.attrib)
        parent = found.getparent()
        if parent is not None:
            parent.remove(found)
        above = "" if parent is None else _text(tree, {}, brackets=False)
        return above, _text(found, {node: "0"}, brackets=False)

    def words(self, node: str) -> str:
        """Return the attributes and the text of a node and of the first nodes in it, without markup.

        Raises:
            PageError: the node is not on the page.
        """
        inner = islice(self._node(node).iter(etree.Element), _DESCENDANTS)
        parts = [element.text or "" if element.tag == "text" else _attributes(element) for element in inner]
        return " ".join(" ".join(parts).split())

    def _node(self, name: str) -> _Element:
        if name not in self._nodes:
            raise PageError(f"the page has no node {name!r}")
        return self._nodes[name]

    def _cut(self, candidates: frozenset[str]) -> _Element:
        kept = {name for candidate in candidates for name in _neighbourhood(self._node(candidate))}
        tree = copy.deepcopy(self._root)
        for node in reversed(list(tree.iter(etree.Element))):
            _keep_or_remove(node, kept=kept, candidates=candidates)
        return tree


def _neighbourhood(node: _Element) -> Iterator[str]:
    yield _name(node)
    yield from (_name(above) for above in node.iterancestors())
    for below in islice(_descend(node, levels=_LEVELS), _DESCENDANTS):
        yield _name(below)
    parent = node.getparent()
    if parent is not None:
        siblings = [sibling for sibling in parent if sibling.tag != "text"]
        place = siblings.index(node)
        near = siblings[max(0, place - _SIBLINGS) : place + _SIBLINGS + 1]
        yield from (_name(sibling) for sibling in near)


def _name(node: _Element) -> str:
    """Return a node's id; comments, which have no attributes to ask for, have none either."""
    return str(node.attrib.get(NODE, ""))


def _descend(node: _Element, *, levels: int) -> Iterator[_Element]:
    if levels:
        for child in node:
            yield child
            yield from _descend(child, levels=levels - 1)


def _keep_or_remove(node: _Element, *, kept: set[str], candidates: frozenset[str]) -> None:
    """Remove a node that is not kept; take what names it from one that is no candidate; replace a bare wrapper.

    Called from the last node of the page to the first, so that what lies in a node has been seen before it.
    """
    parent = node.getparent()
    text = node.tag == "text"
    named = parent if text and parent is not None else node
    if named.get(NODE, "") not in kept and parent is not None:
        parent.remove(node)
        return
    if NODE in node.attrib and (text or node.attrib[NODE] not in candidates):
        del node.attrib[NODE]
    if parent is None or text or len(node.attrib) or len(node) > 1 or any(child.tag == "text" for child in node):
        return
    for child in node:
        node.addprevious(child)
    parent.remove(node)


def _attributes(node: _Element) -> str:
    """Return the words of the attributes that tell something."""
    held = {str(name): str(value) for name, value in node.items()}
    told: dict[str, None] = {}
    for name in ATTRIBUTES:
        if name not in held:
            continue
        value = held[name].lower()
        if value in _SILENT or value.startswith("http"):
            continue
        short = [word for word in value.split() if len(word) < _LONGEST_WORD]
        told[" ".join(short[:_WORDS_OF_ATTRIBUTE])] = None
    return " ".join(" ".join(told).split()[:_WORDS_OF_NODE])


def _text(tree: _Element, names: Mapping[str, str], *, brackets: bool = True) -> str:
    """Write a tree as text; `names` gives the numbers of its candidates; without brackets, tags become parentheses."""
    written = copy.deepcopy(tree)
    for node in written.iter(etree.Element):
        if node.tag == "text":
            node.text = " ".join((node.text or "").split()[:_WORDS_OF_NODE])
            continue
        name, words = node.get(NODE, ""), _attributes(node)
        node.attrib.clear()
        if name:
            node.set("id", names.get(name, name))
        if words:
            node.set("meta", words)
    text = etree.tostring(written, encoding="unicode").replace('"', " ")
    text = text.replace("meta= ", "").replace("id= ", "id=").replace(" >", ">")
    text = _TEXT.sub(r"\1", text)
    if not brackets:
        text = _OPENING.sub(r"(\1", _CLOSING.sub(")", text.replace("/>", "$/$>"))).replace("$/$", ")")
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return " ".join(text.split())

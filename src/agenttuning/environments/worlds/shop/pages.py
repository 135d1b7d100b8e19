"""The pages of WebShop's text mode: visible strings joined by [SEP], and what can be clicked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from agenttuning.environments.worlds.shop.product import Product

HITS: Final = 50
"""Most products that a search finds."""
HITS_PER_PAGE: Final = 10
BACK: Final = "Back to Search"
PREVIOUS: Final = "< Prev"
NEXT: Final = "Next >"
BUY: Final = "Buy Now"
SUB_PAGES: Final = ("Description", "Features", "Reviews")


@dataclass(frozen=True, slots=True)
class Link:
    """Leads to a product."""

    asin: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Sets an option of the product."""

    name: str
    value: str


Target: TypeAlias = "Link | Choice | str"
"""What a click hits; a button is its own text."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the agent sees."""

    text: str
    targets: Mapping[str, Target]
    """What it may click, by lower-cased text, in the order in which it is told."""
    search_bar: bool = False

    @property
    def actions(self) -> str:
        """The line of available actions."""
        return str({"has_search_bar": self.search_bar, "clickables": list(self.targets)})


def index_page(instruction: str) -> Page:
    """Return the page with the search bar."""
    return Page(_joined(("WebShop", "Instruction:", instruction, "Search")), _targets(("Search",)), search_bar=True)


def results_page(instruction: str, products: Sequence[Product], *, number: int, total: int) -> Page:
    """Return one page of hits; `Next >` stands on every one, the last and those behind it too."""
    buttons = (BACK, PREVIOUS, NEXT) if number > 1 else (BACK, NEXT)
    strings = ["Instruction:", instruction, BACK, f"Page {number} (Total results: {total})", *buttons[1:]]
    for product in products:
        strings += [product.asin, product.title, product.price_tag]
    return Page(_joined(strings), _targets(buttons, {product.asin.lower(): Link(product.asin) for product in products}))


def item_page(instruction: str, product: Product) -> Page:
    """Return a product's page; a chosen option is not shown, and one value of two options sets the later."""
    strings = ["Instruction:", instruction, BACK, PREVIOUS]
    choices: dict[str, Target] = {}
    for name, values in product.options.items():
        strings += [name, *values]
        choices |= {value: Choice(name, value) for value in values}
    strings += [product.title, f"Price: {product.price_tag}", "Rating: N.A.", *SUB_PAGES, BUY]
    return Page(_joined(strings), _targets((BACK, PREVIOUS, *SUB_PAGES, BUY), choices))


def sub_page(instruction: str, product: Product, *, name: str) -> Page:
    """Return a page about a product: its description, its features, or its reviews, of which there are none."""
    shown = {"Description": (product.description,), "Features": product.bullets}.get(name, ())
    return Page(_joined(("Instruction:", instruction, BACK, PREVIOUS, *shown)), _targets((BACK, PREVIOUS)))


def _joined(strings: Iterable[str]) -> str:
    return " [SEP] ".join(string.strip() for string in strings if string not in ("", "\n"))


def _targets(buttons: Iterable[str], others: Mapping[str, Target] | None = None) -> Mapping[str, Target]:
    return {**{button.lower(): button for button in buttons}, **(others or {})}

"""One customer's way through the shop: searches, clicks, options, one purchase."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from agenttuning.environments.worlds.shop.pages import (
    BACK,
    BUY,
    HITS_PER_PAGE,
    NEXT,
    PREVIOUS,
    SUB_PAGES,
    Choice,
    Link,
    index_page,
    item_page,
    results_page,
    sub_page,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.shop.pages import Page
    from agenttuning.environments.worlds.shop.product import Product

_ACTION: Final = re.compile(r"(.+)\[(.+)\]")


class Catalogue(Protocol):
    """The products of a shop; nothing that a visit does changes it."""

    def product(self, asin: str) -> Product:
        """Return a product that the shop has."""

    def search(self, query: str) -> Sequence[str]:
        """Return the numbers of the best products, at most 50."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought, and the options that were set."""

    product: Product
    options: dict[str, str]


class Visit:
    """The state behind the pages. WebShop's rules: a search works from any page; an unknown action does nothing."""

    def __init__(self, catalogue: Catalogue, instruction: str) -> None:
        self._catalogue = catalogue
        self._instruction = instruction
        self._hits: Sequence[str] = ()
        self._number = 1
        self._product: Product | None = None
        self._options: dict[str, str] = {}
        self._on_sub_page = False
        self.purchase: Purchase | None = None
        self.page: Page = index_page(instruction)

    def act(self, action: str) -> bool:
        """Carry out `search[...]` or `click[...]`; tell whether there was anything to carry out."""
        parts = _ACTION.match(action)
        if parts is None:
            return False
        name, argument = parts[1], parts[2].lower()
        if name == "search":
            self._hits = self._catalogue.search(argument)
            self._show_results(1)
            return True
        if name == "click" and argument in self.page.targets and argument != "search":
            self._click(argument)
            return True
        return False

    def _click(self, text: str) -> None:
        target = self.page.targets[text]
        if text == BUY.lower() and self._product is not None:
            self.purchase = Purchase(self._product, dict(self._options))
        elif text == BACK.lower():
            self._show_index()
        elif text == NEXT.lower() and self._product is None:
            self._show_results(self._number + 1)
        elif text == PREVIOUS.lower():
            self._go_back()
        elif text.capitalize() in SUB_PAGES and self._product is not None:
            self._on_sub_page = True
            self.page = sub_page(self._instruction, self._product, name=text.capitalize())
        elif isinstance(target, Link):
            self._show_item(self._catalogue.product(target.asin))
        elif isinstance(target, Choice) and self._product is not None:
            self._options[target.name.lower()] = target.value
            self._show_item(self._product)

    def _go_back(self) -> None:
        if self._product is None:
            self._show_results(self._number - 1)
        elif self._on_sub_page:
            self._show_item(self._product)
        else:
            self._show_results(self._number)

    def _show_index(self) -> None:
        self._hits, self._number, self._product, self._options, self._on_sub_page = (), 1, None, {}, False
        self.page = index_page(self._instruction)

    def _show_results(self, number: int) -> None:
        self._number, self._product, self._options, self._on_sub_page = number, None, {}, False
        shown = self._hits[(number - 1) * HITS_PER_PAGE : number * HITS_PER_PAGE]
        products = [self._catalogue.product(asin) for asin in shown]
        self.page = results_page(self._instruction, products, number=number, total=len(self._hits))

    def _show_item(self, product: Product) -> None:
        self._product, self._on_sub_page = product, False
        self.page = item_page(self._instruction, product)

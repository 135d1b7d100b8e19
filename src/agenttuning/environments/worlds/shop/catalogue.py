"""Shops in memory, and how a task names the shop that it is played in."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from agenttuning.core.records import Record
from agenttuning.environments.worlds.shop.pages import HITS
from agenttuning.environments.worlds.shop.product import Product
from agenttuning.environments.worlds.shop.recorded import RecordedCatalogue, RecordedShop
from agenttuning.environments.worlds.shop.stock import products

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.environments.worlds.search.bm25 import Bm25Index
    from agenttuning.environments.worlds.shop.visit import Catalogue


class GeneratedShop(Record):
    """The generated shop of a split."""

    seed: int
    test: bool
    hard: bool


class SmallShop(Record):
    """A shop that the task brings along."""

    products: tuple[Product, ...]


class OfficialShop(Record):
    """The shop that a folder with WebShop's data holds."""

    folder: Path


Shop: TypeAlias = GeneratedShop | SmallShop | OfficialShop | RecordedShop


class MemoryCatalogue:
    """Products in memory; the search index is made by the first search."""

    def __init__(self, stock: Iterable[Product]) -> None:
        self._products = {product.asin: product for product in stock}
        self._numbers = tuple(self._products)

    def __len__(self) -> int:
        return len(self._products)

    def product(self, asin: str) -> Product:
        """Return a product that the shop has."""
        return self._products[asin]

    def find(self, asin: str) -> Product | None:
        """Return a product, if the shop has it."""
        return self._products.get(asin)

    def search(self, query: str) -> Sequence[str]:
        """Return the numbers of the best products, at most 50."""
        return [self._numbers[number] for number, _ in self._index.search(query, HITS)]

    @cached_property
    def _index(self) -> Bm25Index:
        from agenttuning.environments.worlds.search.bm25 import Bm25Index

        return Bm25Index.build(product.search_text for product in self._products.values())


def open_shop(shop: Shop) -> Catalogue:
    """Return the catalogue; the large ones are made once per process and shared, for nothing changes them."""
    match shop:
        case SmallShop():
            return MemoryCatalogue(shop.products)
        case RecordedShop():
            return RecordedCatalogue(shop)
        case OfficialShop():
            from agenttuning.environments.worlds.shop.folder import open_folder

            return open_folder(shop.folder)
        case GeneratedShop():
            return _generated(shop)


@lru_cache(maxsize=4)
def _generated(shop: GeneratedShop) -> MemoryCatalogue:
    return MemoryCatalogue(products(seed=shop.seed, test=shop.test, hard=shop.hard))

"""The teacher: finds the product that the wish was written for, sets its options and buys it, saying why."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.shop.pages import HITS, HITS_PER_PAGE
from agenttuning.environments.worlds.shop.product import NO_CAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.shop.product import Goal, Product
    from agenttuning.environments.worlds.shop.visit import Catalogue, Visit

_SEARCH: Final = (
    "I start with the words that name the product: {words}.",
    "First I look for {words}; the details I can check on the product pages.",
    "The wish is about {words}, so that is what I type into the search bar.",
)
_NEXT: Final = (
    "None of these titles fits the wish, so I look at the next page of results.",
    "The right one is not on this page yet. I go on to the next.",
)
_OPEN: Final = (
    "{title} fits the wish{price}, so I open {asin}.",
    "{asin} is called {title}; that is what is wanted{price}. I look at it.",
    "Of these results {asin} comes closest{price}: {title}. I open its page.",
)
_FEATURES: Final = (
    "Its title does not say {missing}, so I read its features before I buy.",
    "I want to be sure about {missing}; the features should tell.",
)
_BACK: Final = ("The features name {missing}. I go back to the product.", "That is what I hoped for. Back to its page.")
_OPTION: Final = (
    "The wish asks for {value}, and this product has it as {name}.",
    "I set {name} to {value}, as I was told.",
    "For {name} I choose {value}.",
)
_BUY: Final = (
    "Everything that was asked for is met, so I buy it.",
    "The product and its options are as wanted. I buy it now.",
    "Nothing is left to set. Time to buy.",
)
_PATIENCE: Final = 2
"""Result pages turned after which ten rounds have no room for a look at the features."""


def expert_steps(visit: Visit, goal: Goal, *, catalogue: Catalogue, words: str, seed: str) -> Iterator[tuple[str, str]]:
    """Yield (thought, action) pairs, each after the one before was carried out."""
    draw = random.Random(f"expert/{seed}")
    yield draw.choice(_SEARCH).format(words=words), f"search[{words}]"
    turned = 0
    while goal.asin.lower() not in visit.page.targets and turned < HITS // HITS_PER_PAGE - 1:
        yield draw.choice(_NEXT), "click[Next >]"
        turned += 1
    product = catalogue.product(goal.asin)
    price = f" at {product.price_tag}" if goal.price_cap != NO_CAP else ""
    opening = draw.choice(_OPEN).format(title=product.title, asin=product.asin, price=price)
    yield opening, f"click[{product.asin}]"
    missing = _told_by_features(product, goal)
    if missing and turned <= _PATIENCE and draw.random() < 0.5:
        told = " and ".join(missing)
        yield draw.choice(_FEATURES).format(missing=told), "click[Features]"
        yield draw.choice(_BACK).format(missing=told), "click[< Prev]"
    for value in goal.options:
        name = _option_name(product, value)
        yield draw.choice(_OPTION).format(name=name, value=value), f"click[{value}]"
    yield draw.choice(_BUY), "click[Buy Now]"


def searchable(title: str) -> str:
    """Return the words of a title without what the action grammar reserves."""
    return " ".join(re.sub(r"[\[\]\s]+", " ", title).split()) or "product"


def tiny_steps(goal: Goal, *, words: str) -> Iterator[tuple[str, str]]:
    """Yield short, regular pairs for the smallest shops."""
    yield f"search {words}.", f"search[{words}]"
    yield f"{goal.asin} is {words}.", f"click[{goal.asin}]"
    for value in goal.options:
        yield f"choose {value}.", f"click[{value}]"
    yield "all is set.", "click[buy now]"


def _told_by_features(product: Product, goal: Goal) -> list[str]:
    """Return the wanted attributes that the title does not name and the Features page does."""
    listed = " ".join(product.bullets).lower()
    return [wanted for wanted in goal.attributes if wanted not in product.title.lower() and wanted in listed]


def _option_name(product: Product, value: str) -> str:
    return next((name for name, values in product.options.items() if value in values), "the option")

"""What generated customers want: a product's material, look, some features and options, and a price cap."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.shop.product import Goal, draw_cap, wish
from agenttuning.environments.worlds.shop.stock import make_product, shop_size

if TYPE_CHECKING:
    from agenttuning.environments.worlds.shop.product import Product

_STRIDE: Final = 1009
"""Prime to both shop sizes: neighbouring wishes are for unlike products, and each product has its turn."""
_TEXTS: Final = (
    "i am looking for a {item} with {features}{options}",
    "i need a {item} that comes with {features}{options}",
    "find me a {item}, {features}{options}",
    "i want to buy a {item} which offers {features}{options}",
    "please get me a {item} having {features}{options}",
    "looking for my next {item}, it must have {features}{options}",
)
_OPTION_TEXTS: Final = {
    "color": ("in {}", "in the color {}", "color {}"),
    "size": ("size {}", "in size {}", "of size {}"),
    "capacity": ("holding {}", "with a capacity of {}", "the {} one"),
    "pack": ("as {}", "sold as {}", "{}"),
    "scent": ("with {} scent", "scented {}", "scent {}"),
    "flavor": ("with {} flavor", "flavor {}", "in the {} flavor"),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """A goal, and the words with which an expert looks for it."""

    goal: Goal
    words: str


def make_wish(index: int, *, seed: int, test: bool, hard: bool, price_seed: int) -> Wish:
    """Return wish `index` of a split; no two of a split are equal."""
    size = shop_size(test=test)
    repeat, number = index // size, index * _STRIDE % size
    product = make_product(number, seed=seed, test=test, hard=hard)
    draw = random.Random(f"wish/{seed}/{test}/{hard}/{number}")
    seen: set[tuple[str, ...]] = set()
    while True:
        features = _features(product, draw=draw, hard=hard)
        options = _options(product, draw=draw, hard=hard)
        wanted = (*sorted(features), *options.values())
        if wanted not in seen and len(seen) == repeat:
            return _worded(product, features, options, draw=draw, price_seed=price_seed)
        seen.add(wanted)


def _features(product: Product, *, draw: random.Random, hard: bool) -> tuple[str, ...]:
    """Draw features; in a hard shop at least one is told on the Features page only."""
    known = product.attributes[1:]
    if not hard:
        return tuple(draw.sample(known, draw.randint(1, 2)))
    hidden = [feature for feature in known if feature not in product.search_text]
    first = draw.choice(hidden)
    return (first, *draw.sample([feature for feature in known if feature != first], draw.randint(1, 2)))


def _options(product: Product, *, draw: random.Random, hard: bool) -> dict[str, str]:
    asked = list(product.options) if hard or draw.random() < 0.5 else draw.sample(list(product.options), 1)
    return {name: draw.choice(values) for name, values in product.options.items() if name in asked}


def _worded(
    product: Product, features: tuple[str, ...], options: dict[str, str], *, draw: random.Random, price_seed: int
) -> Wish:
    item = product.description.removeprefix("A ").partition(" by ")[0]
    material = product.attributes[0]
    listed = f"{', '.join(features)} and {material}" if draw.random() < 0.5 else f"{material}, {' and '.join(features)}"
    asked = "".join(f", {draw.choice(_OPTION_TEXTS[name]).format(value)}" for name, value in options.items())
    goal = wish(
        product,
        draw.choice(_TEXTS).format(item=item, features=listed, options=asked),
        attributes=(material, *features),
        options=tuple(options.values()),
        cap=draw_cap(product.price(seed=price_seed), draw=draw),
    )
    told = [feature for feature in features if feature in product.search_text]
    return Wish(goal, " ".join((material, item, *told)))

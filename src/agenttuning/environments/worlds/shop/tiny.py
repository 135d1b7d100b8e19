"""The smallest shops: two products with two-word titles, one option, a wish of one line.

Made so that a model of a million parameters can learn it; train and test share words, but no product: a title
belongs to one split.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from agenttuning.core.records import digest
from agenttuning.environments.worlds.shop.product import Product, draw_cap, wish
from agenttuning.environments.worlds.shop.wishes import Wish
from agenttuning.environments.worlds.shop.words import words

_NOUNS: Final = words(
    "bag belt bowl box brush chair clock coat cup desk dish door fan hat jar knife lamp mat mug pan pen pot ring rug "
    "shirt shoe sock sofa table toy"
)
_MATERIALS: Final = words("cotton glass gold iron oak paper steel stone wax wool")
_COLORS: Final = words("black blue green pink red white")
_TEXTS: Final = ("a {material} {noun}", "one {material} {noun}")
_HIGHEST: Final = 39
_TEST_SHARE: Final = 5
"""One title in so many belongs to `test`: for every noun two materials."""


@dataclass(frozen=True, slots=True)
class TinyShop:
    """One small shop and the wish of its customer."""

    products: tuple[Product, ...]
    wish: Wish


def make_tiny(index: int, *, seed: int, test: bool) -> TinyShop:
    """Return shop `index` of a split; the same arguments give the same shop."""
    draw = random.Random(f"tiny/{seed}/{test}/{index}")
    noun = draw.choice(_NOUNS)
    material, other = draw.sample(_materials(noun, test=test), 2)
    another = draw.choice([word for word in _NOUNS if word != noun and material in _materials(word, test=test)])
    wanted = _product((material, noun), draw=draw, test=test)
    like = _product(draw.choice(((other, noun), (material, another))), draw=draw, test=test)
    if like.asin == wanted.asin:
        return make_tiny(-index - 1, seed=seed, test=test)
    options = (draw.choice(wanted.options["color"]),) * draw.randint(0, 1)
    text = draw.choice(_TEXTS).format(material=material, noun=noun) + "".join(f", {color}" for color in options)
    cap = draw_cap(wanted.price(seed=0), draw=draw)
    goal = wish(wanted, text, attributes=(material,), options=options, cap=cap)
    return TinyShop(tuple(draw.sample((wanted, like), 2)), Wish(goal, f"{material} {noun}"))


def _materials(noun: str, *, test: bool) -> list[str]:
    """Return what a noun may be made of in a split."""
    place = _NOUNS.index(noun)
    return [word for turn, word in enumerate(_MATERIALS) if ((place + turn) % _TEST_SHARE == 0) == test]


def _product(name: tuple[str, str], *, draw: random.Random, test: bool) -> Product:
    material, noun = name
    price = float(draw.randint(2, _HIGHEST))
    colors = tuple(draw.sample(_COLORS, 3))
    number = int(digest(f"{name}/{price}/{colors}"), 16) % 900 // 2 * 2 + test
    return Product(
        asin=f"B{number:03}",
        title=f"{material} {noun}",
        bullets=(f"made of {material}",),
        prices=(price,),
        options={"color": colors},
        attributes=(material,),
        query=noun,
        category=f"Home \u203a {noun}",
    )

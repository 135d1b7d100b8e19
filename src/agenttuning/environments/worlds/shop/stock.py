"""The generated shops: families of look-alikes, of which each fits a wish that its sisters just miss.

A family is one kind, material and look; train and test share none, so no product either. Product `index` of a shop
is made from the seed alone, without its neighbours' families.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.shop.assortment import DEPARTMENTS, Department, Kind
from agenttuning.environments.worlds.shop.product import Product
from agenttuning.environments.worlds.shop.words import words

if TYPE_CHECKING:
    from collections.abc import Iterator

SISTERS: Final = 3
"""Products in a family."""
_TEST_SHARE: Final = 3
"""One family in so many stands in the test shop."""
_OWN_FEATURES: Final = 3
_COMMON_FEATURES: Final = 2
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_NUMBERS: Final = 36**8
_STRIDE: Final = 1_204_483_891
"""Prime to 36, so numbers spread over the range without meeting."""
_TEST_OFFSET: Final = 1_000_000_000
_RANGE_SHARE: Final = 0.2
_ONSETS: Final = words("b br c ch d dr f fl g gl h j k kl l m n p pl r s sh st t tr v w z")
_NUCLEI: Final = words("a e i o u ai ea io oo")
_CODAS: Final = words("l m n r s t x nd rk st")


def shop_size(*, test: bool) -> int:
    """Return the number of products in the shop of a split."""
    whole = sum(len(found.kinds) * len(found.materials) * len(found.looks) for found in DEPARTMENTS)
    held = whole // _TEST_SHARE
    return SISTERS * (held if test else whole - held)


def products(*, seed: int, test: bool, hard: bool) -> Iterator[Product]:
    """Yield the products of a shop in order."""
    for index in range(shop_size(test=test)):
        yield make_product(index, seed=seed, test=test, hard=hard)


def make_product(index: int, *, seed: int, test: bool, hard: bool) -> Product:
    """Return one product; the same arguments give the same product."""
    return _family(index // SISTERS, seed=seed, test=test, hard=hard)[index % SISTERS]


@lru_cache(maxsize=4)
def _families(*, seed: int, test: bool) -> tuple[tuple[Department, Kind, str, str], ...]:
    """Return the kinds, materials and looks of a shop, in its order."""
    every = [
        (department, kind, material, look)
        for department in DEPARTMENTS
        for kind in department.kinds
        for material in department.materials
        for look in department.looks
    ]
    random.Random(f"shop/{seed}").shuffle(every)
    held = len(every) // _TEST_SHARE
    return tuple(every[:held] if test else every[held:])


@lru_cache(maxsize=64)
def _family(number: int, *, seed: int, test: bool, hard: bool) -> tuple[Product, ...]:
    draw = random.Random(f"family/{seed}/{test}/{hard}/{number}")
    department, kind, material, look = _families(seed=seed, test=test)[number]
    features = draw.sample(department.features, _COMMON_FEATURES + _OWN_FEATURES + SISTERS - 1)
    common, others = features[:_COMMON_FEATURES], features[_COMMON_FEATURES:]
    members = []
    for sister in range(SISTERS):
        own = [*common, *others[sister : sister + _OWN_FEATURES]]
        draw.shuffle(own)
        asin = _asin(number * SISTERS + sister, seed=seed, test=test)
        members.append(_product(asin, department, kind, look, (material, *own), draw=draw, hard=hard))
    return tuple(members)


def _product(
    asin: str,
    department: Department,
    kind: Kind,
    look: str,
    attributes: tuple[str, ...],
    *,
    draw: random.Random,
    hard: bool,
) -> Product:
    """Return one sister; in a hard shop half of its features stand on the Features page only."""
    use = draw.choice(department.uses)
    brand = "".join(draw.choice(part) for part in (_ONSETS, _NUCLEI, _CODAS, _NUCLEI)).capitalize()
    shown = attributes[1 : 3 if hard else len(attributes)]
    titled = draw.sample(shown, 2)
    title = f"{brand} {attributes[0]} {look} {kind.noun}".title() + f", {titled[0].title()}, {titled[1].title()}"
    bullets = [f"Made with {attributes[0]}: {', '.join(shown)}"]
    bullets += [f"{feature.capitalize()}, good for {use}" for feature in attributes[1:]]
    return Product(
        asin=asin,
        title=f"{title} for {use.title()}",
        description=f"A {look} {kind.noun} by {brand}. It is made with {attributes[0]} and meant for {use}.",
        bullets=tuple(bullets),
        prices=_prices(kind, draw=draw),
        options={name: _values(values, draw=draw) for name, values in department.options.items()},
        attributes=attributes,
        query=kind.query,
        category=" \u203a ".join((*department.path, kind.shelf)),
    )


def _values(known: tuple[str, ...], *, draw: random.Random) -> tuple[str, ...]:
    kept = set(draw.sample(known, draw.randint(2, max(2, len(known) - 1))))
    return tuple(value for value in known if value in kept)


def _prices(kind: Kind, *, draw: random.Random) -> tuple[float, ...]:
    price = round(draw.uniform(*kind.prices), 2)
    return (price, round(price * draw.uniform(1.1, 1.6), 2)) if draw.random() < _RANGE_SHARE else (price,)


def _asin(index: int, *, seed: int, test: bool) -> str:
    number = (index + 1 + seed * 7919 + _TEST_OFFSET * test) * _STRIDE % _NUMBERS
    digits = []
    for _ in range(8):
        number, digit = divmod(number, 36)
        digits.append(_DIGITS[digit])
    return "B0" + "".join(digits)

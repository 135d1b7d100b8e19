"""Generated shops: disjoint, repeatable, with look-alikes that miss, and wishes that can be met."""

from collections import Counter
from itertools import islice

import pytest

from agenttuning.environments.worlds.shop.assortment import DEPARTMENTS
from agenttuning.environments.worlds.shop.catalogue import MemoryCatalogue
from agenttuning.environments.worlds.shop.nouns import load_tagger
from agenttuning.environments.worlds.shop.pages import BACK, BUY, NEXT, PREVIOUS, SUB_PAGES
from agenttuning.environments.worlds.shop.product import NO_CAP, Product, draw_cap
from agenttuning.environments.worlds.shop.reward import judge
from agenttuning.environments.worlds.shop.stock import SISTERS, make_product, products, shop_size
from agenttuning.environments.worlds.shop.tiny import make_tiny
from agenttuning.environments.worlds.shop.wishes import Wish, make_wish

TRAIN, TEST = (list(products(seed=0, test=test, hard=False)) for test in (False, True))


def _wishes(count: int, *, hard: bool = False, test: bool = True) -> list[Wish]:
    return [make_wish(index, seed=0, test=test, hard=hard, price_seed=0) for index in range(count)]


def test_the_shops_have_two_to_five_thousand_products_and_share_none() -> None:
    assert (len(TRAIN), len(TEST)) == (shop_size(test=False), shop_size(test=True)) == (4353, 2175)
    assert {product.asin for product in TRAIN}.isdisjoint(product.asin for product in TEST)
    assert len({product.asin for product in (*TRAIN, *TEST)}) == len(TRAIN) + len(TEST)
    train, test = (
        {product.description.partition(" by ")[0] + product.attributes[0] for product in shop} for shop in (TRAIN, TEST)
    )
    assert train.isdisjoint(test)


def test_a_product_is_made_alone() -> None:
    for index in (700, 5, 701):
        assert make_product(index, seed=0, test=True, hard=False) == TEST[index]
    assert make_product(5, seed=1, test=True, hard=False) != TEST[5]


def test_products_can_be_sold_by_the_pages() -> None:
    buttons = {button.lower() for button in ("search", BACK, BUY, NEXT, PREVIOUS, *SUB_PAGES)}
    for product in (*TRAIN, *TEST):
        values = [value for values in product.options.values() for value in values]
        assert len(set(values)) == len(values)
        assert buttons.isdisjoint(values)
        assert not set("[]/") & set("".join((*values, product.title)))
        assert len(product.asin) == 10
        assert product.asin.isupper()
        assert all(1 <= price < 1300 for price in product.prices)


def test_sisters_look_alike_and_differ_in_features() -> None:
    for place in range(0, len(TEST), SISTERS):
        family = TEST[place : place + SISTERS]
        assert len({(product.query, product.attributes[0], product.category) for product in family}) == 1
        assert len({frozenset(product.attributes) for product in family}) == SISTERS


@pytest.mark.parametrize("hard", [False, True])
def test_every_wish_can_be_met_and_its_sisters_mostly_miss(hard: bool) -> None:
    missed, tagger = 0, load_tagger("light")
    stock = list(products(seed=0, test=True, hard=hard))
    places = {product.asin: place for place, product in enumerate(stock)}
    for wish in _wishes(200, hard=hard):
        goal, place = wish.goal, places[wish.goal.asin]
        wanted = stock[place]
        assert judge(wanted, goal, price=wanted.price(seed=0), options=goal.options, tagger=tagger).reward == 1.0
        first = place - place % SISTERS
        rewards = []
        for sister in stock[first : first + SISTERS]:
            offered = [value for value in goal.options if any(value in values for values in sister.options.values())]
            rewards.append(judge(sister, goal, price=sister.price(seed=0), options=offered, tagger=tagger).reward)
        missed += min(rewards) < 1.0
    assert missed > 180


@pytest.mark.parametrize("hard", [False, True])
def test_wishes_differ_and_are_for_all_products(hard: bool) -> None:
    wishes = _wishes(2175 + 200, hard=hard)
    assert Counter(Counter(wish.goal.asin for wish in wishes).values()) == {1: 1975, 2: 200}
    assert len({wish.goal.instruction for wish in wishes}) > 0.999 * len(wishes)
    assert len({(wish.goal.asin, wish.goal.attributes, wish.goal.options) for wish in wishes}) == len(wishes)


def test_hard_wishes_need_the_features_page() -> None:
    stock = {product.asin: product for product in products(seed=0, test=True, hard=True)}
    for wish in _wishes(100, hard=True):
        text = stock[wish.goal.asin].search_text
        assert any(attribute not in text for attribute in wish.goal.attributes)
        assert len(wish.goal.options) == 2


def test_the_words_of_a_wish_find_its_product_early() -> None:
    shop = MemoryCatalogue(TEST)
    places = [list(shop.search(wish.words)).index(wish.goal.asin) for wish in _wishes(200)]
    assert sum(place < 10 for place in places) >= 195


def test_tiny_shops_share_no_product_and_hold_a_look_alike() -> None:
    train, test = ([make_tiny(index, seed=0, test=test) for index in range(400)] for test in (False, True))
    titles = [{product.title for shop in shops for product in shop.products} for shops in (train, test)]
    numbers = [{product.asin for shop in shops for product in shop.products} for shops in (train, test)]
    assert titles[0].isdisjoint(titles[1])
    assert numbers[0].isdisjoint(numbers[1])
    assert {len(shop.products) for shop in (*train, *test)} == {2}
    assert all(len({product.asin for product in shop.products}) == 2 for shop in train)
    assert make_tiny(7, seed=0, test=True) == test[7]


@pytest.mark.parametrize(
    ("price", "caps"),
    [
        (3.0, {20, 30, 40}),
        (10.0, {30, 40, 50}),
        (955.0, {970, 980, 990}),
        (975.0, {990}),
        (985.0, {NO_CAP}),
        (5000.0, {NO_CAP}),
    ],
)
def test_caps_are_the_larger_of_two_of_the_next_four_tens(price: float, caps: set[float]) -> None:
    import random

    draw = random.Random(0)
    assert {draw_cap(price, draw=draw) for _ in range(200)} == caps


def test_a_price_range_is_settled_once_per_seed() -> None:
    product = Product(asin="A", title="a", prices=(10.0, 20.0))
    drawn = [product.price(seed=seed) for seed in range(50)]
    assert drawn == [product.price(seed=seed) for seed in range(50)]
    assert 10.0 <= min(drawn) < 12.0
    assert 18.0 < max(drawn) <= 20.0


def test_departments_do_not_mix_values_of_their_options() -> None:
    for department in DEPARTMENTS:
        values = [value for values in department.options.values() for value in values]
        assert len(values) == len(set(values))
        assert len(department.features) == len(set(department.features)) >= 7
    assert len(list(islice(products(seed=0, test=True, hard=True), 3))) == 3

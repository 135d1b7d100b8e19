"""The reward: worked examples, every quirk of the official formula, and its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.shop.colors import COLORS, plain_color
from agenttuning.environments.worlds.shop.nouns import load_tagger
from agenttuning.environments.worlds.shop.product import Goal, Product
from agenttuning.environments.worlds.shop.reward import (
    Likeness,
    Verdict,
    attribute_hits,
    compare,
    judge,
    option_hits,
    similar,
)

TAGGER = load_tagger("light")
LAMP = Product(
    asin="B000000001",
    title="Brightly Oak Desk Lamp with Shade",
    description="A lamp for reading.",
    bullets=("Dimmable LED", "Touch control"),
    options={"color": ("white", "dark grey"), "size": ("small",)},
    attributes=("oak wood", "energy saving"),
    query="desk lamps",
    category="Home \u203a Lighting \u203a Lamps",
)
GOAL = Goal(
    asin="B000000001",
    instruction="",
    title=LAMP.title,
    attributes=("oak wood", "dimmable"),
    options=("dark grey", "small"),
    price_cap=40.0,
    query="desk lamps",
    category=LAMP.category,
)


def judged(
    product: Product = LAMP, goal: Goal = GOAL, *, price: float = 30.0, options: tuple[str, ...] = ()
) -> Verdict:
    return judge(product, goal, price=price, options=options, tagger=TAGGER)


def test_everything_met_is_one() -> None:
    verdict = judged(options=("dark grey", "small"))
    assert (verdict.attribute_hits, verdict.option_hits, verdict.price_hit, verdict.wanted) == (2, 2, True, 5)
    assert verdict.reward == 1.0


@pytest.mark.parametrize(
    ("price", "options", "reward"),
    [
        (40.0, ("dark grey", "small"), 1.0),  # the cap itself is allowed
        (40.01, ("dark grey", "small"), 4 / 5),
        (30.0, ("white", "small"), 4 / 5),
        (30.0, (), 3 / 5),
        (99.0, (), 2 / 5),
    ],
)
def test_each_part_missed_costs_its_share(price: float, options: tuple[str, ...], reward: float) -> None:
    assert judged(price=price, options=options).reward == pytest.approx(reward)


@pytest.mark.parametrize(
    ("query_match", "category_match", "title_score", "factor"),
    [
        (True, True, 1.0, 1.0),
        (False, False, 0.21, 1.0),
        (False, False, 0.2, 0.5),
        (True, False, 0.15, 1.0),
        (False, True, 0.1, 1.0),
        (True, True, 0.09, 0.1),  # a strange title outweighs query and category
        (True, True, 0.0, 0.0),
        (False, False, 0.1, 0.5),
    ],
)
def test_the_type_factor(query_match: bool, category_match: bool, title_score: float, factor: float) -> None:
    likeness = Likeness(query_match=query_match, category_match=category_match, title_score=title_score)
    assert likeness.factor == factor


def test_the_title_score_counts_repeats_of_the_goal_below_the_line_only() -> None:
    goal = GOAL.model_copy(update={"title": "lamp lamp shade desk"})
    assert compare(LAMP, goal, tagger=TAGGER).title_score == 3 / 4
    nothing = GOAL.model_copy(update={"title": "for the small and 12"})
    assert compare(LAMP, nothing, tagger=TAGGER).title_score == 0.2


def test_the_category_needs_two_parts_in_common_in_any_order() -> None:
    for category, same in [
        ("Lamps \u203a Home", True),
        ("Home\u203aLighting", True),
        ("Home \u203a Garden", False),
        ("Home \u203a Home", False),
        ("", False),
    ]:
        goal = GOAL.model_copy(update={"category": category})
        assert compare(LAMP, goal, tagger=TAGGER).category_match is same


def test_an_attribute_counts_by_likeness_to_the_list_or_as_words_in_the_texts() -> None:
    assert attribute_hits(LAMP, ("wood oak",)) == 1  # token sets ignore order
    assert attribute_hits(LAMP, ("energy",)) == 1  # a subset of a listed attribute
    assert attribute_hits(LAMP, ("touch control",)) == 1  # stands in a bullet
    assert attribute_hits(LAMP, ("led touch",)) == 1  # bullets are joined by a blank
    assert attribute_hits(LAMP, ("for reading",)) == 1  # stands in the description
    assert attribute_hits(LAMP, ("Touch Control",)) == 0  # the texts are lower-cased, the wish is not
    assert attribute_hits(LAMP, ("solar powered",)) == 0


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("dark grey", "dark"),  # `dark` comes first in the list
        ("light blue", "blue"),  # `blue` does
        ("wired", "red"),  # a part of a word counts
        ("z2-pink", "pink"),
        ("rosewood", "rose"),
        ("transparent", "transparent"),
        ("Blue", "Blue"),  # nothing is lower-cased here
        ("titanium", "tan"),
        ("dark brown", "brown"),
    ],
)
def test_colors_are_the_first_of_the_list_found_anywhere(value: str, plain: str) -> None:
    assert plain_color(value) == plain


def test_the_color_list_is_webshops() -> None:
    assert len(COLORS) == 102
    assert list(COLORS) == sorted(COLORS)


def test_options_match_whatever_option_they_belong_to() -> None:
    assert option_hits(("small", "dark grey"), ("dark navy",)) == 1  # both are `dark`
    assert option_hits(("grey small",), ("grey", "small")) == 1  # made plain, the value is grey alone
    assert option_hits(("8", "red"), ("8",)) == 1
    assert option_hits((), ("8",)) == 0
    assert option_hits(("9.5",), ("9 5",)) == 1  # signs count as blanks
    assert option_hits(("38 | 40 mm",), ("40 mm",)) == 1


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("abcdefghijklm", "abcdefghijkln", True),  # 92.3
        ("machine washable", "machine wash", True),  # 86
        ("long sleeve", "long sleeves", True),
        ("x-large", "xx-large", True),  # 7 of 8 letters: 93, the formula knows no sizes
        ("small", "x small", True),  # a subset is equal
        ("8", "9", False),
        ("", "", False),
        ("!!!", "!!!", False),  # nothing is left to compare
        ("LARGE", "large", True),
        ("abcdefgh", "abcdefxy", False),  # 75
    ],
)
def test_similarity_is_webshops(left: str, right: str, same: bool) -> None:
    assert similar(left, right) is same


def test_similarity_is_rounded_before_it_is_compared() -> None:
    from rapidfuzz import fuzz

    found = next(
        (left, right)
        for size in range(5, 60)
        for cut in range(1, size)
        if 85.0 < fuzz.token_set_ratio(left := "a" * size, right := "a" * (size - cut) + "b" * cut) < 85.5
    )
    assert not similar(*found)


TEXT = st.text(alphabet="abc red-oak12\u203a", max_size=12)
PRODUCTS = st.builds(
    Product,
    asin=st.just("A"),
    title=TEXT,
    description=TEXT,
    bullets=st.lists(TEXT, max_size=3).map(tuple),
    attributes=st.lists(TEXT, max_size=3).map(tuple),
    query=TEXT,
    category=TEXT,
)
GOALS = st.builds(
    Goal,
    asin=st.just("A"),
    instruction=TEXT,
    title=TEXT,
    attributes=st.lists(TEXT, min_size=1, max_size=3).map(tuple),
    options=st.lists(TEXT, max_size=3).map(tuple),
    price_cap=st.floats(10, 990),
    query=TEXT,
    category=TEXT,
)


@given(PRODUCTS, GOALS, st.floats(0, 2000), st.lists(TEXT, max_size=3))
def test_the_reward_lies_between_0_and_1_and_more_is_never_worse(
    product: Product, goal: Goal, price: float, options: list[str]
) -> None:
    verdict = judged(product, goal, price=price, options=tuple(options))
    assert 0.0 <= verdict.reward <= 1.0
    assert judged(product, goal, price=0.0, options=tuple(options)).reward >= verdict.reward
    assert judged(product, goal, price=price, options=(*options, *goal.options)).reward >= verdict.reward
    richer = product.model_copy(update={"attributes": (*product.attributes, *goal.attributes)})
    assert judged(richer, goal, price=price, options=tuple(options)).reward >= verdict.reward
    assert judged(product, goal, price=price, options=tuple(reversed(options))).reward == verdict.reward


@given(PRODUCTS, GOALS)
def test_the_reward_is_the_formula(product: Product, goal: Goal) -> None:
    verdict = judged(product, goal, price=50.0, options=goal.options[:1])
    hits = attribute_hits(product, goal.attributes) + option_hits(goal.options[:1], goal.options)
    share = (hits + (goal.price_cap >= 50.0)) / (len(goal.attributes) + len(goal.options) + 1)
    assert verdict.reward == pytest.approx(share * compare(product, goal, tagger=TAGGER).factor)

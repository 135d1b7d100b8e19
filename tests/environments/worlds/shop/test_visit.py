"""Ways through the shop: what every action does on every page, and WebShop's oddities."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.shop.pages import Page, index_page, item_page, results_page, sub_page
from agenttuning.environments.worlds.shop.product import Product
from agenttuning.environments.worlds.shop.visit import Visit

STOCK = tuple(
    Product(
        asin=f"B{number:09}",
        title=f"Lamp {number}",
        description="bright",
        bullets=("warm",),
        options={
            "Color": ("red", "blue"),
            "Finish": ("blue", "matt"),
            "odd": ("features", "next >", "< prev", "a [2]"),
        },
    )
    for number in range(23)
)
WISH = "a lamp"


class Shelf:
    """Finds everything for `lamp`."""

    def product(self, asin: str) -> Product:
        return next(product for product in STOCK if product.asin == asin)

    def search(self, query: str) -> Sequence[str]:
        return [product.asin for product in STOCK] if "lamp" in query else []


def walk(*actions: str) -> Visit:
    visit = Visit(Shelf(), WISH)
    for action in actions:
        assert visit.act(action), action
    return visit


def results(number: int) -> Page:
    return results_page(WISH, STOCK[(number - 1) * 10 : number * 10], number=number, total=23)


ITEM = item_page(WISH, STOCK[2])
OPEN = ("search[lamp]", "click[b000000002]")


@pytest.mark.parametrize(
    ("actions", "page"),
    [
        ((), index_page(WISH)),
        (("search[LAMP]",), results(1)),
        (("search[lamp]", "click[Next >]"), results(2)),
        (("search[lamp]", "click[next >]", "click[Next >]", "click[Next >]"), results(4)),
        (("search[lamp]", "click[next >]", "click[< prev]"), results(1)),
        (("search[lamp]", "click[Back to Search]"), index_page(WISH)),
        (OPEN, ITEM),
        ((*OPEN, "click[red]"), ITEM),
        ((*OPEN, "click[Description]"), sub_page(WISH, STOCK[2], name="Description")),
        ((*OPEN, "click[reviews]"), sub_page(WISH, STOCK[2], name="Reviews")),
        ((*OPEN, "click[description]", "click[< Prev]"), ITEM),
        ((*OPEN, "click[features]"), sub_page(WISH, STOCK[2], name="Features")),
        ((*OPEN, "click[next >]"), ITEM),
        ((*OPEN, "click[< prev]"), results(1)),
        (("search[lamp]", "click[next >]", "click[b000000012]", "click[< prev]"), results(2)),
        ((*OPEN, "search[lamp]"), results(1)),
        ((*OPEN, "click[description]", "search[zebra]"), results_page(WISH, (), number=1, total=0)),
        ((*OPEN, "click[description]", "click[back to search]"), index_page(WISH)),
    ],
)
def test_where_actions_lead(actions: tuple[str, ...], page: Page) -> None:
    assert walk(*actions).page == page


@pytest.mark.parametrize(
    ("actions", "options"),
    [
        ((), {}),
        (("click[red]",), {"color": "red"}),
        (("click[matt]", "click[red]"), {"finish": "matt", "color": "red"}),
        (("click[blue]",), {"finish": "blue"}),  # a value of two options sets the later
        (("click[red]", "click[description]", "click[< prev]"), {"color": "red"}),
        (("click[red]", "click[< prev]", "click[b000000002]"), {}),
        (("click[red]", "search[lamp]", "click[b000000002]"), {}),
        (("click[red]", "click[back to search]", "search[lamp]", "click[b000000002]"), {}),
        (("click[next >]",), {"odd": "next >"}),  # on an item page that text is an option
        (("click[features]", "click[< prev]"), {}),  # but a sub page goes first
    ],
)
def test_options_are_kept_until_the_product_is_left(actions: tuple[str, ...], options: dict[str, str]) -> None:
    purchase = walk(*OPEN, *actions, "click[Buy Now]").purchase
    assert purchase is not None
    assert (purchase.product, purchase.options) == (STOCK[2], options)


@pytest.mark.parametrize(
    "action",
    [
        "",
        "search",
        "search[]",
        "click[]",
        "click[search]",
        "click[b000000015]",
        "click[buy now]",
        "buy[lamp]",
        "Search[lamp]",
        "click[a [2]",
        "think[lamp]",
        "click[b000000002][x]",
    ],
)
def test_anything_else_changes_nothing(action: str) -> None:
    visit = walk("search[lamp]")
    assert not visit.act(action)
    assert visit.page == results(1)


def test_debugging_searches_open_no_back_door() -> None:
    for door in ("<r>", "<a> lamp", "<c> garden", "<q> lamps"):
        assert walk(f"search[{door.replace('lamp', 'zebra')}]").page == results_page(WISH, (), number=1, total=0)


CLICKS = st.sampled_from(["search[lamp]", "search[x]", "click[search]", "click[{}]", "click[buy now]"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(CLICKS, st.integers(0, 99)), max_size=30))
def test_no_way_leads_out_of_the_shop(steps: list[tuple[str, int]]) -> None:
    visit = Visit(Shelf(), WISH)
    for step, number in steps:
        clickable = list(visit.page.targets)[number % len(visit.page.targets)]
        before = visit.page
        acted = visit.act(step.format(clickable))
        assert acted or visit.page == before
        assert visit.page.text.startswith(("WebShop", "Instruction:"))

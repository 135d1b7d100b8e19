"""One visit that shows how it is done: four steps from the search bar to the purchase, in our own words."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.shop.product import Product
from agenttuning.environments.worlds.shop.recorded import RecordedCatalogue, RecordedShop
from agenttuning.environments.worlds.shop.visit import Visit

if TYPE_CHECKING:
    from agenttuning.environments.worlds.shop.pages import Page

WISH: Final = "i would like a long, grey wool scarf that is hand wash, and price lower than 40.00 dollars"
_COTTON: Final = Product(asin="B07SCARF1A", title="Ember Cotton Scarf, Printed", prices=(12.5,))
_WOOL: Final = Product(
    asin="B07SCARF2B", title="Fjell Wool Scarf, Soft, Hand Wash", prices=(28.0,), options={"color": ("grey", "red")}
)
_SHOP: Final = RecordedShop(products=(_COTTON, _WOOL), hits={"wool scarf hand wash": (_COTTON.asin, _WOOL.asin)})
_STEPS: Final = (
    (
        "The customer wants a wool scarf. I search for that and for hand wash; the color is set on the product's page.",
        "search[wool scarf hand wash]",
    ),
    ("B07SCARF2B is of wool, says hand wash and costs less than 40 dollars. I open it.", "click[b07scarf2b]"),
    ("The page offers grey. I set it.", "click[grey]"),
    ("Grey is set and there is no option for the length. The scarf meets the rest, so I buy it.", "click[buy now]"),
)


@cache
def example_visit() -> tuple[tuple[Page, str, str], ...]:
    """Return page, thought and action of every step."""
    visit = Visit(RecordedCatalogue(_SHOP), WISH)
    shown = []
    for thought, action in _STEPS:
        shown.append((visit.page, thought, action))
        assert visit.act(action)
    return tuple(shown)

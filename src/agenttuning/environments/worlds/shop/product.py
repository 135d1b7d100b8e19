"""What the shop sells, what a customer wants, and what prices come to."""

from __future__ import annotations

import random
from typing import Final

from pydantic import Field

from agenttuning.core.records import Record

NO_ATTRIBUTES: Final = ("DUMMY_ATTR",)
"""What WebShop gives a product for which it knows no attributes."""
NO_PRICE: Final = 100.0
"""Price of a product that states none, in dollars."""
NO_CAP: Final = 1_000_000.0
"""The cap of a goal whose product is too dear for one."""
_STEPS: Final = tuple(10.0 * step for step in range(1, 100))
_NEXT_STEPS: Final = 4


class Product(Record):
    """One product, in the shape that pages, search and reward read."""

    asin: str
    """Its number, at most 10 characters."""
    title: str
    description: str = ""
    bullets: tuple[str, ...] = ()
    """The list on the Features page."""
    prices: tuple[float, ...] = Field(default=(NO_PRICE,), min_length=1, max_length=2)
    """In dollars; two are a range."""
    options: dict[str, tuple[str, ...]] = {}
    """Name of an option, such as `color`, and its values, in page order."""
    attributes: tuple[str, ...] = NO_ATTRIBUTES
    """Hidden from the agent; the reward compares them."""
    query: str = ""
    """The search that the product was collected with: its type."""
    category: str = ""
    """Path in the shop, its parts joined by a right angle quotation mark."""

    @property
    def price_tag(self) -> str:
        """The price as pages show it."""
        return " to ".join(f"${price}" for price in self.prices)

    def price(self, *, seed: int) -> float:
        """Return what it costs: a range is settled by one draw of its own."""
        if len(self.prices) == 1:
            return self.prices[0]
        return random.Random(f"price/{seed}/{self.asin}").uniform(*self.prices)

    @property
    def search_text(self) -> str:
        """What the search engine knows of it."""
        options = ", and ".join(f"{name}: {', '.join(values)}" for name, values in self.options.items())
        first = self.bullets[0] if self.bullets else ""
        return " ".join((self.title, self.description, first, options)).lower()


class Goal(Record):
    """What the customer asks for, and what the purchase is judged by."""

    asin: str
    """The product that the wish was written for; any that scores is as good."""
    instruction: str
    """The wish as the agent reads it, price included."""
    title: str
    attributes: tuple[str, ...]
    options: tuple[str, ...] = ()
    """Wanted option values."""
    price_cap: float = NO_CAP
    """Highest price in dollars that is still right."""
    query: str = ""
    category: str = ""


def draw_cap(price: float, *, draw: random.Random) -> float:
    """Draw the cap of a goal: the larger of two of the next four multiples of 10 above the price, up to 990."""
    steps = [step for step in _STEPS if step > price][:_NEXT_STEPS]
    return max(draw.sample(steps, 2)) if len(steps) >= 2 else NO_CAP


def wish(product: Product, text: str, *, attributes: tuple[str, ...], options: tuple[str, ...], cap: float) -> Goal:
    """Return the goal that `text` and a price cap state for a product."""
    priced = text if cap == NO_CAP else f"{text}, and price lower than {cap:.2f} dollars"
    return Goal(
        asin=product.asin,
        instruction=priced,
        title=product.title,
        attributes=attributes,
        options=options,
        price_cap=cap,
        query=product.query,
        category=product.category,
    )

"""From the wordings of wishes to goals: price caps and, for generated wishes, options are drawn per goal."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from agenttuning.environments.worlds.shop.product import draw_cap, wish

if TYPE_CHECKING:
    from agenttuning.environments.worlds.shop.official import Wording
    from agenttuning.environments.worlds.shop.product import Goal, Product

GoalKind: TypeAlias = Literal["human", "synthetic"]
OFFICIAL_RANGES: Final = {"test": range(200), "dev": range(200, 280), "train": range(500, 12_000)}
"""AgentBench's splits, as indices into the human goals in WebShop's shuffled order."""
WHOLE: Final = 12_000
"""Human goals from which on the products are taken to be WebShop's full set."""
_SHUFFLE_SEED: Final = 233


def official_order(count: int) -> list[int]:
    """Return the places of human goals, in file order, as WebShop shuffles them."""
    places = list(range(count))
    random.Random(_SHUFFLE_SEED).shuffle(places)
    return places


def make_goal(wording: Wording, product: Product, *, kind: GoalKind, number: int, seed: int) -> Goal:
    """Add a price cap to a wording, and to a generated one a value of every option of the product.

    `number` is the wording's place among those of the product; with the product it seeds the draws.
    """
    draw = random.Random(f"goal/{seed}/{kind}/{product.asin}/{number}")
    cap = draw_cap(product.price(seed=seed), draw=draw)
    if kind == "human":
        text, options = wording.instruction.strip("."), wording.instruction_options
        return wish(product, text, attributes=wording.instruction_attributes, options=options, cap=cap)
    chosen = {name: draw.choice(values) for name, values in sorted(product.options.items()) if values}
    listed = ", and ".join(f"{name}: {value}" for name, value in chosen.items())
    text = f"{wording.instruction} with {listed}" if listed else wording.instruction
    return wish(product, text, attributes=wording.instruction_attributes, options=tuple(chosen.values()), cap=cap)

"""The colour words of WebShop's reward, in its order, which decides between two that one value holds.

The list is WebShop's (https://github.com/princeton-nlp/WebShop, MIT licence).
"""

from __future__ import annotations

from typing import Final

from agenttuning.environments.worlds.shop.words import words

COLORS: Final = words(
    "alabaster apricot aqua ash asphalt azure banana beige black blue blush bordeaux bronze brown burgundy camel "
    "camo caramel champagne charcoal cheetah chestnut chocolate christmas coffee cognac copper coral cranberry "
    "cream crystal dark denim eggplant elephant espresso fuchsia gold granite grape graphite grass gray green grey "
    "heather indigo ivory ivy khaki lavender lemon leopard light lilac lime magenta maroon mauve merlot midnight "
    "mint mocha multicolor mushroom mustard natural navy nude olive orange peach pewter pink plum purple rainbow "
    "red rose royal rust sand sapphire seashell silver skull slate steel stone stonewash sunflower tan taupe teal "
    "tiger turquoise violet walnut wheat white wine yellow"
)


def plain_color(value: str) -> str:
    """Return the first listed colour that stands anywhere in an option value, else the value: `wired` is red."""
    return next((color for color in COLORS if color in value), value)

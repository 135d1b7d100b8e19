"""WebShop's reward, with its quirks: which parts of the wish a purchase fulfils, times how alike the products are.

reward = type * (attributes hit + options hit + [price <= cap]) / (attributes + options + 1)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Record
from agenttuning.environments.worlds.shop.colors import plain_color
from agenttuning.errors import MissingExtraError

try:
    from rapidfuzz import fuzz
    from rapidfuzz.utils import default_process
except ModuleNotFoundError as error:
    raise MissingExtraError("WebShop's reward needs rapidfuzz; run `pip install 'agenttuning[search]'`") from error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.environments.worlds.shop.nouns import NounTagger
    from agenttuning.environments.worlds.shop.product import Goal, Product
    from agenttuning.environments.worlds.shop.recorded import Judged

_SIMILAR: Final = 85
_NO_NOUNS: Final = 0.2
"""Title score against a goal whose title has no noun."""


class Likeness(Record):
    """How alike the bought product and the goal's are."""

    query_match: bool
    """Collected with the same search."""
    category_match: bool
    """At least two parts of the category path in common."""
    title_score: float
    """Share of the goal title's nouns that the bought title has."""

    @property
    def factor(self) -> float:
        """What the reward is multiplied with."""
        if self.title_score == 0.0:
            return 0.0
        if self.title_score < 0.1:
            return 0.1
        return 1.0 if self.query_match or self.category_match or self.title_score > 0.2 else 0.5


class Verdict(Record):
    """A purchase, judged part by part."""

    likeness: Likeness
    attribute_hits: int
    option_hits: int
    price_hit: bool
    wanted: int
    """Attributes and options of the goal, and the price."""

    @property
    def reward(self) -> float:
        """The official number, in [0, 1]."""
        hits = self.attribute_hits + self.option_hits + self.price_hit
        return hits / self.wanted * self.likeness.factor

    @property
    def parts(self) -> dict[str, float]:
        """The numbers behind it, by name."""
        return {
            "type": self.likeness.factor,
            "title_score": self.likeness.title_score,
            "attribute_hits": float(self.attribute_hits),
            "option_hits": float(self.option_hits),
            "price_hit": float(self.price_hit),
            "wanted": float(self.wanted),
        }


def judge(
    product: Product,
    goal: Goal,
    *,
    price: float,
    options: Iterable[str],
    tagger: NounTagger,
    judged: Judged | None = None,
) -> Verdict:
    """Judge a purchase at a price in dollars; `options` are the chosen values.

    `judged` is the log of a recorded visit: what only product texts can tell is taken from it where they are missing.
    """
    logged = judged if judged is not None and judged.asin == product.asin and not judged.texts else None
    likeness, hits = compare(product, goal, tagger=tagger), attribute_hits(product, goal.attributes)
    if logged is not None:
        hits = round(logged.attribute_share * len(goal.attributes))
        if product.asin != goal.asin:
            likeness = Likeness(
                query_match=logged.query_match, category_match=logged.category_match, title_score=logged.title_score
            )
    return Verdict(
        likeness=likeness,
        attribute_hits=hits,
        option_hits=option_hits(tuple(options), goal.options),
        price_hit=price <= goal.price_cap,
        wanted=len(goal.attributes) + len(goal.options) + 1,
    )


def compare(product: Product, goal: Goal, *, tagger: NounTagger) -> Likeness:
    """Compare product types; a noun that the goal's title repeats counts as often below the line, once above it."""
    wanted = tagger.nouns(goal.title)
    common = set(wanted) & set(tagger.nouns(product.title))
    return Likeness(
        query_match=product.query == goal.query,
        category_match=len(_path(product.category) & _path(goal.category)) >= 2,
        title_score=len(common) / len(wanted) if wanted else _NO_NOUNS,
    )


def attribute_hits(product: Product, wanted: Iterable[str]) -> int:
    """Count the wanted attributes that the product has, by its own list or by words in its texts."""
    texts = (product.title.lower(), " ".join(product.bullets).lower(), product.description.lower())
    return sum(
        any(similar(own, attribute) for own in product.attributes) or any(attribute in text for text in texts)
        for attribute in wanted
    )


def option_hits(chosen: Iterable[str], wanted: Iterable[str]) -> int:
    """Count the wanted option values that some chosen value, of any option, resembles once colours are plain."""
    plain = [plain_color(value) for value in chosen]
    return sum(any(similar(value, plain_color(want)) for value in plain) for want in wanted)


def similar(left: str, right: str) -> bool:
    """Compare as WebShop's fuzzy matching did: only letters and digits, token sets, rounded to a whole per cent."""
    return round(fuzz.token_set_ratio(left, right, processor=default_process)) > _SIMILAR


def _path(category: str) -> set[str]:
    return {part.strip() for part in category.split("\u203a")}

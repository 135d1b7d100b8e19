"""Recorded human visits (`traj_*.jsonl`): what was clicked, bought and paid, and how WebShop judged it.

A log holds no product texts. What a product page needs is taken from the shop at hand where it has the product, else
from the log: its number, the options that were chosen, and for the wanted product its title, query and category. The
verdict on a purchase whose texts are missing takes from the log what only texts could tell (attributes hit, likeness of
the titles); type factor, options, price and the sum are always worked out anew.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field, ValidationError, field_validator

from agenttuning.core.records import Record
from agenttuning.environments.worlds.shop.pages import HITS_PER_PAGE
from agenttuning.environments.worlds.shop.product import Goal, Product
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

VISITS: Final = "traj_*.jsonl"


class Judged(Record):
    """WebShop's verdict on a recorded purchase, as far as product texts were needed for it."""

    asin: str
    reward: float
    title_score: float
    query_match: bool
    category_match: bool
    attribute_share: float
    texts: bool
    """Are the texts of the bought product at hand, so that nothing here is needed for the verdict."""


class RecordedShop(Record):
    """What one visit saw of the shop."""

    products: tuple[Product, ...]
    hits: dict[str, tuple[str, ...]]
    """Query -> numbers of the products found, as far as the visitor turned the pages."""


class RecordedVisit(Record):
    """One human's way through the shop."""

    name: str
    goal: Goal
    shop: RecordedShop
    actions: tuple[str, ...]
    """Every step, in our action grammar."""
    judged: Judged

    def fitting(self, rounds: int) -> tuple[str, ...]:
        """Return the actions, or only those from the last search on that led to the purchase, if they are too many."""
        if len(self.actions) <= rounds:
            return self.actions
        start = max(place for place, action in enumerate(self.actions) if action.startswith("search["))
        bought = max(place for place, action in enumerate(self.actions) if action == f"click[{self.judged.asin}]")
        turned = [action for action in self.actions[start:bought] if action == "click[Next >]"]
        return (self.actions[start], *turned, *self.actions[bought:])


class RecordedCatalogue:
    """The shop of one recorded visit."""

    def __init__(self, shop: RecordedShop) -> None:
        self._products = {product.asin: product for product in shop.products}
        self._hits = shop.hits

    def product(self, asin: str) -> Product:
        """Return a product that the visitor saw."""
        return self._products[asin]

    def search(self, query: str) -> Sequence[str]:
        """Return what the visitor found with the same words."""
        return self._hits.get(query, ())


class _Goal(BaseModel):
    asin: str
    name: str
    query: str
    product_category: str
    instruction_text: str
    attributes: tuple[str, ...]
    goal_options: tuple[str, ...]
    price_upper: float


class _Content(BaseModel):
    keywords: list[str] | str = []
    search_result_asins: tuple[str, ...] = ()
    page: int = 1
    asin: str = ""
    options: dict[str, str] = {}
    price: float = 0.0

    @field_validator("options", mode="before")
    @classmethod
    def _no_options_as_text(cls, value: object) -> object:
        return {} if isinstance(value, str) else value


class _Verdict(BaseModel):
    title_score: float
    query_match: bool
    category_match: bool
    r_att: float


class _Event(BaseModel):
    page: str
    url: str
    goal: _Goal
    content: _Content = Field(default_factory=_Content)
    reward: float | None = None
    reward_info: _Verdict | None = None


def count_visits(folder: Path) -> int:
    """Return the number of recorded visits in a folder."""
    return len(list(folder.glob(VISITS)))


def read_visits(folder: Path, *, find: Callable[[str], Product | None]) -> Iterator[RecordedVisit]:
    """Yield the recorded visits; `find` returns a product of the shop at hand.

    Raises:
        DataError: a log is no log of a visit that ended in a purchase.
    """
    for path in sorted(folder.glob(VISITS)):
        try:
            with path.open("rb") as lines:
                events = [_Event.model_validate_json(line) for line in lines if line.strip()]
        except ValidationError as error:
            raise DataError(
                f"{path} is no log of a WebShop visit: {error.errors()[0]['msg']}; fetch it anew"
            ) from error
        if not events or events[-1].page != "done" or events[-1].reward is None or events[-1].reward_info is None:
            raise DataError(f"{path} records no purchase; take it out of the folder")
        yield _visit(path.stem, events, reward=events[-1].reward, verdict=events[-1].reward_info, find=find)


def _visit(
    name: str,
    events: Sequence[_Event],
    *,
    reward: float,
    verdict: _Verdict,
    find: Callable[[str], Product | None],
) -> RecordedVisit:
    last, goal = events[-1].content, _goal(events[0].goal)
    judged = Judged(
        asin=last.asin,
        reward=reward,
        title_score=verdict.title_score,
        query_match=verdict.query_match,
        category_match=verdict.category_match,
        attribute_share=verdict.r_att,
        texts=find(last.asin) is not None,
    )
    shop = RecordedShop(products=tuple(_products(events, goal, find)), hits=_hits(events))
    return RecordedVisit(name=name, goal=goal, shop=shop, actions=tuple(_actions(events)), judged=judged)


def _goal(goal: _Goal) -> Goal:
    return Goal(
        asin=goal.asin,
        instruction=goal.instruction_text,
        title=goal.name,
        attributes=goal.attributes,
        options=goal.goal_options,
        price_cap=goal.price_upper,
        query=goal.query,
        category=goal.product_category,
    )


def _products(events: Sequence[_Event], goal: Goal, find: Callable[[str], Product | None]) -> Iterator[Product]:
    """Yield every product that the visitor saw, with what is known of it."""
    options: dict[str, dict[str, tuple[str, ...]]] = {}
    for event in events:
        content = event.content
        for asin in (*content.search_result_asins, content.asin):
            chosen = options.setdefault(asin, {})
            if asin == content.asin:
                chosen |= {key: tuple(dict.fromkeys((*chosen.get(key, ()), v))) for key, v in content.options.items()}
    paid = events[-1].content
    for asin, chosen in options.items():
        if not asin:
            continue
        wanted = asin == goal.asin
        yield find(asin) or Product(
            asin=asin,
            title=goal.title if wanted else asin,
            prices=(paid.price,) if asin == paid.asin else (0.0,),
            options=chosen,
            query=goal.query if wanted else "",
            category=goal.category if wanted else "",
        )


def _hits(events: Sequence[_Event]) -> dict[str, tuple[str, ...]]:
    hits: dict[str, tuple[str, ...]] = {}
    for event in events:
        if event.page == "search_results":
            query, content = _query(event), event.content
            before = hits.get(query, ())[: (content.page - 1) * HITS_PER_PAGE]
            later = hits.get(query, ())[content.page * HITS_PER_PAGE :]
            hits[query] = (*before, *content.search_result_asins, *later)
    return hits


def _query(event: _Event) -> str:
    words = event.content.keywords
    return (words if isinstance(words, str) else " ".join(words)).lower()


def _actions(events: Sequence[_Event]) -> Iterator[str]:
    """Yield the clicks between the recorded pages."""
    for before, event in pairwise(events):
        if event.page == "index" and before.page != "index":
            yield "click[Back to Search]"
        elif event.page == "search_results":
            yield _to_results(before, event)
        elif event.page == "item_page" and before.page == "search_results":
            yield f"click[{event.content.asin}]"
        elif event.page == "item_page" and before.page == "item_sub_page":
            yield "click[< Prev]"
        elif event.page == "item_page":
            new = event.content.options.items() - before.content.options.items()
            yield from (f"click[{value}]" for _, value in sorted(new))
        elif event.page == "item_sub_page":
            yield f"click[{event.url.split('/')[-2]}]"
        elif event.page == "done":
            yield "click[Buy Now]"


def _to_results(before: _Event, event: _Event) -> str:
    if before.page == "index" or (before.page == "search_results" and _query(before) != _query(event)):
        return f"search[{_query(event)}]"
    if before.page == "search_results" and event.content.page > before.content.page:
        return "click[Next >]"
    return "click[< Prev]"

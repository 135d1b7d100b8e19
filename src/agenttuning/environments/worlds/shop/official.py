"""WebShop's own records: products as they were collected, attributes, human wishes; odd ones are told by reason."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from agenttuning.environments.worlds.shop.product import NO_ATTRIBUTES, NO_PRICE, Product

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_NUMBER: Final = 10
NO_PRODUCT: Final = "no product record"
NO_NUMBER: Final = "no product number, or one of more than 10 characters"
NO_TITLE: Final = "no title"
ODD_PRICE: Final = "price unreadable, taken as none ($100.0)"
REPEATED: Final = "number seen before"
_NOT_PRICE: Final = re.compile(r"[^\d.]")


class _Value(BaseModel):
    value: str


class _Record(BaseModel):
    """A product in `items_shuffle*.json`, or in the documents of the search index, which hold the same and more."""

    asin: str
    name: str | None = None
    full_description: str | None = None
    small_description: list[str | None] | str | None = None
    pricing: str | list[float] | None = None
    customization_options: dict[str, list[_Value] | None] | str | None = None
    category: str | None = None
    query: str | None = None
    product_category: str | None = None


class Wording(BaseModel):
    """A wish as written for a product, before a price is added."""

    instruction: str
    instruction_attributes: tuple[str, ...]
    instruction_options: tuple[str, ...] = ()


class Attributes(BaseModel):
    """An entry of `items_ins_v2*.json`."""

    attributes: tuple[str, ...] | None = None
    instruction: str | None = None
    instruction_attributes: tuple[str, ...] | None = None

    @property
    def wording(self) -> Wording | None:
        """The generated wish, if the entry has one."""
        if not self.instruction or not self.instruction_attributes:
            return None
        return Wording(instruction=self.instruction, instruction_attributes=self.instruction_attributes)


WORDINGS: Final = TypeAdapter(list[Wording])
"""The entry of a product in `items_human_ins.json`."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A record that gives no product."""

    reason: str


def read_product(record: object, *, attributes: Attributes | None) -> tuple[Product | Odd, str | None]:
    """Read one record as WebShop does; return it, or why not, and what was odd about one that is kept."""
    try:
        raw = _Record.model_validate(record)
    except ValidationError:
        return Odd(NO_PRODUCT), None
    if not raw.asin or raw.asin == "nan" or len(raw.asin) > LONGEST_NUMBER:
        return Odd(NO_NUMBER), None
    if not raw.name:
        return Odd(NO_TITLE), None
    prices = _prices(raw.pricing)
    known = attributes.attributes if attributes else None
    product = Product(
        asin=raw.asin,
        title=raw.name,
        description=raw.full_description or "",
        bullets=_bullets(raw.small_description),
        prices=prices or (NO_PRICE,),
        options=_options(raw.customization_options),
        attributes=NO_ATTRIBUTES if known is None else known,
        query=(raw.query or "").lower().strip(),
        category=raw.product_category or "",
    )
    return product, None if prices or not raw.pricing else ODD_PRICE


def _bullets(listed: list[str | None] | str | None) -> tuple[str, ...]:
    if isinstance(listed, list):
        return tuple(line for line in listed if line is not None)
    return () if listed is None else (listed,)


def _prices(stated: str | list[float] | None) -> tuple[float, ...]:
    """Return one price or the first two; digits and dots alone are read."""
    if not stated:
        return ()
    try:
        parts = stated.split("$")[1:] if isinstance(stated, str) else stated
        prices = tuple(float(_NOT_PRICE.sub("", str(part))) for part in parts[:2])
    except ValueError:
        return ()
    return prices if all(map(math.isfinite, prices)) else ()


def _options(stated: dict[str, list[_Value] | None] | str | None) -> dict[str, tuple[str, ...]]:
    if not isinstance(stated, dict):
        return {}
    return {
        name.lower(): tuple(_option_value(found.value) for found in values)
        for name, values in stated.items()
        if values is not None
    }


def _option_value(value: str) -> str:
    return value.strip().replace("/", " | ").lower()


def human_wordings(entry: object) -> Iterable[Wording]:
    """Return the wishes that people wrote for a product, less those without attributes.

    Raises:
        ValidationError: the entry is no list of wishes.
    """
    return [wording for wording in WORDINGS.validate_python(entry) if wording.instruction_attributes]

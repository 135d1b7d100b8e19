"""The dated price table, `prices.toml` beside this file."""

from __future__ import annotations

import re
import tomllib
from datetime import date  # noqa: TC003  (pydantic reads the annotation)
from functools import cache
from importlib import resources
from typing import Final

from agenttuning.core.records import Record
from agenttuning.policies.config import Price

_SNAPSHOT: Final = re.compile(r"-(latest|\d{4}|\d{8}|\d{4}-\d{2}-\d{2})\Z")


class ListedPrice(Price):
    """One row of the table."""

    name: str
    listed: date
    """When its maker asked this price."""


class PriceTable(Record):
    """The whole file."""

    models: tuple[ListedPrice, ...]


def listed_price(model: str) -> Price | None:
    """Return the listed price of a model or of the model that it is a dated snapshot of, None when there is none.

    A provider's prefix, as in `openai/gpt-4o`, does not count.
    """
    own = model.rsplit("/", 1)[-1].lower()
    return _table().get(own) or _table().get(_SNAPSHOT.sub("", own))


@cache
def _table() -> dict[str, Price]:
    text = resources.files(__package__ or "").joinpath("prices.toml").read_text("utf-8")
    rows = PriceTable.model_validate(tomllib.loads(text)).models
    return {row.name: Price(prompt=row.prompt, completion=row.completion) for row in rows}

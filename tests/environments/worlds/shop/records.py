"""WebShop's files, written from generated products."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from agenttuning.environments.worlds.shop.product import Product
from agenttuning.environments.worlds.shop.stock import products


def stock(count: int) -> list[Product]:
    return list(islice(products(seed=0, test=True, hard=False), count))


def record(product: Product, **changes: object) -> dict[str, object]:
    """Return a product as WebShop collected it."""
    return {
        "name": product.title,
        "full_description": product.description,
        "pricing": " - ".join(f"${price:,.2f}" for price in product.prices),
        "images": ["none.jpg"],
        "product_category": product.category,
        "small_description": list(product.bullets),
        "customization_options": {
            name.upper(): [{"value": f" {value.upper()} ", "image": None} for value in values]
            for name, values in product.options.items()
        },
        "asin": product.asin,
        "category": "garden",
        "query": f" {product.query.upper()} ",
        "page": 1,
    } | changes


def write_files(
    folder: Path,
    records: Iterable[object],
    *,
    attributes: Mapping[str, object] | None = None,
    human: Mapping[str, Sequence[object]] | None = None,
) -> Path:
    """Write the three files of WebShop's setup into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "items_shuffle.json").write_text(json.dumps(list(records)), "utf-8")
    if attributes is not None:
        (folder / "items_ins_v2.json").write_text(json.dumps(attributes), "utf-8")
    if human is not None:
        (folder / "items_human_ins.json").write_text(json.dumps(human), "utf-8")
    return folder


def attribute_entries(found: Iterable[Product]) -> dict[str, object]:
    return {
        product.asin: {
            "attributes": list(product.attributes),
            "instruction": f"Find me {product.query}",
            "instruction_attributes": list(product.attributes[:2]),
        }
        for product in found
    }


def human_entries(found: Iterable[Product]) -> dict[str, Sequence[object]]:
    return {
        product.asin: [
            {
                "asin": product.asin,
                "instruction": f"i need {product.query}.",
                "instruction_attributes": [product.attributes[0]],
                "instruction_options": [values[0] for values in product.options.values()],
            },
            {"instruction": "anything", "instruction_attributes": [], "instruction_options": []},
        ]
        for product in found
    }

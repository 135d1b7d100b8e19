"""The graphs of tiny tasks: a few persons, cities, shops and dogs, in short words."""

from __future__ import annotations

from typing import Final

from agenttuning.environments.worlds.graph.schema import Kind, Measure, Schema, link

TINY: Final = Schema(
    kinds=(
        Kind("person", "first", 4, 6),
        Kind("city", "town", 2, 3),
        Kind("shop", "shop", 2, 3),
        Kind("dog", "first", 2, 3),
    ),
    links=(
        link(
            ("city", "city of {x}|cities of {x}"),
            ("person", "person of {x}|persons of {x}"),
            between=("person", "city"),
        ),
        link(
            ("shop", "shop of {x}|shops of {x}"), ("worker", "worker of {x}|workers of {x}"), between=("person", "shop")
        ),
        link(
            ("dog", "dog of {x}|dogs of {x}"),
            ("owner", "owner of {x}|owners of {x}"),
            between=("person", "dog"),
            count=(0, 2),
        ),
        link(
            ("place", "place of {x}|places of {x}"), ("store", "store of {x}|stores of {x}"), between=("shop", "city")
        ),
    ),
    measures=(
        Measure("person.age", "person", "integer", 20, 80, "has the highest age", "has the lowest age"),
        Measure("dog.age", "dog", "integer", 1, 15, "has the highest age", "has the lowest age"),
        Measure("shop.size", "shop", "integer", 10, 90, "has the highest size", "has the lowest size"),
    ),
)

"""What a graph's properties are: which ones the tools show, and what they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet


@dataclass(frozen=True, slots=True)
class Ontology:
    """The vocabulary of the tools."""

    relations: AbstractSet[str]
    """Properties that `get_relations` shows."""
    attributes: AbstractSet[str]
    """Properties that `get_attributes` shows."""
    ranges: Mapping[str, str]
    """Relation -> type of what it leads to."""

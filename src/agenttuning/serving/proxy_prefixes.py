"""Which replica has read the beginning of a prompt before: there its prefix cache holds it.

An agent sends its whole history at every turn, so all but the last turn of a prompt has been read by whoever answered
the turn before. Prompts are remembered as chains of digests, one per block of characters, as prefix caches do.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

PlaceT = TypeVar("PlaceT")

_BLOCK = 256
"""Characters; about 64 tokens, four blocks of vLLM's cache."""
_MOST_BLOCKS = 256
_MOST_REMEMBERED = 100_000
"""Blocks; about 20 MB."""


def prompt_chain(body: Mapping[str, JsonValue]) -> list[bytes]:
    """Return the digests of a request's prompt: each is of one whole block and all before it."""
    asked = body.get("messages", body.get("prompt"))
    text = asked if isinstance(asked, str) else json.dumps(asked)
    running, chain = blake2b(digest_size=12), []
    for end in range(_BLOCK, min(len(text), _BLOCK * _MOST_BLOCKS) + 1, _BLOCK):
        running.update(text[end - _BLOCK : end].encode("utf-8", "surrogatepass"))
        chain.append(running.digest())
    return chain


class PrefixMap(Generic[PlaceT]):
    """Where each prefix was read last; the longest unused is forgotten first."""

    def __init__(self, *, most: int = _MOST_REMEMBERED) -> None:
        self._places: OrderedDict[bytes, PlaceT] = OrderedDict()
        self._most = most

    def find(self, chain: Sequence[bytes]) -> PlaceT | None:
        """Return who has read most of this prompt; None where nobody has read more than half of it."""
        for digest in reversed(chain[len(chain) // 2 :]):
            if (place := self._places.get(digest)) is not None:
                return place
        return None

    def remember(self, chain: Sequence[bytes], place: PlaceT) -> None:
        """Note who reads this prompt now."""
        for digest in chain:
            self._places[digest] = place
            self._places.move_to_end(digest)
        while len(self._places) > self._most:
            self._places.popitem(last=False)

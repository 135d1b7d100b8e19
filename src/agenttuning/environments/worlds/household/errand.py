"""What a task sentence asks for: the six task types in ALFWorld's template sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.household.game import Kind

SENTENCES: Final[dict[Kind, tuple[str, ...]]] = {
    "pick_and_place": ("put a {item} in {place}.", "put some {item} on {place}."),
    "pick_clean_then_place": ("put a clean {item} in {place}.", "clean some {item} and put it in {place}."),
    "pick_heat_then_place": ("put a hot {item} in {place}.", "heat some {item} and put it in {place}."),
    "pick_cool_then_place": ("put a cool {item} in {place}.", "cool some {item} and put it in {place}."),
    "look_at_obj": ("look at {item} under the {place}.", "examine the {item} with the {place}."),
    "pick_two_obj": ("put two {item} in {place}.", "find two {item} and put them in {place}."),
}
"""The sentences of released games; `{place}` is a lamp in `look_at_obj`."""


@dataclass(frozen=True, slots=True)
class Errand:
    """One task, understood."""

    kind: Kind
    item: str
    """Type of the thing to find."""
    place: str
    """Type of the receptacle to put it in, or of the lamp."""


def _pattern(sentence: str) -> re.Pattern[str]:
    return re.compile(
        re.escape(sentence).replace(r"\{item\}", r"(?P<item>\w+)").replace(r"\{place\}", r"(?P<place>\w+)")
    )


_PATTERNS = tuple((kind, _pattern(sentence)) for kind, sentences in SENTENCES.items() for sentence in sentences)


def read_errand(sentence: str) -> Errand:
    """Understand a task sentence.

    Raises:
        DataError: the sentence follows no known template.
    """
    for kind, pattern in _PATTERNS:
        found = pattern.fullmatch(sentence.strip())
        if found:
            return Errand(kind=kind, item=found["item"], place=found["place"])
    raise DataError(
        f"cannot tell what {sentence!r} asks for; known sentences: {[s for t in SENTENCES.values() for s in t]}"
    )

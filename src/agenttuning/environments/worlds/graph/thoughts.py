"""What an expert thinks before each gold call: why it follows from what is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

_TINY: Final[Mapping[str, str]] = {
    "get_relations": "see what {first} has.",
    "get_neighbors": "follow {label} of {first}.",
    "intersection": "take what is in both.",
    "get_attributes": "see what {first} can be ranked by.",
    "argmax": "take the highest {label}.",
    "argmin": "take the lowest {label}.",
    "count": "count {first}.",
    "final": "{first} is the answer.",
}
_LONG: Final[Mapping[str, Sequence[str]]] = {
    "get_relations": (
        "My next step starts at {first}, so I look at its relations.",
        "To see how {first} is linked to what is asked, I list its relations.",
        "The question goes through {first}. Which relations does it have?",
        "Before I can follow anything from {first}, I need to know its relations.",
    ),
    "get_neighbors": (
        "Among these, {second} is the one that the question speaks of, so I follow it.",
        "The relation {second} gives the {label} of {first}, which is what I need.",
        "I need the {label} here. The list has {second}, so I follow that from {first}.",
        "Here {second} fits the question best; it leads on from {first}.",
    ),
    "intersection": (
        "The answer has to be in {first} and in {second}, so I intersect them.",
        "Both conditions must hold: I keep what {first} and {second} share.",
        "One condition is met by {first} and the other by {second}. I need what is in both.",
    ),
    "get_attributes": (
        "I have to compare the members of {first}, so I look at which measures they have.",
        "One of {first} stands out by some measure. I list their attributes.",
        "The question ranks the members of {first}. By which attribute can I do that?",
    ),
    "argmax": (
        "The attribute {second} is what is compared, and the highest value is wanted.",
        "I take the members of {first} whose {label} is the greatest.",
        "The top value of {second} decides, so I use argmax on {first}.",
    ),
    "argmin": (
        "The attribute {second} is what is compared, and the lowest value is wanted.",
        "I take the members of {first} whose {label} is the smallest.",
        "The bottom value of {second} decides, so I use argmin on {first}.",
    ),
    "count": (
        "The question asks for a number, so I count the members of {first}.",
        "What has to be counted is in {first}.",
        "How many there are is how many members {first} has.",
    ),
    "final": (
        "The question asks for {first}.",
        "All conditions are met by {first}, so that is the answer.",
        "I have followed the whole question; the result is {first}.",
    ),
}


def think(function: str, arguments: Sequence[str], *, draw: random.Random, short: bool) -> str:
    """Return a thought for a call; `short` gives the regular one of the tiny setting."""
    last = arguments[-1]
    words = {
        "first": arguments[0],
        "second": last,
        "label": last.rpartition(".")[2].replace("_", " "),
    }
    return (_TINY[function] if short else draw.choice(_LONG[function])).format(**words)

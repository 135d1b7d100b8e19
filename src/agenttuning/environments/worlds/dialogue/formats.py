"""Topics about the form of an answer: templates, lists, fields, parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.dialogue.topic import Maker, Sizes, Topic, pick, pick_some_new, single
from agenttuning.environments.worlds.dialogue.vocabulary import (
    ANYTHING,
    CITIES,
    COLOURS,
    FIELDS,
    FOODS,
    IDEAS,
    NAMES,
    NOUNS,
    PLACES,
    QUALITIES,
)

if TYPE_CHECKING:
    from random import Random

_LOUD = 0.3
_LETTERS = ("X", "Y", "Z")
_TEMPLATES = (
    "The X is Y.", "X and Y", "X, then Y.", "Dear X, welcome to Y!", "[X] (Y)", "X -> Y", "\"X\" = 'Y'", "X: Y; X",
    "Note: X\nEnd: Y", "`X` or `Y`", "Y before X, Z after", "(X, Y, Z)", "X / Y / Z", "I saw X with Y near Z.",
    "X = Y and Z", "Start\nX Y Z\nStop", "Title: X\n- Y\n- Z", "```\nX Y\n```", "<X> Y </X>", "X is 'Y', not 'Z'",
)  # fmt: skip


def template(random: Random, sizes: Sizes) -> Topic:
    """Fill the letters of a pattern with words."""
    pattern = random.choice(_TEMPLATES)
    letters = [letter for letter in _LETTERS if letter in pattern]
    words = random.sample(sizes.known(NOUNS + PLACES + QUALITIES + NAMES + CITIES), len(letters))
    values = dict(zip(letters, words, strict=True))
    told = ", ".join(f"{letter} = {word}" for letter, word in values.items())
    filled = "".join(values.get(character, character) if _stands_alone(pattern, place) else character
                     for place, character in enumerate(pattern))  # fmt: skip
    question = random.choice(("Fill in {told}:\n{pattern}", "Use {told} in this pattern:\n{pattern}"))
    return single("template", f"{pattern} {told}", question.format(told=told, pattern=pattern), filled)


def _stands_alone(pattern: str, place: int) -> bool:
    around = pattern[max(0, place - 1) : place] + pattern[place + 1 : place + 2]
    return not any(character.isalpha() for character in around)


def lines(random: Random, sizes: Sizes) -> Topic:
    """Turn words into a list, one on each line."""
    words = pick_some_new(random, sizes, ANYTHING + NAMES + IDEAS, sizes.words)
    given = " ".join(words)
    if random.random() < _LOUD:
        words = [word.upper() for word in words]
    name, made = random.choice(
        (
            ("a list with dashes", "\n".join(f"- {word}" for word in words)),
            ("a numbered list", "\n".join(f"{number}. {word}" for number, word in enumerate(words, start=1))),
            ("one word per line", "\n".join(words)),
            ("words split by commas", ", ".join(words)),
            ("words split by slashes", " / ".join(words)),
        )
    )
    name += ", all in capitals" if words[0].isupper() and words[-1].isupper() else ""
    question = random.choice(("Write as {}: {}", "Make {}: {}")).format(name, given)
    return single("lines", f"{name} {given}", question, made)


def json_list(random: Random, sizes: Sizes) -> Topic:
    """Write words as a JSON list of strings."""
    words = pick(random, sizes, ANYTHING + NAMES + CITIES, (1, min(5, sizes.words[1])))
    question = random.choice(("As a JSON list: {}", "Write a JSON list of these: {}")).format(", ".join(words))
    return single("json_list", " ".join(words), question, json.dumps(words))


def json_object(random: Random, sizes: Sizes) -> Topic:
    """Write fields as a JSON object of strings."""
    keys = pick(random, sizes, FIELDS, (1, min(3, sizes.rows[1])))
    values = random.sample(sizes.known(NOUNS + CITIES), len(keys))
    told = ", ".join(f"{key} {value}" for key, value in zip(keys, values, strict=True))
    question = random.choice(("As a JSON object: {}", "Make a JSON object: {}")).format(told)
    return single("json_object", told, question, json.dumps(dict(zip(keys, values, strict=True))))


def marked_answer(random: Random, sizes: Sizes) -> Topic:
    """Answer a look-up on a line with a given mark."""
    things = pick(random, sizes, NOUNS, sizes.rows)
    colours = random.sample(sizes.known(COLOURS), len(things))
    text = " ".join(f"The {thing} is {colour}." for thing, colour in zip(things, colours, strict=True))
    index = random.randrange(len(things))
    mark = random.choice(("Answer:", "Result:", "Colour:", "My answer:", "=>"))
    question = f'{text} Which colour has the {things[index]}? Begin with "{mark}".'
    return single("marked_answer", f"{mark} {index} {text}", question, f"{mark} {colours[index]}")


def two_parts(random: Random, sizes: Sizes) -> Topic:
    """Name first what is asked, then the finding, on two lines with given marks."""
    things = pick(random, sizes, NOUNS, sizes.rows)
    places = random.sample(sizes.known(PLACES), len(things))
    text = " ".join(f"The {thing} is at the {place}." for thing, place in zip(things, places, strict=True))
    index = random.randrange(len(things))
    first, second = random.choice((("Question", "Answer"), ("WANTED", "FOUND"), ("Thing", "Place"), ("IDEA", "REPLY")))
    question = f"{text} Find the {things[index]}. Use two lines, {first} and {second}."
    answer = f"{first}: I look for the {things[index]}.\n{second}: the {places[index]}"
    return single("two_parts", f"{first} {index} {text}", question, answer)


def sentence(random: Random, sizes: Sizes) -> Topic:
    """Make a sentence of keywords."""
    name, quality, food = (
        random.choice(sizes.known(NAMES)),
        random.choice(sizes.known(QUALITIES)),
        random.choice(sizes.known(FOODS)),
    )
    kind, made = random.choice(
        (
            ("statement", f"{name} has a {quality} {food}."),
            ("question", f"Does {name} have a {quality} {food}?"),
            ("negative", f"{name} has no {quality} {food}."),
        )
    )
    question = random.choice(("Make a {}: {}, {}, {}", "Write a {} with {}, {} and {}."))
    return single("sentence", f"{kind} {name} {quality} {food}", question.format(kind, name, quality, food), made)


MAKERS: dict[Maker, int] = {
    template: 5,
    lines: 3,
    json_list: 3,
    json_object: 1,
    marked_answer: 2,
    two_parts: 2,
    sentence: 1,
}

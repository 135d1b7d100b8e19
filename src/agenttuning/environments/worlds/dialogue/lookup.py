"""Topics about a given text, list or table: finding what is asked for, and saying so when it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.dialogue.topic import (
    Exchange,
    Maker,
    Sizes,
    Topic,
    coined,
    pick,
    pick_some_new,
    single,
)
from agenttuning.environments.worlds.dialogue.vocabulary import (
    ANIMALS,
    CITIES,
    COLOURS,
    FIELDS,
    FOODS,
    JOBS,
    NAMES,
    NOUNS,
    PLACES,
    QUALITIES,
    THINGS,
)

if TYPE_CHECKING:
    from random import Random

_DATA_FIELDS = tuple(field for field in FIELDS if field != "name")
_LOOKS = tuple(word for word in QUALITIES + COLOURS if word not in {"clean", "cool"})
_MISSING = "It is not there."


def where(random: Random, sizes: Sizes) -> Topic:
    """Find the place of a thing in a short text; sometimes the thing is not in it."""
    things = pick_some_new(random, sizes, NOUNS, (sizes.rows[0] + 1, sizes.rows[1] + 1))
    absent = things.pop()
    places = pick_some_new(random, sizes, PLACES, (len(things), len(things)))
    relation = random.choice(("in", "near", "behind", "under", "beside"))
    story = " ".join(f"The {thing} is {relation} the {place}." for thing, place in zip(things, places, strict=True))
    order = random.sample(range(len(things)), min(2, len(things)))
    asked = [(things[index], f"{relation} the {places[index]}") for index in order]
    if random.random() < 0.2:
        asked[0] = (absent, _MISSING)
    first, answer = asked[0]
    topic = single("where", f"{first} {story}", f"{story} Where is the {first}?", answer)
    if random.random() < 0.6:
        return topic
    again = Exchange(kind="where_again", question=f"And the {asked[-1][0]}?", answer=asked[-1][1])
    return Topic(topic.key, (*topic.exchanges, again))


def contents(random: Random, sizes: Sizes) -> Topic:
    """Tell what is at a place: the same text read the other way round."""
    things = pick_some_new(random, sizes, NOUNS, sizes.rows)
    places = pick_some_new(random, sizes, PLACES, (len(things), len(things)))
    story = " ".join(f"There is a {thing} in the {place}." for thing, place in zip(things, places, strict=True))
    index = random.randrange(len(things))
    question = random.choice(("{} What is in the {}?", "{} Name the thing in the {}.")).format(story, places[index])
    return single("contents", f"{places[index]} {story}", question, things[index])


def who(random: Random, sizes: Sizes) -> Topic:
    """Find a person by what is said of them, or what is said of a person."""
    names = pick(random, sizes, NAMES, sizes.rows)
    verb, words = random.choice(
        (("lives in", CITIES), ("likes", ANIMALS), ("eats", FOODS), ("works as", JOBS), ("has", THINGS))
    )
    values = random.sample(sizes.known(words), len(names))
    story = " ".join(f"{name} {verb} {value}." for name, value in zip(names, values, strict=True))
    index = random.randrange(len(names))
    if random.random() < 0.5:
        return single("who", f"{values[index]} {story}", f"{story} Who {verb} {values[index]}?", names[index])
    question = f"{story} What is said of {names[index]}?"
    return single("who", f"{names[index]} {story}", question, f"{names[index]} {verb} {values[index]}.")


def listing(random: Random, sizes: Sizes) -> Topic:
    """Choose the entry of a list that holds a word; entries are short phrases."""
    nouns = pick_some_new(random, sizes, NOUNS + PLACES, (max(2, sizes.words[0]), sizes.words[1]))
    entries = [f"{random.choice(sizes.known(_LOOKS))} {noun} {random.randint(1, 9)}" for noun in nouns]
    index = random.randrange(len(entries))
    joined = random.choice((", ", "; ", "\n")).join(entries)
    asked = random.choice(("Which entry names the {}?", "Choose the entry with {}.", "Find the line with {}."))
    space = "\n" if "\n" in joined else " "
    question = f"{asked.format(nouns[index])}{space}{joined}"
    return single("listing", f"{nouns[index]} {joined}", question, entries[index])


def remaining(random: Random, sizes: Sizes) -> Topic:
    """Name the first entry of a list that is not done yet."""
    words = pick(
        random, sizes, random.choice((FOODS, THINGS, NAMES, CITIES, PLACES)), (max(2, sizes.words[0]), sizes.words[1])
    )
    done = random.randrange(1, len(words))
    marked = words[:done]
    random.shuffle(marked)
    asked = random.choice(("List: {}. Done: {}. What is next?", "We want {}. So far we have {}. Name the next one."))
    question = asked.format(", ".join(words), ", ".join(marked))
    return single("remaining", f"{' '.join(words)} / {' '.join(marked)}", question, words[done])


def member(random: Random, sizes: Sizes) -> Topic:
    """Tell whether a word is in a list."""
    words = pick_some_new(random, sizes, NOUNS, (sizes.words[0] + 1, sizes.words[1] + 1))
    absent = words.pop()
    present = random.random() < 0.5
    asked = random.choice(words) if present else absent
    question = random.choice(("Is {} in this list? {}", "Does the list name {}? {}")).format(asked, ", ".join(words))
    return single("member", f"{asked} {' '.join(words)}", question, "Yes" if present else "No")


def record(random: Random, sizes: Sizes) -> Topic:
    """Give the value of a key, or the key of a value."""
    keys = pick(random, sizes, FIELDS, sizes.rows)
    values = _values(random, sizes, len(keys))
    mark, join = random.choice(((": ", "\n"), (" = ", "; "), (": ", ", ")))
    text = join.join(f"{key}{mark}{value}" for key, value in zip(keys, values, strict=True))
    index = random.randrange(len(keys))
    known, wanted = keys[index], values[index]
    asked = random.choice(("What is the {}?", "Give the {}."))
    if random.random() < 0.25:
        known, wanted, asked = wanted, known, "Which field is {}?"
    return single("record", f"{known} {text}", f"{text}\n{asked.format(known)}", wanted)


def table(random: Random, sizes: Sizes) -> Topic:
    """Look a cell up by its row's name; often a second cell of the same table is asked for."""
    columns = random.sample(sizes.known(_DATA_FIELDS), random.randint(*sizes.columns) - 1)
    names = pick(random, sizes, NAMES if random.random() < 0.5 else NOUNS, sizes.rows)
    cells = [_values(random, sizes, len(columns)) for _ in names]
    lines = [" | ".join([name, *row]) for name, row in zip(names, cells, strict=True)]
    text = "\n".join([" | ".join(["name", *columns]), *lines])
    exchanges: list[Exchange] = []
    key = f"table {text}"
    for turn in range(random.choice((1, 1, 2))):
        row, column = random.randrange(len(names)), random.randrange(len(columns))
        key = key if turn else f"{key} {row} {column}"
        asked = random.choice(("What is the {} of {}?", "Give the {} of {}.")).format(columns[column], names[row])
        question = f"{text}\n{asked}" if turn == 0 else asked
        kind = "table" if turn == 0 else "table_again"
        exchanges.append(Exchange(kind=kind, question=question, answer=cells[row][column]))
    return Topic(key, tuple(exchanges))


def columns_of(random: Random, sizes: Sizes) -> Topic:
    """Name the columns of a table, or tell which of them a request is about."""
    columns = pick(random, sizes, FIELDS, (sizes.columns[0], sizes.columns[1] + 1))
    row = _values(random, sizes, len(columns))
    text = " | ".join(columns) + "\n" + " | ".join(row)
    if random.random() < 0.5:
        return single("columns", text, f"{text}\nName the columns.", ", ".join(columns))
    index = random.randrange(len(columns))
    question = f"{text}\nWhich column holds {row[index]}?"
    return single("columns", f"{index} {text}", question, columns[index])


def _values(random: Random, sizes: Sizes, wanted: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < wanted:
        found[_value(random, sizes)] = None
    return list(found)


def _value(random: Random, sizes: Sizes) -> str:
    kind = random.random()
    if kind < 0.4:
        return str(random.randint(1, 99))
    if kind < 0.5:
        return f"{random.randint(0, 99)}.{random.randint(0, 9)}"
    return (
        coined(random)
        if kind < 0.5 + sizes.coined / 4
        else random.choice(sizes.known(random.choice((CITIES, COLOURS, NAMES, FOODS, JOBS))))
    )


MAKERS: dict[Maker, int] = {
    where: 4,
    contents: 2,
    who: 2,
    listing: 3,
    remaining: 3,
    member: 2,
    record: 3,
    table: 3,
    columns_of: 2,
}

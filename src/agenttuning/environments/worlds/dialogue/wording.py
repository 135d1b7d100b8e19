"""Topics about words themselves: copying, picking, ordering and rewriting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.dialogue.topic import Maker, Sizes, Topic, coined, pick, pick_some_new, single
from agenttuning.environments.worlds.dialogue.vocabulary import (
    ANIMALS,
    ANYTHING,
    CITIES,
    COLOURS,
    FOODS,
    IDEAS,
    JOBS,
    NAMES,
    NOUNS,
    NUMBERS,
    ORDINALS,
    PARTS,
    PLACES,
    QUALITIES,
    THINGS,
)

if TYPE_CHECKING:
    from random import Random

_ALL = ANYTHING + NAMES + CITIES + IDEAS
_SENTENCES = (
    "Here is your {thing}, and there is nothing in the {place}.",
    "{name} is looking around quickly in the middle of the {place}.",
    "Think first, then write the final answer to the question.",
    "Our task is to find out how many {thing} rows are above {number}.",
    "{name} picks up the {thing} and thinks about the result.",
    "The action of {name} gives the highest total, {number}.",
    "Reply with a thought about the {thing} before you go on.",
    "You see that the {place} is closed, but the {thing} is still here.",
    "Using the {thing} of {name} needs an operation in {number} steps.",
    "What was the lowest value in the table of {city}?",
    "The household of {name} keeps a {quality} {thing} on the {place}.",
    "Which column of the record has more than {number} in it?",
    "I hold the {quality} {thing}; now I bring it to {name}.",
    "It is possible that your {thing} comes from {city}.",
    "Once more {name} turns around, opens the {place} and takes nothing.",
    "The average is {number} or below, the sum is much higher.",
)


def repeat(random: Random, sizes: Sizes) -> Topic:
    """Say the words again."""
    text = random.choice((" ", ", ")).join(pick_some_new(random, sizes, _ALL, sizes.words))
    asked = random.choice(("Repeat: {}", "Say this again: {}", "Copy these words: {}", 'Please write "{}" once more.'))
    return single("repeat", text, asked.format(text), text)


def dictation(random: Random, sizes: Sizes) -> Topic:
    """Say a sentence again, or write it in capital letters."""
    thing = coined(random) if random.random() < sizes.coined else random.choice(sizes.known(NOUNS))
    sentence = random.choice(_SENTENCES).format(
        thing=thing,
        place=random.choice(sizes.known(PLACES)),
        name=random.choice(sizes.known(NAMES)),
        city=random.choice(sizes.known(CITIES)),
        quality=random.choice(sizes.known(QUALITIES)),
        number=random.randint(1, 99),
    )
    if random.random() < 0.25:
        return single("dictation", f"capitals {sentence}", f"Write in capital letters: {sentence}", sentence.upper())
    asked = random.choice(("Repeat: {}", "Say this again: {}", "Copy this sentence: {}"))
    return single("dictation", sentence, asked.format(sentence), sentence)


def quote(random: Random, sizes: Sizes) -> Topic:
    """Give words back inside marks."""
    phrase = " ".join(pick_some_new(random, sizes, _ALL, (1, min(3, sizes.words[1]))))
    marks, name = random.choice(
        (('"{}"', "double quotes"), ("'{}'", "single quotes"), ("({})", "brackets"), ("[{}]", "square brackets"),
         ("`{}`", "backticks"), ("<{}>", "angle brackets"), ("*{}*", "stars"))
    )  # fmt: skip
    asked = random.choice(("Put {} in {}.", "Write {} inside {}.")).format(phrase, name)
    return single("quote", f"{phrase} {name}", asked, marks.format(phrase))


def reverse(random: Random, sizes: Sizes) -> Topic:
    """Give the words from last to first."""
    words = pick_some_new(random, sizes, _ALL, sizes.words)
    asked = random.choice(("Reverse the order: {}", "Write these words backwards: {}", "From last to first: {}"))
    return single("reverse", " ".join(words), asked.format(" ".join(words)), " ".join(reversed(words)))


def position(random: Random, sizes: Sizes) -> Topic:
    """Name the n-th word, or the last."""
    words = pick_some_new(random, sizes, _ALL, sizes.words)
    index = random.randrange(min(len(words), len(ORDINALS)))
    place = "last" if index == len(words) - 1 and random.random() < 0.5 else ORDINALS[index]
    asked = random.choice(("What is the {} word: {}", "Name the {} word of this list: {}", "Which word comes {}? {}"))
    return single("position", f"{index} {' '.join(words)}", asked.format(place, ", ".join(words)), words[index])


def neighbour(random: Random, sizes: Sizes) -> Topic:
    """Name the word after or before another."""
    words = pick_some_new(random, sizes, _ALL, sizes.words)
    index = random.randrange(len(words) - 1)
    side = random.choice(("after", "before"))
    known, wanted = (index, index + 1) if side == "after" else (index + 1, index)
    asked = random.choice(("Which word comes {} {}? {}", "Name the word {} {}: {}"))
    question = asked.format(side, words[known], ", ".join(words))
    return single("neighbour", f"{side} {index} {' '.join(words)}", question, words[wanted])


def capitals(random: Random, sizes: Sizes) -> Topic:
    """Change the case."""
    phrase = " ".join(pick(random, sizes, NOUNS, (1, min(3, sizes.words[1]))))
    name, changed = random.choice(
        (("capital letters", phrase.upper()), ("small letters", phrase), ("title case", phrase.title()))
    )
    given = phrase.upper() if name == "small letters" else phrase
    asked = random.choice(("Write in {}: {}", "Use {} for: {}"))
    return single("capitals", f"{name} {phrase}", asked.format(name, given), changed)


def replace(random: Random, sizes: Sizes) -> Topic:
    """Put one word in the place of another."""
    words = pick_some_new(random, sizes, NOUNS, sizes.words)
    old, new = random.choice(words), random.choice(sizes.known(_ALL))
    changed = " ".join(new if word == old else word for word in words)
    asked = random.choice(("Replace {} with {}: {}", "Change {} to {} in: {}"))
    question = asked.format(old, new, " ".join(words))
    return single("replace", f"{old} {new} {' '.join(words)}", question, changed)


def remove(random: Random, sizes: Sizes) -> Topic:
    """Leave one word out."""
    words = pick_some_new(random, sizes, _ALL, (max(2, sizes.words[0]), sizes.words[1]))
    out = random.choice(words)
    asked = random.choice(("Remove {} from the list: {}", "Leave out {}: {}"))
    left = ", ".join(word for word in words if word != out)
    return single("remove", f"{out} {' '.join(words)}", asked.format(out, ", ".join(words)), left)


def join(random: Random, sizes: Sizes) -> Topic:
    """Write two words as one."""
    left, right = random.sample(sizes.known(NOUNS + PARTS), 2)
    question = random.choice(("Join {} and {}.", "Write {} and {} as one word.")).format(left, right)
    return single("join", f"{left} {right}", question, left + right)


def add_word(random: Random, sizes: Sizes) -> Topic:
    """Put a word at an end of the list."""
    *words, new = random.sample(sizes.known(_ALL), random.randint(*sizes.words) + 1)
    end = random.choice(("end", "start"))
    joined = ", ".join([*words, new] if end == "end" else [new, *words])
    question = random.choice(("Add {} at the {}: {}", "Put {} at the {} of: {}")).format(new, end, ", ".join(words))
    return single("add_word", f"{end} {new} {' '.join(words)}", question, joined)


def count(random: Random, sizes: Sizes) -> Topic:
    """Count the words, or how often one of them occurs."""
    words = pick(random, sizes, NOUNS, (max(2, sizes.words[0]), min(9, sizes.words[1])))
    if random.random() < 0.5:
        question = random.choice(("How many words: {}", "Count the words: {}")).format(" ".join(words))
        return single("count", " ".join(words), question, str(len(words)))
    few = words[:2]
    drawn = [random.choice(few) for _ in range(len(words) + 1)]
    question = f"How often does {few[0]} occur? {', '.join(drawn)}"
    return single("occurrences", " ".join([few[0], *drawn]), question, str(drawn.count(few[0])))


def alphabet(random: Random, sizes: Sizes) -> Topic:
    """Tell which of two or three words comes first in the alphabet."""
    words = pick(random, sizes, NOUNS, (2, min(3, sizes.words[1])))
    question = random.choice(("Which comes first in the alphabet: {}?", "First by alphabet: {}")).format(
        " or ".join(words)
    )
    return single("alphabet", " ".join(words), question, min(words))


def odd_one(random: Random, sizes: Sizes) -> Topic:
    """Find the word of the named kind among others."""
    kinds = {"an animal": ANIMALS, "a food": FOODS, "a colour": COLOURS, "a name": NAMES, "a city": CITIES,
             "a job": JOBS, "a thing": THINGS, "a number": NUMBERS, "a quality": QUALITIES}  # fmt: skip
    wanted, other = random.sample(sorted(kinds), 2)
    inside, outside = kinds[wanted], kinds[other]
    word = random.choice([word for word in inside if word not in outside])
    rest = [
        entry
        for entry in random.sample(outside, random.randint(1, min(8, max(2, sizes.words[1] - 2))))
        if entry not in inside
    ]
    listed = [*rest, word]
    random.shuffle(listed)
    question = random.choice(("Which of these is {}? {}", "Choose {}: {}")).format(wanted, ", ".join(listed))
    return single("choose_kind", f"{wanted} {' '.join(listed)}", question, word)


MAKERS: dict[Maker, int] = {
    repeat: 5,
    dictation: 3,
    quote: 2,
    reverse: 3,
    position: 2,
    neighbour: 2,
    capitals: 2,
    replace: 3,
    remove: 3,
    add_word: 1,
    count: 2,
    alphabet: 1,
    odd_one: 2,
    join: 1,
}

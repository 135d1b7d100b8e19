"""Topics about numbers: sums, comparison, order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.dialogue.topic import Maker, Sizes, Topic, pick, single
from agenttuning.environments.worlds.dialogue.vocabulary import NAMES

if TYPE_CHECKING:
    from random import Random


def plus(random: Random, sizes: Sizes) -> Topic:
    """Add two numbers."""
    left, right = random.randint(1, sizes.operand), random.randint(1, sizes.operand)
    asked = random.choice(("What is {} plus {}?", "Add {} and {}.", "{} + {} ="))
    return single("plus", f"{left} {right}", asked.format(left, right), str(left + right))


def minus(random: Random, sizes: Sizes) -> Topic:
    """Take the smaller number from the larger."""
    left, right = sorted((random.randint(1, sizes.operand), random.randint(1, sizes.operand)), reverse=True)
    asked = random.choice(("What is {} minus {}?", "{} - {} ="))
    return single("minus", f"{left} {right}", asked.format(left, right), str(left - right))


def compare(random: Random, sizes: Sizes) -> Topic:
    """Tell the larger or the smaller of two numbers."""
    left, right = random.sample(range(1, 5 * sizes.operand), 2)
    word, chosen = random.choice((("larger", max(left, right)), ("smaller", min(left, right))))
    question = random.choice(("Which is {}, {} or {}?", "Give the {} number: {} or {}")).format(word, left, right)
    return single("compare", f"{word} {left} {right}", question, str(chosen))


def extreme(random: Random, sizes: Sizes) -> Topic:
    """Name the person with the most or the least."""
    names = pick(random, sizes, NAMES, sizes.rows)
    values = random.sample(range(1, 5 * sizes.operand), len(names))
    word, chosen = random.choice((("most", max(values)), ("fewest", min(values))))
    text = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
    question = f"Points: {text}. Who has the {word} points?"
    return single("extreme", f"{word} {text}", question, names[values.index(chosen)])


def order(random: Random, sizes: Sizes) -> Topic:
    """Sort a few numbers."""
    values = random.sample(range(1, sizes.operand + 1), random.randint(2, max(3, sizes.rows[1] - 1)))
    word, ordered = random.choice((("up", sorted(values)), ("down", sorted(values, reverse=True))))
    text = " ".join(map(str, values))
    answer = " ".join(map(str, ordered))
    question = random.choice(("Sort {}wards: {}", "Put in order, going {}: {}")).format(word, text)
    return single("order", f"{word} {text}", question, answer)


def following(random: Random, sizes: Sizes) -> Topic:
    """Count on, or back."""
    start = random.randint(2, 5 * sizes.operand)
    word, value = random.choice((("after", start + 1), ("before", start - 1)))
    return single("following", f"{word} {start}", f"Which number comes {word} {start}?", str(value))


MAKERS: dict[Maker, int] = {plus: 2, minus: 2, compare: 1, extreme: 2, order: 1, following: 1}

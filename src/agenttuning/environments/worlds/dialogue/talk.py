"""Topics of people: small talk, plain facts, and what was said earlier in the dialogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.dialogue.topic import Exchange, Maker, Sizes, Topic
from agenttuning.environments.worlds.dialogue.vocabulary import ANIMALS, CITIES, COLOURS, FOODS, JOBS, NAMES

if TYPE_CHECKING:
    from random import Random

SMALL_TALK = {
    "Hello!": "Hello! How can I help you?",
    "Good morning.": "Good morning! How can I help you?",
    "Good evening.": "Good evening! How can I help you?",
    "Hi, how are you?": "I am fine, thank you.",
    "Thank you.": "You are welcome.",
    "Thanks a lot!": "You are welcome.",
    "Goodbye.": "Goodbye!",
    "See you later.": "Goodbye!",
    "Can you help me?": "Yes. What do you need?",
    "Are you ready?": "Yes, I am ready.",
    "Well done!": "Thank you.",
    "Sorry.": "No problem.",
}
FACTS = {
    "the capital of France": "Paris", "the capital of Italy": "Rome", "the capital of Spain": "Madrid",
    "the capital of Germany": "Berlin", "the capital of England": "London", "the capital of Japan": "Tokyo",
    "the capital of Egypt": "Cairo", "the capital of Russia": "Moscow", "the capital of China": "Beijing",
    "the capital of Austria": "Vienna", "the capital of Greece": "Athens", "the capital of Peru": "Lima",
    "the colour of grass": "green", "the colour of snow": "white", "the colour of the sky": "blue",
    "the colour of coal": "black", "the opposite of hot": "cold", "the opposite of big": "small",
    "the opposite of day": "night", "the opposite of old": "new", "the opposite of fast": "slow",
    "the opposite of high": "low", "the opposite of wet": "dry", "the opposite of full": "empty",
    "the number of days in a week": "7", "the number of months in a year": "12", "the number of legs of a spider": "8",
    "the number of hours in a day": "24", "the number of minutes in an hour": "60", "the first month": "January",
    "the last month": "December", "the young of a dog": "puppy", "the young of a cat": "kitten",
    "the young of a sheep": "lamb", "the day after Monday": "Tuesday", "the day before Sunday": "Saturday",
    "the plural of mouse": "mice", "the plural of child": "children", "the plural of foot": "feet",
    "the past tense of go": "went", "the past tense of see": "saw", "the past tense of eat": "ate",
}  # fmt: skip


def small_talk(random: Random, sizes: Sizes) -> Topic:
    """Answer a greeting or thanks: a closed set, the same in both splits."""
    del sizes
    question = random.choice(tuple(SMALL_TALK))
    return Topic(None, (Exchange(kind="small_talk", question=question, answer=SMALL_TALK[question]),))


def fact(random: Random, sizes: Sizes) -> Topic:
    """Answer a question of general knowledge: a closed set, the same in both splits."""
    del sizes
    asked = random.choice(tuple(FACTS))
    wording = random.choice(("What is {}?", "Tell me {}.", "Do you know {}?"))
    return Topic(None, (Exchange(kind="fact", question=wording.format(asked), answer=FACTS[asked]),))


def introduction(random: Random, sizes: Sizes) -> Topic:
    """Take note of what the user tells about themselves, and know it a turn later."""
    name = random.choice(sizes.known(NAMES))
    told, asked, values = random.choice(
        (
            ("I live in {}.", "Where do I live?", CITIES),
            ("I work as {}.", "What is my work?", JOBS),
            ("My favourite colour is {}.", "What is my favourite colour?", COLOURS),
            ("I like {}.", "What do I like?", FOODS),
            ("My pet is a {}.", "What is my pet?", ANIMALS),
        )
    )
    value = random.choice(sizes.known(values))
    greeting = Exchange(
        kind="introduction", question=f"My name is {name}. {told.format(value)}", answer=f"Nice to meet you, {name}."
    )
    question, answer = random.choice(((asked, value), ("What is my name?", name)))
    recall = Exchange(kind="recall", question=question, answer=answer)
    return Topic(f"introduction {name} {value}", (greeting, recall))


def memory(random: Random, sizes: Sizes) -> Topic:
    """Keep words in mind and give one of them back."""
    words = random.sample(sizes.known(FOODS + ANIMALS), max(2, min(4, sizes.rows[1])))
    told = random.choice(("Remember these words: {}.", "Keep in mind: {}.")).format(", ".join(words))
    question, answer = random.choice(
        (
            ("What was the first word?", words[0]),
            ("What was the last word?", words[-1]),
            ("Say the words again.", ", ".join(words)),
        )
    )
    noted = Exchange(kind="memory", question=told, answer="I will remember.")
    return Topic(f"memory {' '.join(words)}", (noted, Exchange(kind="recall", question=question, answer=answer)))


MAKERS: dict[Maker, int] = {small_talk: 1, fact: 3, introduction: 3, memory: 2}
RECALLED = frozenset({"introduction", "memory"})
"""Kinds whose second exchange may come after another topic."""

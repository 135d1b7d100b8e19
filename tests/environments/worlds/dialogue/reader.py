"""A slow second reading of the dialogues: answers found in the words of the questions alone, one rule for each kind."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.dialogue import vocabulary
from agenttuning.environments.worlds.dialogue.talk import FACTS, SMALL_TALK

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Rule = Callable[[str, Sequence[str]], str]

ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
KINDS = {
    "an animal": vocabulary.ANIMALS, "a food": vocabulary.FOODS, "a colour": vocabulary.COLOURS,
    "a name": vocabulary.NAMES, "a city": vocabulary.CITIES, "a job": vocabulary.JOBS, "a thing": vocabulary.THINGS,
    "a number": vocabulary.NUMBERS, "a quality": vocabulary.QUALITIES,
}  # fmt: skip
MARKS = {
    "double quotes": '""', "single quotes": "''", "brackets": "()", "square brackets": "[]", "backticks": "``",
    "angle brackets": "<>", "stars": "**",
}  # fmt: skip


def read(kind: str, asked: str, earlier: Sequence[str] = ()) -> str:
    """Answer a question of a known kind; `earlier` holds the user's turns before it."""
    return RULES[kind](asked, earlier)


def parts(pattern: str, text: str) -> tuple[str, ...]:
    """Return the groups of a pattern that has to be found."""
    found = re.search(pattern, text, re.DOTALL)
    assert found, (pattern, text)
    return tuple(group or "" for group in found.groups())


def after_colon(asked: str) -> str:
    return asked.split(": ", 1)[1]


def repeat(asked: str, _earlier: Sequence[str]) -> str:
    quoted = re.fullmatch(r'Please write "(.*)" once more\.', asked)
    return quoted[1] if quoted else after_colon(asked)


def dictation(asked: str, _earlier: Sequence[str]) -> str:
    said = after_colon(asked)
    return "".join(map(str.upper, said)) if "capital" in asked.partition(":")[0] else said


def quote(asked: str, _earlier: Sequence[str]) -> str:
    phrase, name = parts(r"^(?:Put|Write) (.*) (?:in|inside) ([a-z ]+)\.$", asked)
    return MARKS[name][0] + phrase + MARKS[name][1]


def reverse(asked: str, _earlier: Sequence[str]) -> str:
    words = after_colon(asked).split()
    return " ".join(words[place] for place in range(len(words) - 1, -1, -1))


def position(asked: str, _earlier: Sequence[str]) -> str:
    name, listed = parts(r"(?:the |comes )(\w+)(?: word(?: of this list)?:|\?) (.*)", asked)
    words = listed.split(", ")
    return words[-1 if name == "last" else ORDINALS.index(name)]


def neighbour(asked: str, _earlier: Sequence[str]) -> str:
    side, known, listed = parts(r"(after|before) (\S+?)[?:] (.*)", asked)
    words = listed.split(", ")
    return words[words.index(known) + (1 if side == "after" else -1)]


def capitals(asked: str, _earlier: Sequence[str]) -> str:
    name, phrase = parts(r"^(?:Write in|Use) (capital letters|small letters|title case)(?: for)?: (.*)$", asked)
    if name == "title case":
        return " ".join(word[0].upper() + word[1:] for word in phrase.split())
    return phrase.upper() if name == "capital letters" else phrase.lower()


def replace(asked: str, _earlier: Sequence[str]) -> str:
    old, new, text = parts(r"^(?:Replace|Change) (\S+) (?:with|to) (\S+?)(?:: | in: )(.*)$", asked)
    return " ".join(new if word == old else word for word in text.split())


def remove(asked: str, _earlier: Sequence[str]) -> str:
    out, listed = parts(r"^(?:Remove|Leave out) (\S+?)(?: from the list)?: (.*)$", asked)
    words = listed.split(", ")
    words.remove(out)
    return ", ".join(words)


def add_word(asked: str, _earlier: Sequence[str]) -> str:
    new, end, listed = parts(r"^(?:Add|Put) (\S+) at the (end|start)(?: of)?: (.*)$", asked)
    words = listed.split(", ")
    words.insert(len(words) if end == "end" else 0, new)
    return ", ".join(words)


def count(asked: str, _earlier: Sequence[str]) -> str:
    return str(after_colon(asked).count(" ") + 1)


def occurrences(asked: str, _earlier: Sequence[str]) -> str:
    word, listed = parts(r"^How often does (\w+) occur\? (.*)$", asked)
    return str(sum(other == word for other in listed.split(", ")))


def alphabet(asked: str, _earlier: Sequence[str]) -> str:
    return min(after_colon(asked).rstrip("?").split(" or "))


def choose_kind(asked: str, _earlier: Sequence[str]) -> str:
    wanted, listed = parts(r"(an? \w+)[?:] (.*)$", asked)
    (only,) = [word for word in listed.split(", ") if word in KINDS[wanted]]
    return only


def join(asked: str, _earlier: Sequence[str]) -> str:
    return "".join(parts(r"^(?:Join|Write) (\w+) and (\w+?)(?: as one word)?\.$", asked))


def where(asked: str, _earlier: Sequence[str]) -> str:
    thing, told = parts(r"the (\w+)\?$", asked)[0], re.findall(r"The (\w+) is ([^.?]+)\.", asked)
    return dict(told).get(thing, "It is not there.")


def where_again(asked: str, earlier: Sequence[str]) -> str:
    return where(f"{earlier[-1]} {asked}", ())


def contents(asked: str, _earlier: Sequence[str]) -> str:
    (place,) = parts(r"in the (\w+)[?.]$", asked)
    (thing,) = re.findall(rf"There is a (\w+) in the {place}\.", asked)
    return str(thing)


def who(asked: str, _earlier: Sequence[str]) -> str:
    story, said_of = asked.rsplit(". ", 1)
    sentences = [f"{sentence}." for sentence in story.split(". ")]
    if said_of.startswith("What is said of "):
        name = said_of.removeprefix("What is said of ").rstrip("?")
        return next(sentence for sentence in sentences if sentence.startswith(f"{name} "))
    wanted = said_of.removeprefix("Who ").rstrip("?")
    return next(sentence for sentence in sentences if sentence.endswith(f" {wanted}.")).split(" ", 1)[0]


def remaining(asked: str, _earlier: Sequence[str]) -> str:
    listed, done = parts(r"^(?:List:|We want) (.*?)\. (?:Done:|So far we have) (.*?)\. ", asked)
    return next(word for word in listed.split(", ") if word not in done.split(", "))


def member(asked: str, _earlier: Sequence[str]) -> str:
    word, listed = parts(r"^(?:Is|Does the list name) (\w+)(?: in this list)?\? (.*)$", asked)
    return "Yes" if listed.split(", ").count(word) else "No"


def record(asked: str, _earlier: Sequence[str]) -> str:
    text, last = asked.rsplit("\n", 1)
    pairs = [re.split(": | = ", pair) for pair in re.split("\n|; |, ", text)]
    if last.startswith("Which field is "):
        value = last.removeprefix("Which field is ").rstrip("?")
        return next(pair[0] for pair in pairs if pair[1] == value)
    (field,) = parts(r" the (\w+)[?.]$", last)
    return next(pair[1] for pair in pairs if pair[0] == field)


def table(asked: str, _earlier: Sequence[str]) -> str:
    head, *rows, last = [line.split(" | ") for line in asked.split("\n")]
    column, name = parts(r" the (\w+) of (\w+)[?.]$", last[0])
    return next(row[place] for row in rows if row[0] == name for place in range(len(row)) if head[place] == column)


def table_again(asked: str, earlier: Sequence[str]) -> str:
    return table("\n".join([*earlier[-1].split("\n")[:-1], asked]), ())


def columns(asked: str, _earlier: Sequence[str]) -> str:
    head, row, last = asked.split("\n")
    if last == "Name the columns.":
        return head.replace(" | ", ", ")
    value = last.removeprefix("Which column holds ").rstrip("?")
    return head.split(" | ")[row.split(" | ").index(value)]


def plus(asked: str, _earlier: Sequence[str]) -> str:
    return str(sum(map(int, re.findall(r"\d+", asked))))


def minus(asked: str, _earlier: Sequence[str]) -> str:
    left, right = map(int, re.findall(r"\d+", asked))
    return str(left - right)


def compare(asked: str, _earlier: Sequence[str]) -> str:
    left, right = map(int, re.findall(r"\d+", asked))
    return str(left if (left > right) == ("larger" in asked) else right)


def extreme(asked: str, _earlier: Sequence[str]) -> str:
    points = sorted((int(value), name) for name, value in re.findall(r"(\w+) (\d+)", asked))
    return points[-1 if "most" in asked else 0][1]


def order(asked: str, _earlier: Sequence[str]) -> str:
    direction, listed = parts(r"(up|down)(?:wards)?: (.*)$", asked)
    left, ordered = [int(number) for number in listed.split()], []
    while left:
        ordered.append(min(left) if direction == "up" else max(left))
        left.remove(ordered[-1])
    return " ".join(map(str, ordered))


def following(asked: str, _earlier: Sequence[str]) -> str:
    side, start = parts(r"(after|before) (\d+)\?$", asked)
    return str(int(start) + (1 if side == "after" else -1))


def template(asked: str, _earlier: Sequence[str]) -> str:
    told, pattern = parts(r"^(?:Fill in|Use) (.*?)(?: in this pattern)?:\n(.*)$", asked)
    values = dict(pair.split(" = ") for pair in told.split(", "))
    return re.sub(r"(?<![A-Za-z])[XYZ](?![A-Za-z])", lambda letter: values[letter[0]], pattern)


def lines(asked: str, _earlier: Sequence[str]) -> str:
    name, loud, listed = parts(r"^(?:Write as|Make) (.*?)(, all in capitals)?: (.*)$", asked)
    words = (listed.upper() if loud else listed).split()
    if name == "a list with dashes":
        return "\n".join("- " + word for word in words)
    if name == "a numbered list":
        return "\n".join(f"{place + 1}. {words[place]}" for place in range(len(words)))
    joints = {"one word per line": "\n", "words split by commas": ", ", "words split by slashes": " / "}
    return joints[name].join(words)


def json_list(asked: str, _earlier: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in after_colon(asked).split(", ")) + "]"


def json_object(asked: str, _earlier: Sequence[str]) -> str:
    return json.dumps(dict(pair.split(" ", 1) for pair in after_colon(asked).split(", ")))


def marked_answer(asked: str, _earlier: Sequence[str]) -> str:
    thing, mark = parts(r'Which colour has the (\w+)\? Begin with "(.*)"\.$', asked)
    return f"{mark} {dict(re.findall(r'The ([a-z]+) is ([a-z]+)[.]', asked))[thing]}"


def two_parts(asked: str, _earlier: Sequence[str]) -> str:
    thing, first, second = parts(r"Find the (\w+)\. Use two lines, (\w+) and (\w+)\.$", asked)
    place = dict(re.findall(r"The (\w+) is at (the \w+)\.", asked))[thing]
    return f"{first}: I look for the {thing}.\n{second}: {place}"


def sentence(asked: str, _earlier: Sequence[str]) -> str:
    kind, name, quality, food = parts(r"^(?:Make|Write) a (\w+)(?::| with) (\w+), (\w+)(?:,| and) (\w+)\.?$", asked)
    return {
        "statement": f"{name} has a {quality} {food}.",
        "question": f"Does {name} have a {quality} {food}?",
        "negative": f"{name} has no {quality} {food}.",
    }[kind]


def listing(asked: str, _earlier: Sequence[str]) -> str:
    head, listed = parts(r"^(.*?)[?.:]\s(.*)$", asked)
    words = head.split()
    (entry,) = [entry for entry in re.split(r"\n|, |; ", listed) if entry.split()[-2] in words]
    return entry


def introduction(asked: str, _earlier: Sequence[str]) -> str:
    (name,) = parts(r"^My name is (\w+)\.", asked)
    return f"Nice to meet you, {name}."


def recall(asked: str, earlier: Sequence[str]) -> str:
    told = next(turn for turn in reversed(earlier) if turn.startswith(("My name", "Remember these", "Keep in mind")))
    if told.startswith("My name"):
        name, fact = parts(r"^My name is (\w+)\. .* (\w+)\.$", told)
        return name if asked == "What is my name?" else fact
    words = after_colon(told).rstrip(".")
    choice = {"What was the first word?": 0, "What was the last word?": -1}
    return words.split(", ")[choice[asked]] if asked in choice else words


RULES: dict[str, Rule] = {
    **{rule.__name__: rule for rule in (
        repeat, dictation, quote, reverse, position, neighbour, capitals, replace, remove, add_word, count,
        occurrences, alphabet, choose_kind, join, where, where_again, contents, who, listing, remaining, member,
        record, table, table_again, columns, plus, minus, compare, extreme, order, following, template, lines,
        json_list, json_object, marked_answer, two_parts, sentence, introduction, recall,
    )},
    "memory": lambda _asked, _earlier: "I will remember.",
    "small_talk": lambda asked, _earlier: SMALL_TALK[asked],
    "fact": lambda asked, _earlier: FACTS[parts(r"^(?:What is|Tell me|Do you know) (.*)[.?]$", asked)[0]],
}  # fmt: skip

"""Questions over the generated encyclopaedia that no single page answers, or no page without arithmetic.

    chain       What is the birthplace of the author of Last Road?
    comparison  Which town has more people, East Bay or the home town of Red Lions?
    years       How many years lie between the birth year of Amy Bell and the publication year of Last Road?
    sum, times  What is the population of East Bay plus the population of Old Dale?

Every plan is tried on the encyclopaedia: a question is asked only where its own plan finds the way.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.rewoo.calculator import calculate
from agenttuning.environments.worlds.rewoo.question import Question, written_plan
from agenttuning.environments.worlds.rewoo.tools import meant, tell
from agenttuning.environments.worlds.rewoo.wording import Wording
from agenttuning.environments.worlds.wiki.backend import Similar
from agenttuning.environments.worlds.wiki.encyclopaedia import open_volume, relation_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.rewoo.scoring import Match
    from agenttuning.environments.worlds.wiki.encyclopaedia import Fact, Volume

PER_VOLUME: Final = 32
"""Questions on the pages of one volume."""
HOPS: Final[Mapping[Difficulty, tuple[int, ...]]] = {"tiny": (1, 2, 2), "standard": (2, 2, 3), "hard": (3, 4)}
"""Facts of a chain, drawn from."""
LEADS: Final[Mapping[Difficulty, tuple[int, ...]]] = {"tiny": (1,), "standard": (1, 1, 2), "hard": (2, 3)}
"""Facts that lead to each number of a comparison or a calculation, drawn from."""


class Way(NamedTuple):
    """Facts each of whose values is the subject of the next."""

    facts: tuple[Fact, ...]

    @property
    def last(self) -> Fact:
        """The fact that is asked for."""
        return self.facts[-1]

    @property
    def phrase(self) -> str:
        """Names the last value: `the birthplace of the author of Last Road`."""
        told = self.facts[0].subject
        for fact in self.facts:
            told = relation_of(fact).noun.format(told)
        return told


def questions(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[tuple[int, Question]]:
    """Yield the volume's number and the question, one question after the other."""
    for index in range(count):
        volume, number = divmod(index, PER_VOLUME)
        yield volume, _asked(difficulty, seed=seed, test=test, volume=volume)[number]


@lru_cache(maxsize=8)
def _asked(difficulty: Difficulty, *, seed: int, test: bool, volume: int) -> tuple[Question, ...]:
    """Draw the questions of one volume, no two alike."""
    draw = random.Random(f"rewoo/{difficulty}/{seed}/{test}/{volume}")
    pages = open_volume(difficulty, seed=seed, test=test, number=volume)
    wording = Wording(draw, brief=difficulty == "tiny")
    found: dict[str, Question] = {}
    while len(found) < PER_VOLUME:
        question = draw.choice(_FAMILIES)(_Drawer(pages, draw, difficulty), wording)
        if question is not None:
            found.setdefault(question.text, question)
    return tuple(found.values())


class _Drawer:
    """Draws ways through the pages of a volume."""

    def __init__(self, pages: Volume, draw: random.Random, difficulty: Difficulty) -> None:
        self.pages = pages
        self.draw = draw
        self.difficulty = difficulty

    def way(self, hops: int, *, ends: Callable[[Fact], bool]) -> Way | None:
        """Draw a way of that many facts whose last is of the wanted kind; None where the draw leads nowhere."""
        facts: list[Fact] = []
        title = self.draw.choice(list(self.pages.articles))
        for left in range(hops - 1, -1, -1):
            told = self.pages.articles[title].facts
            fitting = [fact for fact in told if (ends(fact) if left == 0 else fact.target is not None)]
            if not fitting:
                return None
            fact = self.draw.choice(fitting)
            facts.append(fact)
            title = fact.target or ""
        subjects = [fact.subject for fact in facts]
        return Way(tuple(facts)) if len(set(subjects)) == hops and self._is_found(facts) else None

    def number(self, *, alike: Callable[[Fact], bool]) -> Way | None:
        """Draw a way to a number."""
        hops = self.draw.choice(LEADS[self.difficulty])
        return self.way(hops, ends=lambda fact: fact.number is not None and alike(fact))

    def _is_found(self, facts: list[Fact]) -> bool:
        """Try the plan: does every sentence lead to the page of the next fact, and is it the sentence that is told?"""
        for fact, following in zip(facts, [*facts[1:], None], strict=True):
            told = tell(self.pages.articles[fact.subject].page, relation_of(fact).keyword)
            if fact.value not in told:
                return False
            if following is not None:
                similar = self.pages.wiki.find(told)
                if not isinstance(similar, Similar) or not similar.titles:
                    return False
                if meant(told, similar.titles) != following.subject:
                    return False
        return True


def _calls(way: Way, *, first: int) -> list[str]:
    """Return the calls that follow a way; the first of them is numbered `first`."""
    calls = []
    for offset, fact in enumerate(way.facts):
        subject = fact.subject if offset == 0 else f"#E{first + offset - 1}"
        calls.append(f"Wikipedia[{subject} | {relation_of(fact).keyword}]")
    return calls


def _steps(ways: tuple[Way, ...], wording: Wording) -> list[tuple[str, str]]:
    steps: list[tuple[str, str]] = []
    for way in ways:
        calls = _calls(way, first=len(steps) + 1)
        for offset, (fact, call) in enumerate(zip(way.facts, calls, strict=True)):
            named = fact.subject if offset == 0 else f"#E{len(steps)}"
            steps.append((wording.look_up(relation_of(fact).noun.format(named)), call))
    return steps


def _chain(drawer: _Drawer, wording: Wording) -> Question | None:
    way = drawer.way(drawer.draw.choice(HOPS[drawer.difficulty]), ends=lambda _: True)
    if way is None:
        return None
    match: Match = "exact" if way.last.number is None else "number"
    text = f"{'Who' if relation_of(way.last).target == 'person' else 'What'} is {way.phrase}?"
    return Question(text, (way.last.value,), match, "chain", written_plan(_steps((way,), wording)))


def _comparison(drawer: _Drawer, wording: Wording) -> Question | None:
    one = drawer.number(alike=lambda fact: bool(relation_of(fact).more))
    other = one and drawer.number(alike=lambda fact: fact.relation == one.last.relation)
    if not one or not other or one.last.number == other.last.number or one.last.subject == other.last.subject:
        return None
    more = drawer.draw.random() < 0.5
    relation = relation_of(one.last)
    subjects = [Way(way.facts[:-1]).phrase if way.facts[1:] else way.last.subject for way in (one, other)]
    first = (one.last.number or 0) > (other.last.number or 0)
    answer = (one if first == more else other).last.subject
    text = (relation.more if more else relation.less).format(*subjects)
    return Question(text, (answer,), "exact", "comparison", written_plan(_steps((one, other), wording)))


def _years(drawer: _Drawer, wording: Wording) -> Question | None:
    one = drawer.number(alike=lambda fact: not relation_of(fact).unit)
    other = one and drawer.number(alike=lambda fact: not relation_of(fact).unit)
    if not one or not other or one.last == other.last:
        return None
    text = f"How many years lie between {one.phrase} and {other.phrase}?"
    return _computed(text, (one, other), "abs({} - {})", wording, kind="years")


def _sum(drawer: _Drawer, wording: Wording) -> Question | None:
    one = drawer.number(alike=lambda fact: bool(relation_of(fact).unit))
    other = one and drawer.number(alike=lambda fact: fact.relation == one.last.relation)
    if not one or not other or one.last == other.last:
        return None
    return _computed(f"What is {one.phrase} plus {other.phrase}?", (one, other), "{} + {}", wording, kind="sum")


def _times(drawer: _Drawer, wording: Wording) -> Question | None:
    one = drawer.number(alike=lambda fact: bool(relation_of(fact).unit))
    if one is None:
        return None
    times = drawer.draw.randint(2, 9)
    return _computed(f"What is {times} times {one.phrase}?", (one,), f"{{}} * {times}", wording, kind="times")


def _computed(text: str, ways: tuple[Way, ...], formula: str, wording: Wording, *, kind: str) -> Question:
    """Ask for the value of a formula over the numbers at the ends of some ways."""
    steps = _steps(ways, wording)
    ends = [sum(len(way.facts) for way in ways[: place + 1]) for place in range(len(ways))]
    call = formula.format(*(f"#E{end}" for end in ends))
    answer = calculate(formula.format(*(way.last.number for way in ways)))
    steps.append((wording.work_out(call), f"Calculator[{call}]"))
    return Question(text, (answer,), "number", kind, written_plan(steps))


_FAMILIES: Final = (_chain, _chain, _comparison, _years, _sum, _times)

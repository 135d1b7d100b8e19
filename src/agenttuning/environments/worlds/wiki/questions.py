"""Questions over the generated encyclopaedia, in HotpotQA's two kinds: along a chain of pages, or between two.

`tiny`: two pages. `standard`: two pages, other wordings, yes or no, titles that are not quite those of the pages.
`hard`: also chains of three pages, and comparisons of things that are themselves named by a page.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.records import Record
from agenttuning.environments.worlds.wiki.backend import Similar
from agenttuning.environments.worlds.wiki.encyclopaedia import Fact, Volume, open_volume, relation_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agenttuning.core.records import Difficulty

QuestionKind = Literal["bridge", "comparison"]
PER_VOLUME: Final[Mapping[Difficulty, int]] = {"tiny": 20, "standard": 100, "hard": 200}
"""Questions asked of one volume."""
MOST_STEPS: Final = 10
"""Actions within which every question can be answered."""
_BRIDGE: Final = (
    "What is {chain}?",
    "Name {chain}.",
    "Find out {chain}.",
    "The question is about {start}: what is {chain}?",
)
_WHO: Final = ("Who is {chain}?", "What is the name of {chain}?", "Name {chain}.")


class Support(Record):
    """One sentence that the answer rests on."""

    title: str
    paragraph: int
    keyword: str = ""
    """A word that finds it; empty where none was chosen."""
    aim: str = ""
    """What it tells, in words: `the author of The Lost Anchor`."""
    value: str = ""
    asked: str = ""
    """What the question calls the page, where no page has that name: similar titles lead to it. Empty elsewhere."""


class Question(Record):
    """One question, its answer, and why."""

    kind: QuestionKind
    text: str
    answer: str
    supports: tuple[Support, ...]
    """In the order of reading."""
    conclusion: str
    """The last step of the argument."""
    volume: int


def questions(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[Question]:
    """Yield the first `count` questions of a split lazily; no two questions of one volume are alike."""
    for index in range(0, count, PER_VOLUME[difficulty]):
        number = index // PER_VOLUME[difficulty]
        volume = open_volume(difficulty, seed=seed, test=test, number=number)
        draw = random.Random(f"questions/{difficulty}/{seed}/{test}/{number}")
        maker = _Maker(volume, draw, difficulty=difficulty, number=number)
        yield from (maker.make() for _ in range(min(PER_VOLUME[difficulty], count - index)))


class _Maker:
    """Draws the questions of one volume."""

    def __init__(self, volume: Volume, draw: random.Random, *, difficulty: Difficulty, number: int) -> None:
        self._volume, self._draw, self._difficulty, self._number = volume, draw, difficulty, number
        self._asked: set[str] = set()
        self._links = [fact for fact in volume.facts if fact.target is not None]
        self._numbers = [fact for fact in volume.facts if fact.number is not None]
        self._words = [fact for fact in volume.facts if relation_of(fact).words]

    def make(self) -> Question:
        """Return a question that was not asked before."""
        while True:
            question = self._bridge() if self._draw.random() < 0.7 else self._comparison()
            if question is not None and question.text not in self._asked and self._steps(question) <= MOST_STEPS:
                self._asked.add(question.text)
                return question

    def _bridge(self) -> Question | None:
        hard = self._difficulty == "hard"
        fact, chain, aim = self._follow(self._draw.choice((2, 3)) if hard else 2)
        if len({step.title for step in chain}) < len(chain) or fact.value in aim:
            return None
        person = relation_of(fact).target == "person"
        wordings = _WHO if person else _BRIDGE
        wording = wordings[0] if self._difficulty == "tiny" else self._draw.choice(wordings)
        return Question(
            kind="bridge",
            text=wording.format(chain=aim, start=chain[0].asked or self._named(chain[0].title)),
            answer=fact.value,
            supports=tuple(chain),
            conclusion=f"So the answer is {fact.value}.",
            volume=self._number,
        )

    def _follow(self, length: int) -> tuple[Fact, list[Support], str]:
        """Walk from a link to a last fact; return it, the steps, and the whole way in words."""
        fact = self._draw.choice(self._links)
        asked = self._asked_name(fact.subject)
        aim = self._noun(fact, asked or self._named(fact.subject))
        chain = [_support(fact, aim=aim, asked=asked)]
        for left in range(length - 2, -1, -1):
            if fact.target is None:
                break
            told = self._volume.articles[fact.target].facts
            onward = [one for one in told if one.target is not None] if left else []
            fact = self._draw.choice(onward or told)
            chain.append(_support(fact, aim=self._noun(fact, self._named(fact.subject))))
            aim = self._noun(fact, aim)
        return fact, chain, aim

    def _comparison(self) -> Question | None:
        if self._difficulty != "tiny" and self._draw.random() < 0.3:
            return self._same()
        first = self._draw.choice(self._numbers)
        second = self._draw.choice([one for one in self._numbers if one.relation == first.relation])
        if first.number is None or second.number is None or first.number == second.number:
            return None
        relation, wants_more = relation_of(first), self._draw.random() < 0.5
        best = first if (first.number > second.number) == wants_more else second
        names, supports = [], []
        for fact in (first, second):
            name, read = self._compared(fact)
            names.append(name)
            supports += read
        return Question(
            kind="comparison",
            text=(relation.more if wants_more else relation.less).format(*names),
            answer=best.subject,
            supports=tuple(supports),
            conclusion=f"{first.value} against {second.value}, so the answer is {best.subject}.",
            volume=self._number,
        )

    def _compared(self, fact: Fact) -> tuple[str, list[Support]]:
        """Return what the subject is called: its name, or at `hard` what another page makes of it; and what to read."""
        pointing = [link for link in self._links if link.target == fact.subject and link.subject != fact.subject]
        if self._difficulty != "hard" or not pointing:
            asked = self._asked_name(fact.subject)
            called = asked or self._named(fact.subject)
            return called, [_support(fact, aim=self._noun(fact, called), asked=asked)]
        link = self._draw.choice(pointing)
        asked = self._asked_name(link.subject)
        called = self._noun(link, asked or self._named(link.subject))
        own = self._noun(fact, self._named(fact.subject))
        return called, [_support(link, aim=called, asked=asked), _support(fact, aim=own)]

    def _same(self) -> Question:
        wanted = self._draw.random() < 0.5
        fitting: list[Fact] = []
        while not fitting:
            first = self._draw.choice(self._words)
            others = [one for one in self._words if one.relation == first.relation and one.subject != first.subject]
            fitting = [one for one in others if (one.value == first.value) == wanted]
        second = self._draw.choice(fitting)
        aims = [self._noun(fact, self._named(fact.subject)) for fact in (first, second)]
        answer = "yes" if wanted else "no"
        return Question(
            kind="comparison",
            text=f"Is {aims[0]} the same as {aims[1]}?",
            answer=answer,
            supports=(_support(first, aim=aims[0]), _support(second, aim=aims[1])),
            conclusion=f"{first.value} and {second.value}, so the answer is {answer}.",
            volume=self._number,
        )

    def _named(self, title: str) -> str:
        return f"the {title}" if self._volume.articles[title].kind == "river" else title

    def _asked_name(self, title: str) -> str:
        """Sometimes leave out a title's article, where a search for the rest offers the title."""
        rest = title.removeprefix("The ")
        if self._difficulty == "tiny" or rest == title or self._draw.random() < 0.6:
            return ""
        found = self._volume.wiki.find(rest)
        return rest if isinstance(found, Similar) and title in found.titles else ""

    def _steps(self, question: Question) -> int:
        """Count the actions of a reader who knows what to read."""
        hidden = sum(one.paragraph >= self._volume.articles[one.title].page.lead for one in question.supports)
        return len(question.supports) + hidden + sum(bool(one.asked) for one in question.supports) + 1

    @staticmethod
    def _noun(fact: Fact, of: str) -> str:
        return relation_of(fact).noun.format(of)


def _support(fact: Fact, *, aim: str, asked: str = "") -> Support:
    return Support(
        title=fact.subject,
        paragraph=fact.paragraph,
        keyword=relation_of(fact).keyword,
        aim=aim,
        value=fact.value,
        asked=asked,
    )

"""The evaluators of the raw task schema: a product of judgements of the answer, the address and the pages.

Two dialects. Upstream's is the default; `2023` is that of the paper's copy, which looks for one-letter references
anywhere, compares whole addresses, and leaves the reasons for "N/A" aside.
"""

from __future__ import annotations

import html
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from agenttuning.environments.worlds.webarena.locators import (
    LAST_URL,
    TEXT_FUNCTIONS,
    URL_FUNCTIONS,
    Call,
    is_call,
    read_call,
)
from agenttuning.environments.worlds.webarena.raw_task import EITHER, RequiredContents
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.webarena.judge import Judge
    from agenttuning.environments.worlds.webarena.locators import Aftermath, OpenPage
    from agenttuning.environments.worlds.webarena.raw_task import Evaluation, ProgramHtml, RawTask, ReferenceAnswers
    from agenttuning.environments.worlds.webarena.task import Dialect

NOT_POSSIBLE: Final = "N/A"
_LAST: Final = "last"
_SCRIPTS: Final = ("document.", "[...document.")
_WORD: Final = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Ending:
    """How an episode ended."""

    answer: str
    """What the agent gave with `stop`; empty where it gave nothing."""
    aftermath: Aftermath
    judge: Judge


class Evaluator(ABC):
    """One judgement."""

    @abstractmethod
    async def score(self, ending: Ending) -> float:
        """Return 1 where it holds, else 0."""


@dataclass(frozen=True)
class Product(Evaluator):
    """All of several judgements."""

    factors: Sequence[Evaluator]

    async def score(self, ending: Ending) -> float:
        """Multiply, in order, until one is 0."""
        for factor in self.factors:
            if not await factor.score(ending):
                return 0.0
        return 1.0


@dataclass(frozen=True)
class NothingToJudge(Evaluator):
    """A record that names no page to look at: nobody has solved it, where an empty product would say everybody."""

    async def score(self, ending: Ending) -> float:  # noqa: ARG002  there is nothing to look at
        """Return 0."""
        return 0.0


@dataclass(frozen=True)
class ExactAnswer(Evaluator):
    """The answer is the reference, whatever the case."""

    reference: str

    async def score(self, ending: Ending) -> float:
        """Compare without outer quotes."""
        return float(clean(ending.answer) == clean(self.reference))


@dataclass(frozen=True)
class IncludedPhrases(Evaluator):
    """The answer holds every phrase."""

    phrases: Sequence[str]
    whole_words: bool
    """Is a phrase of one character, where it is the only one, looked for among the words: a 0 is not in 10."""

    async def score(self, ending: Ending) -> float:
        """Look for each phrase."""
        answer = clean(ending.answer)
        wanted = [clean(phrase) for phrase in self.phrases]
        if self.whole_words and len(wanted) == 1 and len(wanted[0]) == 1:
            return float(wanted[0] in _WORD.findall(answer))
        return float(all(phrase in answer for phrase in wanted))


@dataclass(frozen=True)
class ImpliedAnswers(Evaluator):
    """Every reference follows from the answer, says a judge."""

    references: Sequence[str]
    intent: str

    async def score(self, ending: Ending) -> float:
        """Ask the judge about each; an empty answer implies nothing."""
        answer = clean(ending.answer)
        if not answer:
            return 0.0
        for reference in self.references:
            if not await ending.judge.follows(reference, answer=answer, intent=self.intent):
                return 0.0
        return 1.0


@dataclass(frozen=True)
class Impossible(Evaluator):
    """The answer is N/A, or gives the reason why."""

    reason: str
    intent: str

    async def score(self, ending: Ending) -> float:
        """Compare with N/A first."""
        answer = clean(ending.answer)
        if answer == clean(NOT_POSSIBLE):
            return 1.0
        if not answer or not self.reason:
            return 0.0
        return float(await ending.judge.names_reason(self.reason, answer=answer, intent=self.intent))


@dataclass(frozen=True)
class ExactAddress(Evaluator):
    """The agent stopped at one of the addresses."""

    references: Sequence[str]

    async def score(self, ending: Ending) -> float:
        """Compare without trailing slashes."""
        wanted = [ending.aftermath.address(each).rstrip("/") for each in self.references]
        return float(ending.aftermath.url.rstrip("/") in wanted)


@dataclass(frozen=True)
class ContainedAddress(ExactAddress):
    """The address where the agent stopped holds one of the references as it is written."""

    async def score(self, ending: Ending) -> float:
        """Look for each as a substring."""
        stopped = ending.aftermath.url.rstrip("/")
        return float(any(ending.aftermath.address(each).rstrip("/") in stopped for each in self.references))


@dataclass(frozen=True)
class MatchingAddress(ExactAddress):
    """Host and path hold one of the references', and each query field has a value that a reference gives it."""

    async def score(self, ending: Ending) -> float:
        """Compare parts."""
        stopped = urlsplit(ending.aftermath.url.rstrip("/"))
        place, query = (stopped.netloc + stopped.path).rstrip("/"), parse_qs(stopped.query)
        wanted = [urlsplit(ending.aftermath.address(each).rstrip("/")) for each in self.references]
        fields: dict[str, set[str]] = {}
        for each in wanted:
            for name, values in parse_qs(each.query).items():
                fields.setdefault(name, set()).update(values)
        there = any((each.netloc + each.path).rstrip("/") in place for each in wanted)
        return float(there and all(values & set(query.get(name, ())) for name, values in fields.items()))


@dataclass(frozen=True)
class PageContent(Evaluator):
    """A part of a page holds what it must."""

    url: str | Call
    locator: str | Call
    prepare: Sequence[str]
    exact: str | None
    included: Sequence[str]
    """Each an alternative or several, joined by `EITHER`."""

    async def score(self, ending: Ending) -> float:
        """Open the page, find the part, compare."""
        page = await ending.aftermath.page(await self._address(ending.aftermath))
        text = clean(html.unescape(await self._text(ending.aftermath, page)))
        if self.exact is not None:
            return float(text == clean(self.exact))
        return float(all(any(clean(one) in text for one in each.split(EITHER)) for each in self.included))

    async def _address(self, aftermath: Aftermath) -> str | None:
        if isinstance(self.url, str):
            return None if self.url == _LAST else aftermath.address(self.url)
        _, function = URL_FUNCTIONS[self.url.name]
        return await function(
            aftermath, tuple(aftermath.url if each == LAST_URL else each for each in self.url.arguments)
        )

    async def _text(self, aftermath: Aftermath, page: OpenPage) -> str:
        if isinstance(self.locator, Call):
            _, function = TEXT_FUNCTIONS[self.locator.name]
            return await function(aftermath, page, self.locator.arguments)
        if not self.locator:
            return await page.content()
        for expression in self.prepare:
            await page.value(expression)
        return await page.value(self.locator)


def clean(answer: str) -> str:
    """Return an answer in lower case, without one pair of outer quotes."""
    plain = answer.strip()
    for mark in ("'", '"'):
        if len(plain) > 1 and plain.startswith(mark) and plain.endswith(mark):
            plain = plain[1:-1]
            break
    return plain.lower()


def build_evaluator(task: RawTask, *, dialect: Dialect = "upstream") -> Evaluator:
    """Return the evaluator of a task.

    Raises:
        DataError: the task file asks for what no evaluator can do.
    """
    factors: list[Evaluator] = []
    try:
        for kind in task.eval.eval_types:
            match kind:
                case "string_match":
                    factors += _answers(task, dialect)
                case "url_match":
                    factors.append(_address(task.eval, dialect))
                case "program_html":
                    factors += [_content(each) for each in task.eval.program_html]
    except DataError as error:
        raise DataError(f"task {task.task_id}: {error}") from error
    return Product(tuple(factors)) if factors else NothingToJudge()


def _answers(task: RawTask, dialect: Dialect) -> list[Evaluator]:
    wanted: ReferenceAnswers | None = task.eval.reference_answers
    if wanted is None or wanted == type(wanted)():
        raise DataError("string_match without reference_answers")
    found: list[Evaluator] = []
    if wanted.exact_match is not None:
        found.append(ExactAnswer(wanted.exact_match))
    if wanted.must_include is not None:
        found.append(IncludedPhrases(wanted.must_include, whole_words=dialect == "upstream"))
    if isinstance(wanted.fuzzy_match, str):
        if wanted.fuzzy_match != NOT_POSSIBLE:
            raise DataError(f"fuzzy_match must be a list or {NOT_POSSIBLE!r}, got {wanted.fuzzy_match!r}")
        found.append(Impossible(task.eval.string_note or "", task.intent))
    elif wanted.fuzzy_match is not None:
        found.append(ImpliedAnswers(wanted.fuzzy_match, task.intent))
    return found


def _address(evaluation: Evaluation, dialect: Dialect) -> Evaluator:
    if not evaluation.reference_url:
        raise DataError("url_match without reference_url")
    references = tuple(evaluation.reference_url.split(EITHER))
    note = evaluation.url_note or ("EXACT" if dialect == "2023" else "GOLD in PRED")
    if note == "EXACT":
        return ExactAddress(references)
    return ContainedAddress(references) if dialect == "2023" else MatchingAddress(references)


def _content(look: ProgramHtml) -> PageContent:
    locator = look.locator.strip()
    if locator and not is_call(locator) and not locator.startswith(_SCRIPTS):
        raise DataError(f"no kind of locator begins like {locator!r}")
    required = look.required_contents
    if isinstance(required, str):
        required = RequiredContents(must_include=(required,))
    if (required.exact_match is None) == (required.must_include is None):
        raise DataError("required_contents needs one of exact_match and must_include")
    urls = {name: count for name, (count, _) in URL_FUNCTIONS.items()}
    texts = {name: count for name, (count, _) in TEXT_FUNCTIONS.items()}
    return PageContent(
        url=read_call(look.url, urls) if is_call(look.url) else look.url,
        locator=read_call(locator, texts) if is_call(locator) else locator,
        prepare=look.prep_actions,
        exact=required.exact_match,
        included=required.must_include or (),
    )

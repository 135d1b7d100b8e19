"""MT-Bench: eighty questions of two turns, rated from 1 to 10 by a language model.

    system     You are a helpful, respectful and honest assistant.
    user       (first turn of a question)
    assistant  ...
    user       (second turn, which builds on the first answer)
    assistant  ...

Any text is an answer. Tokens are drawn at the temperature of the category: 0.7 for writing and roleplay, 0.1 for stem
and humanities, else greedy.
Reward: the mean of both ratings, moved from [1, 10] to [0, 1]; a rating that is missing counts as 1. Success is a mean
of 7 or more. The published figure is the mean of all ratings that could be read, and stands in the overall table;
`metrics` hold the points, how many ratings they are of, and how many were unparsable or failed. The judge's name, its
prompts (`published`, from the folder, or `own`) and the references are part of every number: scores compare only
under the same judge.
Source: MT-Bench (arXiv 2306.05685), `question.jsonl`, `reference_answer_gpt-4.jsonl` and `judge_prompts.jsonl` of
FastChat (https://github.com/lm-sys/FastChat, Apache-2.0), or the corrected `mt_bench_inf.jsonl` (MIT). Without them:
dialogues of two turns from the generator of `chat`, `synthetic-v1`, rated by a rule: 10 for the right answer, else 1.
Deviations: a judge that fails or says no rating is counted; an answer that the model could not give ends the episode.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import Field

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Task
from agenttuning.environments.worlds.chat_model import ChatModel, ChatModelSettings
from agenttuning.environments.worlds.dialogue.dialogues import make_dialogue
from agenttuning.environments.worlds.rating.judge import OWN_PROMPTS, Rating, rate
from agenttuning.environments.worlds.rating.questions import (
    JudgePrompt,
    Question,
    References,
    read_judge_prompts,
    read_questions,
)
from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

SYSTEM: Final = "You are a helpful, respectful and honest assistant."
TEMPERATURES: Final = {"writing": 0.7, "roleplay": 0.7, "stem": 0.1, "humanities": 0.1}
GOOD: Final = 7.0
_SPLITS: Final = {"train": 20_000, "test": 1_000}
_OFFICIAL: Final = {"test": 80}


class MtBenchConfig(EnvironmentConfig):
    """Settings of MT-Bench."""

    judge: ChatModelSettings | None = None
    """The model that rates; official questions need one. It wants room for a reason: `max_tokens = 2048`."""
    references: References = "gpt4"
    """Whose reference answers the judge is shown; `inflection` also takes the corrected questions."""


class MtBenchTask(Task):
    """One question, and who rates it."""

    question: Question
    judge: ChatModelSettings | None = None
    prompts: dict[str, JudgePrompt] = {}
    """Of the judge; empty where a rule rates."""
    published_prompts: bool = False
    references: References = "gpt4"
    answers: tuple[str, ...] = Field(default=(), max_length=2)
    """The right answers, where a rule rates."""


class MtBench(Environment[MtBenchTask]):
    """Asks both turns, then has the answers rated."""

    id: ClassVar[str] = "mt_bench"
    group: ClassVar[Group] = "general"
    max_turns: ClassVar[int] = 2
    task_type: ClassVar[type[Task]] = MtBenchTask
    config_type: ClassVar[type[EnvironmentConfig]] = MtBenchConfig

    def __init__(self, task: MtBenchTask) -> None:
        super().__init__(task)
        self._answers: list[str] = []

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits, or the one of the published questions."""
        return _SPLITS if narrow(config, MtBenchConfig).official is None else _OFFICIAL

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[MtBenchTask]:
        """Yield the questions of a split.

        Raises:
            DataError: the files are missing or of another form, or there is no such split.
            RecipeError: official questions without a judge.
        """
        settings = narrow(config, MtBenchConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"mt_bench has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        if settings.official is None:
            return _embedded(split, settings)
        if settings.judge is None:
            raise RecipeError(
                "MT-Bench's questions are rated by a language model; name one: "
                'judge = { base_url = "http://host:port/v1", model = "..." , max_tokens = 2048 }'
            )
        return _official(settings.official, settings)

    async def start(self) -> Sequence[Message]:
        """Return the first turn, after the system text."""
        system = self.task.instruction or ("" if self.task.answers else SYSTEM)
        opening = (Message(role="system", content=system),) if system else ()
        return (*opening, Message(role="user", content=self.task.question.turns[0]))

    async def step(self, reply: str) -> Step:
        """Take an answer and ask the second turn."""
        self._answers.append(reply.strip())
        valid = bool(reply.strip())
        if len(self._answers) == 2:
            return Step("", done=True, action=reply, valid=valid)
        return Step(self.task.question.turns[1], action=reply, valid=valid)

    async def score(self) -> Score:
        """Have both answers rated; a turn that was never reached gets no rating."""
        ratings = await self._ratings()
        found = [rating.points for rating in ratings if rating.points is not None]
        mean = sum(1.0 if rating.points is None else rating.points for rating in ratings) / 2
        metrics = {
            "points": sum(found),
            "rated": float(len(found)),
            "turn_1": ratings[0].points or 1.0,
            "turn_2": ratings[1].points or 1.0,
            "unparsable": float(sum(rating.fault == "unparsable" for rating in ratings)),
            "judge_errors": float(sum(rating.fault == "error" for rating in ratings)),
        }
        return Score(reward=(mean - 1) / 9, success=mean >= GOOD, metrics=metrics)

    async def _ratings(self) -> list[Rating]:
        task, missing = self.task, [Rating(None)] * (2 - len(self._answers))
        if task.judge is not None:
            async with ChatModel(task.judge) as judge:
                return [*await rate(task.question, self._answers, judge, prompts=task.prompts), *missing]
        pairs = zip(self._answers, task.answers, strict=False)
        return [*(Rating(10.0 if _plain(said) == _plain(right) else 1.0) for said, right in pairs), *missing]

    def variant(self) -> str:
        """Name the judge, its prompts and the references."""
        if self.task.judge is None:
            return "judged by rule"
        prompts = "published" if self.task.published_prompts else "own"
        return f"judge {self.task.judge.model}, {prompts} prompts, {self.task.references} references"

    def temperature(self) -> float | None:
        """Return the category's temperature; None for generated questions."""
        return None if self.task.judge is None else TEMPERATURES.get(self.task.question.category, 0.0)

    def oracle(self) -> Iterator[str] | None:
        """Return the right answers; None where only a judge knows."""
        return iter(self.task.answers) if self.task.answers else None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _embedded(split: str, config: MtBenchConfig) -> Iterator[MtBenchTask]:
    """Take the generator's dialogues that have a second turn, and their first two turns."""
    index = made = 0
    while made < _SPLITS[split]:
        exchanges = make_dialogue(config.seed, split=split, index=index, difficulty=config.difficulty)[:2]
        index += 1
        if len(exchanges) == 2:
            first, second = exchanges
            yield MtBenchTask(
                id=f"{split}-{config.difficulty}-{config.seed}-{made}",
                difficulty=config.difficulty,
                instruction=config.read_instruction(),
                question=Question(id=made, category="chat", turns=(first.question, second.question)),
                answers=(first.answer, second.answer),
            )
            made += 1


def _official(folder: Path, config: MtBenchConfig) -> Iterator[MtBenchTask]:
    published = read_judge_prompts(folder)
    for question in read_questions(folder, config.references):
        yield MtBenchTask(
            id=str(question.id),
            source="mt_bench-official",
            category=question.category,
            never_train=True,
            instruction=config.read_instruction(),
            question=question,
            judge=config.judge,
            prompts=dict(published or OWN_PROMPTS),
            published_prompts=published is not None,
            references=config.references,
        )

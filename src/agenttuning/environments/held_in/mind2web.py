"""Mind2Web: choose the element of a web page that a task needs next, and what to do with it.

One episode is one action of a task (Deng et al., arXiv 2306.06070) in AgentBench's 2023 protocol (arXiv 2308.03688): a
tournament among the ten likeliest elements of the page, up to three questions with at most five elements each. Every
question opens a dialogue of its own (three worked examples stand before it with `shots = 3`):

    user       '''
               <html> <form> <input id=0 text departure city /> <input id=1 text destination oslo /> ... </html>
               '''

               Task on this page: Book a flight with destination Oslo, with departure from Rome
               Previous actions:
               [textbox]  Destination -> TYPE: Oslo
               Which element comes next? Answer with its letter, or with A where none of them does:

               A. None of the above
               B. <input id=0 text departure city />
               C. <input id=1 text destination oslo />
    assistant  Thought: I still have to type Rome into Departure city, and B matches.
               Answer: B.
               Action: TYPE
               Value: Rome

Action: the first `Answer: X` with X in A to F (none of the above without it), the first `Action: ` CLICK, SELECT or
TYPE, the first `Value: ` to the end of its line. The chosen element goes to the end of the queue; `A`, or a letter that
no choice has, throws out all that were shown. The last choice is the prediction.
Reward: step success, 1 when the element is right and the words of operation and value are all right, else 0; metrics:
element accuracy, F1 of operation and value, and the ranker's recall at 5, 10, 20 and 50. A page whose right element is
not among the ten likeliest gives 0 in everything.
Source: Mind2Web's `train_*.json` and `test_*.json` with the authors' candidate scores (https://osu-nlp-group.github.io/
Mind2Web, CC BY 4.0), brought into one form by `agenttuning data import mind2web`; test data is never trained on. Or the
seeded generator of `worlds/sites`, whose splits share no site.
Deviations: order of the candidates, and everything else, hangs on the sample alone (the original shuffles with one
random state and writes prompts into one object for all workers); the wording of question and examples is our own; a
question is also asked where the original asks none, as an episode has at least one turn: its answer cannot win where
the right element is not among the ten, and is not counted where a candidate is alone; a page that cannot be read is a
failed episode, not a missing one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypedDict

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Task
from agenttuning.environments.worlds.sites.scoring import judge
from agenttuning.environments.worlds.sites.thoughts import thought
from agenttuning.environments.worlds.sites.tournament import (
    Tournament,
    read_action,
    read_answer,
    shuffled,
    write_action,
)
from agenttuning.errors import DataError, WorldError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from agenttuning.core.environment import ImportProgress
    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.sites.page import Page
    from agenttuning.environments.worlds.sites.question import Question
    from agenttuning.environments.worlds.sites.ranking import CandidateRanker
    from agenttuning.environments.worlds.sites.sample import Sample

INSTRUCTION: Final = """\
You use a website for somebody, one action at a time. You are shown a part of the page as HTML, the task, what was \
done so far, and some elements of the page with letters.
Decide which element the task needs next and reply in this form:

Thought: what has to be done next, and which element does it
Answer: the letter of that element
Action: CLICK, SELECT or TYPE
Value: what to select or to type; leave this line out for CLICK

Where no element fits, the reply ends with Answer: A."""
TINY_INSTRUCTION: Final = "Use the site. Reply with Thought, Answer, Action and Value."
SPLITS: Final = {"train": 20_000, "test": 1_000}
OFFICIAL: Final = "mind2web-official"

Shots = Literal[0, 3]


class Mind2WebConfig(EnvironmentConfig):
    """Settings of the Mind2Web environment."""

    ranker: str = "auto"
    """Who chooses the ten elements: `bm25`; `official`, ranks that came with the data; or the name or folder of a
    cross-encoder for transformers (extra `train`). `auto` takes official ranks where there are any, else BM25."""
    shots: Shots | None = None
    """Worked examples before every question, not trained on; None: 3 with official data, as published, else none."""


class Mind2WebTask(Task):
    """One action on one page."""

    website: str
    goal: str
    """What somebody wants, in the data's words."""
    previous: tuple[str, ...]
    """Earlier actions, as `[role]  label -> OP: value`."""
    html: str
    """The page: XML in which every node has its id."""
    top: tuple[str, ...]
    """Node ids of the ranker's first ten, best first."""
    positives: tuple[str, ...]
    """Those of them that are right."""
    best_rank: int | None
    """Rank of the best right element, from 0."""
    operation: str
    value: str
    aim: str
    """The right action in words that finish `I have to`."""
    ranker: str
    shots: Shots = 0
    fault: str = ""
    """Why the page cannot be used; such an episode fails when it starts."""


class Mind2Web(Environment[Mind2WebTask]):
    """One tournament."""

    id: ClassVar[str] = "mind2web"
    group: ClassVar[Group] = "held_in"
    max_turns: ClassVar[int] = 3
    task_type: ClassVar[type[Task]] = Mind2WebTask
    config_type: ClassVar[type[EnvironmentConfig]] = Mind2WebConfig
    extra: ClassVar[str | None] = "search"

    def __init__(self, task: Mind2WebTask) -> None:
        super().__init__(task)
        self._tournament = Tournament(shuffled(task.top, seed=task.id))
        self._page: Page | None = None
        self._question: Question | None = None

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits, or those of the imported files."""
        official = narrow(config, Mind2WebConfig).official
        if official is None:
            return SPLITS
        from agenttuning.environments.worlds.sites.official import count_rows

        return count_rows(official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[Mind2WebTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: the imported files are missing or of another format, or there is no such split.
        """
        from agenttuning.environments.worlds.sites.rankers import open_ranker

        settings = narrow(config, Mind2WebConfig)
        told = settings.read_instruction()
        if settings.official is not None:
            from agenttuning.environments.worlds.sites.official import are_ranked, read_rows

            given = open_ranker(settings.ranker, ranked=are_ranked(settings.official, split=split))
            shots = 3 if settings.shots is None else settings.shots
            kept = _Common(source=OFFICIAL, instruction=told, shots=shots, never_train=split != "train")
            rows = read_rows(settings.official, split=split)
            return (_task(row.sample, given(row.ranks), name=row.id, common=kept) for row in rows)
        if split not in SPLITS:
            raise DataError(f"mind2web has no split {split!r}{nearest(split, SPLITS)}; known: {', '.join(SPLITS)}")
        from agenttuning.environments.worlds.sites.generator import samples

        ranker = open_ranker(settings.ranker, ranked=False)(None)
        size, seed = settings.difficulty, settings.seed
        common = _Common(difficulty=size, instruction=told, shots=settings.shots or 0)
        drawn = samples(size, seed=seed, test=split == "test", count=SPLITS[split])
        return (
            _task(sample, ranker, name=f"{split}-{size}-{seed}-{index}", common=common)
            for index, sample in enumerate(drawn)
        )

    @classmethod
    def import_official(cls, source: Path, target: Path) -> Iterator[ImportProgress]:
        """Write Mind2Web's files, and its candidate scores where they lie beside, as one row per action."""
        from agenttuning.environments.worlds.sites.importing import import_folder

        return import_folder(source, target)

    async def start(self) -> Sequence[Message]:
        """Parse the page; return the first question."""
        from agenttuning.environments.worlds.sites.page import Page

        if self.task.fault:
            raise WorldError(self.task.fault)
        self._page = Page(self.task.html)
        return self._ask(self._page)

    async def step(self, reply: str) -> Step:
        """Take an answer; the next question, if there is one, opens a new dialogue."""
        assert self._page is not None, "start() comes first"
        assert self._question is not None
        answer = read_answer(reply)
        chosen = answer.choose(self._question.choices)
        if self._tournament.group:
            self._tournament = self._tournament.answered(chosen)
        told = f"{answer.letter} {answer.action}".strip()
        valid = answer.says_something(chosen)
        if not self._tournament.group:
            return Step("", done=True, action=told, valid=valid)
        return Step("", action=told, valid=valid, fresh=self._ask(self._page))

    def _ask(self, page: Page) -> list[Message]:
        from agenttuning.environments.worlds.sites.question import ask

        asked = self._tournament.group or self._tournament.queue
        self._question = ask(page, asked, task=self.task.goal, previous=self.task.previous)
        return [*self._opening(), Message(role="user", content=self._question.text)]

    def _opening(self) -> list[Message]:
        from agenttuning.environments.worlds.sites.examples import examples

        own = self.task.instruction
        if not self.task.shots:
            usual = TINY_INSTRUCTION if self.task.difficulty == "tiny" else INSTRUCTION
            told = Message(role="user", content=own or usual)
            return [told, Message(role="assistant", content="Ok.", train=False)]
        first, *others = examples()
        return [first.model_copy(update={"content": f"{own}\n\n{first.content}"}) if own else first, *others]

    async def score(self) -> Score:
        """Judge the prediction as it stands."""
        action = read_action(write_action(self.task.operation, self.task.value))
        return judge(
            self._tournament.result, elements=self.task.positives, action=action, best_rank=self.task.best_rank
        )

    def variant(self) -> str:
        """Name the ranker and the number of examples."""
        return f"{self.task.ranker} ranks, {self.task.shots} shots"

    def oracle(self) -> Iterator[str]:
        """Choose a right element wherever one is among the choices, else none of them."""
        for turn in range(self.max_turns):
            assert self._question is not None, "start() comes first"
            shown = [node for node, _ in self._question.choices if node in self.task.positives]
            letter = self._question.letter(shown[0]) if shown else None
            said = thought(
                self.task.aim, letter=letter, brief=self.task.difficulty == "tiny", seed=f"{self.task.id}/{turn}"
            )
            action = f"\n{write_action(self.task.operation, self.task.value)}".rstrip() if letter else ""
            yield f"Thought: {said}\nAnswer: {letter or 'A'}.{action}"


class _Common(TypedDict, total=False):
    source: str
    difficulty: Difficulty
    instruction: str | None
    shots: Shots
    never_train: bool


def _task(sample: Sample, ranker: CandidateRanker, *, name: str, common: _Common) -> Mind2WebTask:
    from agenttuning.environments.worlds.sites.page import PageError
    from agenttuning.environments.worlds.sites.ranking import Ranking, rank_sample

    ranking, fault = Ranking((), None), ""
    try:
        ranking = rank_sample(sample, ranker)
    except PageError as error:
        fault = str(error)
    return Mind2WebTask(
        id=name,
        instance=name.rpartition("_")[0] or None,
        website=sample.website,
        goal=sample.task,
        previous=sample.previous,
        html=sample.html,
        top=ranking.top,
        positives=tuple(node for node in ranking.top if node in sample.positives),
        best_rank=ranking.best,
        operation=sample.operation,
        value=sample.value,
        aim=sample.aim,
        ranker=ranker.name,
        fault=fault,
        **common,
    )

"""HotpotQA: answer a question that takes two pages of an encyclopaedia, by searching it (ReAct's three actions).

A dialogue as the model sees it (the instruction below stands before it):

    user       What is the birthplace of the author of The Amber Harvest?
    assistant  Thought: I need the author of The Amber Harvest, so I search The Amber Harvest.
               Action: Search[The Amber Harvest]
    user       The Amber Harvest is a book by Livia Novak. It came out in 1931.
    assistant  Thought: The author is Livia Novak. Livia Novak should tell the birthplace of Livia Novak.
               Action: Search[Livia Novak]
    user       Livia Novak is a novelist. The year of birth is 1899.
    assistant  Thought: The opening does not tell the birthplace; I look for 'born'.
               Action: Lookup[born]
    user       (Result 1/1) Born in Fernbridge.
    assistant  Thought: So the answer is Fernbridge.
               Action: Finish[Fernbridge]

Action: the first line `Action: Name[argument]`; names are case-sensitive, blanks, dots and a tail around the brackets
are forgiven, anything else is answered with the three that there are. `Search` shows the first paragraph of the page of
that name, or up to five similar titles; `Lookup` the next passage of that page with the keyword; `Finish` ends the
episode, as do ten steps. `profile = "completion-2023"` is the prompt of that year instead: one user message with
instruction, two examples, question and all steps so far, rebuilt for each of two calls a step (thought, then action),
whose reply counts up to its first line break; a prompt of more than 1,700 pieces ends the episode unanswered. Send it
without a chat template, 256 tokens, to repeat 2023.
Reward: token F1 of the answer (0 where none was given; yes and no are right or wrong); success: exact match; both over
SQuAD's normal form, and both in the metrics. The benchmark's figure is `reward_by_category`: the mean over the levels
easy, medium and hard of their mean F1.
Backends, named in every number: `corpus`, the paragraphs of the question file itself or of another dump (`corpus`;
title first, then BM25; extra `search`); `live`, a MediaWiki on the network; `replay`, what a live run recorded.
Source: HotpotQA (arXiv 1809.09600, https://hotpotqa.github.io, CC BY-SA 4.0), the 300 questions of BOLAA that
AgentTuning played, or any of HotpotQA's files; never trained on unless it is the train file. Easy and medium questions
of the 300 stem from HotpotQA's train split, hard ones from dev: a model may have seen the former. `synthetic-v1` asks
about the generated encyclopaedia of `worlds/wiki`, whose train and test share no page.
Deviations: all questions are scored (the original kept the last of each level); instruction and examples are our own;
the page of exactly that title is opened, never one that a search suggests; a keyword is looked up anew on a new page;
observations end after 4,000 characters; pieces are those of cl100k's splitting rule, a little fewer than its tokens.
A corpus of a question file holds only opening paragraphs of few pages, which makes searching easier than on Wikipedia:
287 of the 300 questions can be reached from their own words within the ten steps (`oracle = "search"`).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypedDict

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.wiki.explorer import INVALID, Action, Explorer, read_action, read_reply
from agenttuning.environments.worlds.wiki.live import WIKIPEDIA
from agenttuning.environments.worlds.wiki.opening import (
    BackendName,
    GeneratedVolume,
    WikiChoice,
    choose_wiki,
    generated,
    open_wiki,
)
from agenttuning.environments.worlds.wiki.oracles import gold_moves, searching_moves
from agenttuning.environments.worlds.wiki.questions import Question, Support, questions
from agenttuning.environments.worlds.wiki.scoring import exact_match, token_f1
from agenttuning.environments.worlds.wiki.scratchpad import Scratchpad, first_line
from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.environments.worlds.wiki.backend import WikiBackend
    from agenttuning.environments.worlds.wiki.official import OfficialQuestion

MAX_STEPS: Final = 10
INSTRUCTION: Final = """\
You answer questions with the help of an encyclopaedia. Most answers take two or more of its pages.
Every reply is a thought and one action:

Thought: what you know by now, and what to find out next
Action: one of the three below

Search[entity] opens the page of exactly that name and shows how it begins; where there is no such page, you get \
similar titles.
Lookup[keyword] shows the next passage with that keyword on the page that you opened last.
Finish[answer] ends the task. The answer is a name, a number, a few words, yes or no, and nothing else.

You have ten replies."""
TINY_INSTRUCTION: Final = (
    "Use the pages. Think, then write Action: Search[page], Action: Lookup[word] or Action: Finish[answer]."
)
SPLITS: Final = {"train": 20_000, "test": 1_000}
OFFICIAL: Final = "hotpotqa-official"

Profile = Literal["chat", "completion-2023"]
OracleName = Literal["gold", "search"]


class HotpotQAConfig(EnvironmentConfig):
    """Settings of the HotpotQA environment."""

    backend: BackendName = "corpus"
    """`corpus`: pages of a file; `live`: a wiki on the network; `replay`: a recording of one."""
    corpus: Path | None = None
    """File with the pages of `corpus`; None takes the paragraphs of the questions' own file."""
    wiki_url: str = WIKIPEDIA
    """`api.php` of the live wiki."""
    contact: str = ""
    """Address or page by which the operators of a live wiki reach you; they ask for it."""
    recording: Path | None = None
    """File that a live run writes and a replay reads."""
    profile: Profile = "chat"
    """`chat`: turns of a dialogue; `completion-2023`: one growing prompt, two calls a step."""
    oracle: OracleName = "gold"
    """`gold` opens the supporting pages; `search` has to find them, and may fail."""


class HotpotQATask(Task):
    """One question."""

    question: str
    answer: str
    kind: str
    """`bridge` or `comparison`."""
    supports: tuple[Support, ...]
    """The sentences that the answer rests on, page by page."""
    conclusion: str = "This answers the question."
    """The last thought of the oracle."""
    wiki: WikiChoice
    profile: Profile = "chat"
    solver: OracleName = "gold"


class HotpotQA(Environment[HotpotQATask]):
    """One question."""

    id: ClassVar[str] = "hotpotqa"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = MAX_STEPS
    task_type: ClassVar[type[Task]] = HotpotQATask
    config_type: ClassVar[type[EnvironmentConfig]] = HotpotQAConfig
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {"gold": {"oracle": "gold"}, "search": {"oracle": "search"}}
    """`gold` must win all; `search` wins what can be reached by searching within the ten steps."""

    def __init__(self, task: HotpotQATask) -> None:
        super().__init__(task)
        self._wiki: WikiBackend | None = None
        self._explorer = Explorer()
        self._scratchpad: Scratchpad | None = None
        self._thinks = True
        self._answer = ""

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits, or those of the official files."""
        settings = narrow(config, HotpotQAConfig)
        if settings.official is None:
            return SPLITS
        from agenttuning.environments.worlds.wiki.official import count_questions

        return count_questions(settings.official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[HotpotQATask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: the official files are missing or of another format, or there is no such split.
            RecipeError: the settings do not go together.
        """
        settings = narrow(config, HotpotQAConfig)
        common = _Common(instruction=settings.read_instruction(), profile=settings.profile, solver=settings.oracle)
        if settings.official is not None:
            return _official(settings.official, split, settings, common)
        if settings.backend != "corpus" or settings.corpus is not None:
            raise RecipeError(
                "generated questions are about generated pages; name HotpotQA's questions as `official` to play them "
                "on a corpus or a live wiki"
            )
        if split not in SPLITS:
            raise DataError(f"hotpotqa has no split {split!r}{nearest(split, SPLITS)}; known: {', '.join(SPLITS)}")
        return _embedded(split, settings, common)

    async def start(self) -> Sequence[Message]:
        """Open the encyclopaedia; return instruction, acknowledgement and question, or the first prompt."""
        self._wiki = open_wiki(self.task.wiki)
        if self.task.profile == "completion-2023":
            self._scratchpad = Scratchpad(self.task.question, instruction=self.task.instruction)
            return self._prompt("Thought")
        instruction = self.task.instruction or (TINY_INSTRUCTION if self.task.difficulty == "tiny" else INSTRUCTION)
        return (
            Message(role="user", content=instruction),
            Message(role="assistant", content="Ok.", train=False),
            Message(role="user", content=self.task.question),
        )

    def _prompt(self, label: str) -> tuple[Message]:
        assert self._scratchpad is not None
        return (Message(role="user", content=self._scratchpad.ask(label)),)

    async def step(self, reply: str) -> Step:
        """Take a thought with an action, or one of the two in the form of 2023."""
        pad = self._scratchpad
        if pad is None:
            action = read_reply(reply)
            observation = await self._act(action)
            done = observation is None
            return Step(observation or "", done=done, action=str(action), valid=action.well_formed)
        line = first_line(reply)
        pad.answer(line)
        self._thinks = not self._thinks
        if not self._thinks:
            return Step("", action="Thought", fresh=self._prompt("Action"), kept=line)
        action = read_action(line)
        observation = await self._act(action)
        told = Step("", done=observation is None, action=str(action), valid=action.well_formed, kept=line)
        if observation is None:
            return told
        pad.observe(observation)
        if pad.too_long:
            return replace(told, done=True, stop=Stop.CONTEXT)
        return replace(told, fresh=self._prompt("Thought"))

    async def _act(self, action: Action) -> str | None:
        """Return the observation; None where the action ends the episode."""
        assert self._wiki is not None, "start() comes first"
        if not action.known:
            return INVALID
        if action.name == "Search":
            return await self._explorer.search(action.argument, self._wiki)
        if action.name == "Lookup":
            return self._explorer.lookup(action.argument)
        self._answer = action.argument
        return None

    async def score(self) -> Score:
        """Measure the answer; none is an empty one."""
        f1, exact = token_f1(self._answer, self.task.answer), exact_match(self._answer, self.task.answer)
        success = exact and bool(self._answer)
        return Score(reward=f1, success=success, metrics={"em": float(success), "f1": f1})

    def variant(self) -> str:
        """Name the encyclopaedia and the form of the prompt."""
        return f"{self.task.wiki.name}, {self.task.profile}"

    def turn_limit(self) -> int:
        """Return ten steps, of one or two replies."""
        return MAX_STEPS * (1 if self.task.profile == "chat" else 2)

    def oracle(self) -> Iterator[str] | None:
        """Open and read the supporting pages, or find them; None where the data name no supporting sentence."""
        return self._replies() if self.task.supports else None

    def _replies(self) -> Iterator[str]:
        task = self.task
        if task.solver == "search":
            titles = list(dict.fromkeys(support.title for support in task.supports))
            moves = searching_moves(
                task.question, titles=titles, answer=task.answer, explorer=self._explorer, steps=MAX_STEPS
            )
        else:
            moves = gold_moves(
                task.supports,
                answer=task.answer,
                conclusion=task.conclusion,
                explorer=self._explorer,
                seed=None if task.difficulty == "tiny" else task.id,
            )
        for move in moves:
            if task.profile == "chat":
                yield f"Thought: {move.thought}\nAction: {move.action}"
            else:
                yield move.thought
                yield move.action

    async def close(self) -> None:
        """Close the encyclopaedia."""
        if self._wiki is not None:
            await self._wiki.close()


class _Common(TypedDict):
    instruction: str | None
    profile: Profile
    solver: OracleName


def _embedded(split: Split, settings: HotpotQAConfig, common: _Common) -> Iterator[HotpotQATask]:
    size, seed, test = settings.difficulty, settings.seed, split == "test"

    def task(index: int, asked: Question) -> HotpotQATask:
        volume = GeneratedVolume(difficulty=size, seed=seed, test=test, number=asked.volume)
        return HotpotQATask(
            id=f"{split}-{size}-{seed}-{index}",
            difficulty=size,
            question=asked.text,
            answer=asked.answer,
            kind=asked.kind,
            supports=asked.supports,
            conclusion=asked.conclusion,
            wiki=generated(volume),
            **common,
        )

    drawn = questions(size, seed=seed, test=test, count=SPLITS[split])
    return (task(index, asked) for index, asked in enumerate(drawn))


def _official(official: Path, split: Split, settings: HotpotQAConfig, common: _Common) -> Iterator[HotpotQATask]:
    from agenttuning.environments.worlds.wiki.official import read_questions, split_file

    file = split_file(official, split)
    wiki = choose_wiki(
        settings.backend,
        corpus=settings.corpus or file,
        url=settings.wiki_url,
        contact=settings.contact,
        recording=settings.recording,
    )

    def task(index: int, row: OfficialQuestion) -> HotpotQATask:
        return HotpotQATask(
            id=f"{split}-{row.id or index}",
            source=OFFICIAL,
            never_train=split != "train",
            category=row.level,
            question=row.question,
            answer=row.answer,
            kind=row.type,
            supports=row.supports(),
            wiki=wiki,
            **common,
        )

    return (task(index, row) for index, row in enumerate(read_questions(file)))

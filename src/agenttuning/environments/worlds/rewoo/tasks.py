"""Questions as tasks: the settings of the environment, what a task holds, and who makes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field

from agenttuning.core.environment import EnvironmentConfig, Split
from agenttuning.core.records import Task
from agenttuning.environments.worlds.chat_model import ChatModelSettings
from agenttuning.environments.worlds.rewoo.official import SETS, SPEECH_FILE, Rows, SetName, interleaved, read_set
from agenttuning.environments.worlds.rewoo.plan import parse_plan
from agenttuning.environments.worlds.rewoo.scoring import Match
from agenttuning.environments.worlds.rewoo.toolbox import ToolName, ToolSettings
from agenttuning.environments.worlds.wiki.live import WIKIPEDIA
from agenttuning.environments.worlds.wiki.opening import GeneratedVolume, WikiChoice, choose_wiki, generated
from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agenttuning.environments.worlds.rewoo.question import Question

ScorerName = Literal["exact", "judge"]

SPLITS: Final = {"train": 20_000, "test": 1_000}
EMBEDDED_TOOLS: Final[tuple[ToolName, ...]] = ("Wikipedia", "Calculator")
SOURCE: Final = "rewoo-official"
WITHOUT_TOOLS: Final = "Plan: None of the tools can tell this, so it is answered from what is known."


class RewooConfig(EnvironmentConfig):
    """Settings of the ReWOO environment."""

    questions: SetName | Literal["all"] = "all"
    """One of the official sets, or all whose rows are here."""
    gsm8k: Path | None = None
    """The 7,473 train rows of gsm8k; None looks for `gsm8k/train.jsonl` or `.jsonl.gz` beside the official folder."""
    hotpot_qa: Path | None = None
    """The 90,447 train rows of HotpotQA (fullwiki), as JSON lines or Parquet (a file, or the folder of its parts)."""
    trivia_qa: Path | None = None
    """The 138,384 train rows of TriviaQA (rc.nocontext), likewise."""
    scorer: ScorerName = "exact"
    """Whose verdict is the reward; both are in the metrics where a judge is named."""
    judge: ChatModelSettings | None = None
    """A model that grades every answer in one call."""
    llm: ChatModelSettings | None = None
    """The model behind the tool LLM; None leaves the tool out."""
    wiki: Literal["corpus", "live"] | None = None
    """What is behind Wikipedia for official questions: the pages of a file, or a wiki on the network; None leaves the
    tool out, unless there is a corpus."""
    corpus: Path | None = None
    """File with pages, in any form that `hotpotqa` reads."""
    wiki_url: str = WIKIPEDIA
    """`api.php` of the live wiki."""
    contact: str = ""
    """Address or page by which the operators of a live wiki reach you; they ask for it."""
    google_key_env: str = "SERPER_API_KEY"
    """Environment variable with the key of Serper, which asks Google; the tool is left out where it is empty."""
    wolfram_key_env: str = "WOLFRAM_ALPHA_APPID"
    """Environment variable with the key of WolframAlpha; the tool is left out where it is empty."""
    recording: Path | None = None
    """Keeps what the live wiki, LLM, Google, WolframAlpha and the judge answer; asked again, they answer from it."""
    replay: bool = False
    """Answer from the recording alone; nothing is sent."""
    shots: Literal[0, 1] | None = None
    """Worked plans before the question; None is one with official questions, as in the original, else none."""
    evidence_limit: int = Field(default=1_000, gt=0)
    """Characters of the evidence of one step."""
    tool_seconds: float = Field(default=300.0, gt=0)
    """For one call of a tool, the wait for a live wiki's turn included; models and services have shorter ones."""


class RewooTask(Task):
    """One question, and what may be used to answer it."""

    question: str
    golds: tuple[str, ...]
    """Every right answer."""
    match: Match
    plan: str
    """What an expert plans."""
    offered: tuple[ToolName, ...]
    """Tools that the planner is told of."""
    tools: ToolSettings
    setup: str
    """The tools of the whole run, and what else made its numbers."""
    scorer: ScorerName = "exact"
    judge: ChatModelSettings | None = None
    shots: Literal[0, 1] = 0
    evidence_limit: int = 1_000
    tool_seconds: float = 300.0


class TaskMaker:
    """Turns questions into tasks under one configuration."""

    def __init__(self, settings: RewooConfig) -> None:
        self._settings = settings
        self._instruction = settings.read_instruction()

    def splits(self) -> Mapping[Split, int]:
        """Return the generator's splits, or `test` with all official questions whose rows are here and each set."""
        if self._settings.official is None:
            return SPLITS
        rows, names = _chosen(self._settings)
        sizes: dict[str, int] = {name: len(read_set(name, rows)) for name in names}
        return {"test": sum(sizes.values())} | sizes

    def tasks(self, split: Split) -> Iterator[RewooTask]:
        """Yield the tasks of a split lazily; raises what `Rewoo.load` says."""
        known = self.splits()
        if split not in known:
            raise DataError(f"rewoo has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        _check(self._settings)
        return self._embedded(split) if self._settings.official is None else self._official(split)

    def _embedded(self, split: Split) -> Iterator[RewooTask]:
        """Yield the generated questions of a split."""
        from agenttuning.environments.worlds.rewoo.generator import questions

        settings = self._settings
        size, seed, test = settings.difficulty, settings.seed, split == "test"
        drawn = questions(size, seed=seed, test=test, count=SPLITS[split])
        for index, (volume, question) in enumerate(drawn):
            pages = GeneratedVolume(difficulty=size, seed=seed, test=test, number=volume)
            tools = ToolSettings(wiki=generated(pages), recording=settings.recording, replay=settings.replay)
            told = tools.told(EMBEDDED_TOOLS)
            name = f"{split}-{size}-{seed}-{index}"
            task = self._task(question, tools, offered=EMBEDDED_TOOLS, told=told, name=name)
            yield task.model_copy(update={"difficulty": size})

    def _official(self, split: Split) -> Iterator[RewooTask]:
        """Yield the official questions, all sets in turns or one of them."""
        rows, names = _chosen(self._settings)
        tools = self._tools(rows.folder)
        available = tools.available()
        missing = [name for name in SETS if name not in names]
        sets = f"; sets without {', '.join(missing)}" if missing and self._settings.questions == "all" else ""
        told = tools.told(available) + sets
        asked = names if split == "test" else [name for name in names if name == split]
        for name, number, question in interleaved(asked, rows):
            offered = tuple(tool for tool in SETS[name].tools if tool in available)
            task = self._task(question, tools, offered=offered, told=told, name=f"{name}-{number}")
            calls = {step.tool for step in parse_plan(question.plan).steps}
            plan = question.plan if calls and calls.issubset(offered) else WITHOUT_TOOLS
            yield task.model_copy(update={"source": SOURCE, "never_train": True, "plan": plan})

    def _tools(self, folder: Path) -> ToolSettings:
        settings, speech = self._settings, folder / SPEECH_FILE
        return ToolSettings(
            wiki=self._wiki(),
            llm=settings.llm,
            text=speech if speech.is_file() else None,
            google_key_env=settings.google_key_env,
            wolfram_key_env=settings.wolfram_key_env,
            recording=settings.recording,
            replay=settings.replay,
        )

    def _wiki(self) -> WikiChoice | None:
        settings = self._settings
        if settings.wiki == "live":
            return choose_wiki(
                "replay" if settings.replay else "live",
                corpus=Path(),
                url=settings.wiki_url,
                contact=settings.contact,
                recording=settings.recording,
            )
        if settings.wiki == "corpus" and settings.corpus is None:
            raise RecipeError("wiki = 'corpus' needs a file with pages: name it as `corpus`")
        return choose_wiki("corpus", corpus=settings.corpus) if settings.corpus else None

    def _task(
        self, question: Question, tools: ToolSettings, *, offered: tuple[ToolName, ...], told: str, name: str
    ) -> RewooTask:
        settings = self._settings
        shots = settings.shots if settings.shots is not None else (0 if settings.official is None else 1)
        judged = f"judge {settings.judge.model}, " if settings.judge else ""
        return RewooTask(
            id=name,
            instruction=self._instruction,
            category=question.kind,
            question=question.text,
            golds=question.golds,
            match=question.match,
            plan=question.plan,
            offered=offered,
            tools=tools,
            setup=f"{told}; {judged}scorer {settings.scorer}, {shots} shots, evidence {settings.evidence_limit}",
            scorer=settings.scorer,
            judge=settings.judge,
            shots=shots,
            evidence_limit=settings.evidence_limit,
            tool_seconds=settings.tool_seconds,
        )


def _check(settings: RewooConfig) -> None:
    """Refuse settings that do not go together."""
    if settings.scorer == "judge" and settings.judge is None:
        raise RecipeError("scorer = 'judge' needs a judge: set judge.base_url and judge.model")
    if settings.replay and settings.recording is None:
        raise RecipeError("replay = true plays a recording back: name its file as `recording`")
    if settings.official is None and (settings.wiki or settings.corpus or settings.llm):
        raise RecipeError(
            "generated questions are about generated pages and need no other tools; name the folder with the official "
            "sets as `official` to use wiki, corpus or llm"
        )


def _chosen(settings: RewooConfig) -> tuple[Rows, list[SetName]]:
    """Return where the rows are and the sets that are asked for; a set named alone must be there."""
    assert settings.official is not None
    given: tuple[tuple[SetName, Path | None], ...] = (
        ("gsm8k", settings.gsm8k),
        ("hotpot_qa", settings.hotpot_qa),
        ("trivia_qa", settings.trivia_qa),
    )
    rows = Rows(settings.official, tuple((name, path) for name, path in given if path is not None))
    names = rows.present() if settings.questions == "all" else [settings.questions]
    if not names:
        raise DataError(f"{settings.official} holds none of the sets: {', '.join(SETS)}")
    return rows, names

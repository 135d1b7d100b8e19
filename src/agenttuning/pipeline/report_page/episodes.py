"""What the trajectory browser of the page shows: the test tasks, each by all models.

The page holds an index of every task, and the episodes themselves in chunks that are compressed until they are opened:
twenty thousand episodes are a file that a browser opens at once.
"""

from __future__ import annotations

import base64
import gzip
import json
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Literal

from agenttuning.analysis.errors import CATEGORIES, find_errors
from agenttuning.analysis.scores import succeeded
from agenttuning.analysis.tables import label
from agenttuning.core.react import split_react
from agenttuning.core.records import Record, digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.core.records import Message, StepRecord, Trajectory
    from agenttuning.pipeline.report_facts import Facts

Outcome = Literal["gained", "lost", "solved by both", "solved by none", "solved", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("gained", "lost", "solved by none", "solved by both", "solved", "failed")
CHUNK = 40
"""Tasks that are compressed together."""
_Key = tuple[str, str, int]


class Turn(Record):
    """One message; texts are numbers of the chunk's text table, so that what repeats is stored once."""

    role: Literal["system", "user", "assistant"]
    text: int
    """Of an assistant turn: the action as written."""
    thought: int | None = None
    executed: int | None = None
    """The action that the world executed, where that is not what was written."""
    played: bool = False
    """The policy wrote it; False for what the episode opened with, and the world's answers."""
    valid: bool = True
    trained: bool = False
    """The loss would see it, were the episode trained on."""


class Play(Record):
    """One model's episode."""

    success: bool
    reward: float
    stop: str
    failure: str
    """Empty when nothing broke."""
    opening: list[Turn]
    turns: list[Turn]


class Chunk(Record):
    """Some tasks, each as model to its episode."""

    texts: list[str]
    episodes: list[dict[str, Play]]


class Entry(Record):
    """One task in the index."""

    world: str
    origin: str
    task: str
    sample: int
    outcome: Outcome
    errors: dict[str, list[int]]
    """Model to the errors that its episode shows, as indices of `CATEGORIES`; models without any are left out."""


class Browser(Record):
    """The content of the trajectory browser."""

    models: list[str]
    entries: list[Entry]
    chunks: list[str]
    """Base64 of gzip of the JSON of a `Chunk`; entry k is task k % CHUNK of chunk k // CHUNK."""

    def script(self) -> str:
        """Return the index as JSON that may stand inside a script element: nothing in it can close one."""
        index = {
            "models": self.models,
            "errors": CATEGORIES,
            "chunk": CHUNK,
            "entries": [list(entry.model_dump().values()) for entry in self.entries],
        }
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":"))
        return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class _Texts:
    """Every text once, cut to a length."""

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        over = len(text) - self._characters
        cut = f"{text[: self._characters]} ... [{over:,} more characters]" if over > 0 else text
        return self._numbers.setdefault(cut, len(self._numbers))

    def all(self) -> list[str]:
        return list(self._numbers)


def browser(
    facts: Facts, trajectories: Mapping[str, Sequence[Trajectory]], *, episodes: int | None, characters: int
) -> Browser:
    """Show at most `episodes` tasks of each world, evenly over the outcomes; None shows all.

    Messages are cut to `characters`.
    """
    played: dict[_Key, dict[str, Trajectory]] = {}
    for model, held in trajectories.items():
        for one in held:
            played.setdefault((one.environment, one.task, one.sample), {})[model] = one
    chosen = list(chain.from_iterable(_choose(played, world, facts.models, episodes) for world in facts.worlds))
    plays = [{model: played[key][model] for model in facts.models if model in played[key]} for key in chosen]
    return Browser(
        models=facts.models,
        entries=[_entry(key, held, facts) for key, held in zip(chosen, plays, strict=True)],
        chunks=[_packed(plays[start : start + CHUNK], characters) for start in range(0, len(plays), CHUNK)],
    )


def _packed(tasks: Sequence[Mapping[str, Trajectory]], characters: int) -> str:
    texts = _Texts(characters)
    shown = [{model: _play(one, texts) for model, one in plays.items()} for plays in tasks]
    chunk = Chunk(texts=texts.all(), episodes=shown).model_dump_json(exclude_defaults=True)
    return base64.b64encode(gzip.compress(chunk.encode(), mtime=0)).decode()


def _choose(
    played: Mapping[_Key, Mapping[str, Trajectory]], world: str, models: Sequence[str], episodes: int | None
) -> list[_Key]:
    """Take one task of each outcome in turn; inside an outcome the order is that of the ids' digests."""
    groups: dict[Outcome, list[_Key]] = {outcome: [] for outcome in OUTCOMES}
    for key in sorted(played, key=lambda key: digest(repr(key))):
        if key[0] == world:
            groups[_outcome(played[key], models)].append(key)
    dealt = [key for row in zip_longest(*groups.values()) for key in row if key is not None]
    return dealt[:episodes]


def _outcome(plays: Mapping[str, Trajectory], models: Sequence[str]) -> Outcome:
    solved = [succeeded(plays[model]) for model in (models[0], models[-1]) if model in plays]
    if len(plays) == 1:
        return "solved" if solved[:1] == [True] else "failed"
    before, after = solved[0], solved[-1]
    if before and after:
        return "solved by both"
    return "gained" if after else "lost" if before else "solved by none"


def _entry(key: _Key, plays: Mapping[str, Trajectory], facts: Facts) -> Entry:
    world, task, sample = key
    errors = {model: [CATEGORIES.index(category) for category in find_errors(one)] for model, one in plays.items()}
    return Entry(
        world=world,
        origin=label(facts.scores[next(iter(plays))][world].made_by),
        task=task,
        sample=sample,
        outcome=_outcome(plays, facts.models),
        errors={model: found for model, found in errors.items() if found},
    )


def _play(trajectory: Trajectory, texts: _Texts) -> Play:
    steps = {step.message: step for step in trajectory.steps}
    first = min(steps, default=len(trajectory.messages))
    turns = [_turn(message, steps.get(number), texts) for number, message in enumerate(trajectory.messages)]
    failure = trajectory.failure
    return Play(
        success=succeeded(trajectory),
        reward=trajectory.score.reward,
        stop=trajectory.stop.value,
        failure=f"{failure.side} broke: {failure.error}: {failure.message}" if failure else "",
        opening=turns[:first],
        turns=turns[first:],
    )


def _turn(message: Message, step: StepRecord | None, texts: _Texts) -> Turn:
    if step is None:
        return Turn(role=message.role, text=texts.number(message.content), trained=bool(message.train))
    parts = split_react(message.content)
    repaired = step.action and step.action not in parts.action
    return Turn(
        role=message.role,
        text=texts.number(parts.action),
        thought=texts.number(parts.thought) if parts.thought else None,
        executed=texts.number(step.action) if repaired else None,
        played=True,
        valid=step.valid,
        trained=bool(message.train),
    )

"""What the trajectory browser of the page shows: a bounded, deterministic choice of test tasks, each by all models."""

from __future__ import annotations

import json
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Literal

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
_Key = tuple[str, str, int]


class Turn(Record):
    """One message; texts are numbers of the page's text table, so that what repeats is stored once."""

    role: Literal["system", "user", "assistant"]
    text: int
    """Of an assistant turn: the action as written."""
    thought: int | None = None
    executed: int | None = None
    """The action that the world executed, where that is not what was written."""
    played: bool = False
    """The policy wrote it; False for what the episode opened with, and the world's answers."""
    valid: bool = True


class Play(Record):
    """One model's episode."""

    success: bool
    reward: float
    stop: str
    failure: str
    """Empty when nothing broke."""
    opening: list[Turn]
    turns: list[Turn]


class BrowserEpisode(Record):
    """One task, played by every model."""

    world: str
    origin: str
    task: str
    sample: int
    outcome: Outcome
    plays: dict[str, Play]


class Browser(Record):
    """The content of the trajectory browser."""

    models: list[str]
    texts: list[str]
    episodes: list[BrowserEpisode]

    def script(self) -> str:
        """Return JSON that may stand inside a script element: nothing in it can close one."""
        text = json.dumps(self.model_dump(exclude_defaults=True), ensure_ascii=False, separators=(",", ":"))
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
    facts: Facts, trajectories: Mapping[str, Sequence[Trajectory]], *, episodes: int, characters: int
) -> Browser:
    """Choose at most `episodes` tasks of each world, evenly over the outcomes, and cut messages to `characters`."""
    played: dict[_Key, dict[str, Trajectory]] = {}
    for model, held in trajectories.items():
        for one in held:
            played.setdefault((one.environment, one.task, one.sample), {})[model] = one
    texts = _Texts(characters)
    chosen = chain.from_iterable(_choose(played, world, facts.models, episodes) for world in facts.worlds)
    shown = [_episode(key, played[key], facts, texts) for key in chosen]
    return Browser(models=facts.models, texts=texts.all(), episodes=shown)


def _choose(
    played: Mapping[_Key, Mapping[str, Trajectory]], world: str, models: Sequence[str], episodes: int
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


def _episode(key: _Key, plays: Mapping[str, Trajectory], facts: Facts, texts: _Texts) -> BrowserEpisode:
    world, task, sample = key
    return BrowserEpisode(
        world=world,
        origin=label(facts.scores[next(iter(plays))][world].made_by),
        task=task,
        sample=sample,
        outcome=_outcome(plays, facts.models),
        plays={model: _play(plays[model], texts) for model in facts.models if model in plays},
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
        return Turn(role=message.role, text=texts.number(message.content))
    parts = split_react(message.content)
    repaired = step.action and step.action not in parts.action
    return Turn(
        role=message.role,
        text=texts.number(parts.action),
        thought=texts.number(parts.thought) if parts.thought else None,
        executed=texts.number(step.action) if repaired else None,
        played=True,
        valid=step.valid,
    )

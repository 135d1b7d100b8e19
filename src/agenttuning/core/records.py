"""The nouns: plain, frozen records that cross every stage of the pipeline."""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat

Role = Literal["system", "user", "assistant"]
Difficulty = Literal["tiny", "standard", "hard"]


class Record(BaseModel):
    """A frozen, strict value; attribute docstrings become field descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Message(Record):
    """One chat turn."""

    role: Role
    content: str
    train: bool | None = None
    """Assistant turns: does the loss see it. None on all other turns. AgentInstruct's `loss` flag."""


class Task(Record):
    """One problem: everything needed to start an episode, and nothing that acts."""

    id: str
    """Stable identity, unique inside its environment and source."""
    source: str = "synthetic-v1"
    """What made it: `synthetic-v1` for our generators, else the name of the official set."""
    difficulty: Difficulty | None = None
    """Generator setting; None for official tasks."""
    instruction: str | None = None
    """Text that stands in for the environment's own instruction; None keeps the environment's."""
    never_train: bool = False
    """Its owners keep it for evaluation: `mix` refuses every trajectory made from it."""
    written_by: str | None = None
    """Who wrote the solution that it carries, thoughts included: collect has it played as written, whoever teaches;
    None has the task solved."""
    category: str | None = None
    """The kind of task, where the benchmark's figure is a mean over kinds of their means."""
    instance: str | None = None
    """What it shares with other tasks of its source (a house, a recorded session, a template): intervals are drawn over
    instances, since such tasks are not independent. None where it stands alone."""


class Score(Record):
    """The judgement of a final world."""

    reward: float = Field(ge=0.0, le=1.0)
    """In [0, 1]; the number that every filter and table is built on."""
    success: bool
    """Did the agent reach the goal in full."""
    metrics: dict[str, FiniteFloat] = {}
    """Named extras, such as a second scorer's verdict."""


class Stop(StrEnum):
    """Why an episode ended."""

    DONE = "done"
    """The world reached its own end."""
    TURNS = "turns"
    """The turn limit of the environment."""
    FORMAT = "format"
    """A reply that the protocol does not forgive."""
    REPEAT = "repeat"
    """The same reply too many times in a row."""
    CONTEXT = "context"
    """The conversation no longer fitted the model."""
    BUDGET = "budget"
    """The tokens or the time allowed were used up."""
    ERROR = "error"
    """One side broke; `Trajectory.failure` names it."""


class Usage(Record):
    """Tokens of one model call, or of their sum."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        """Add the two counts."""
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
        )


class Sampling(Record):
    """How a model's tokens are drawn."""

    temperature: float = Field(default=0.0, ge=0.0)
    """0 is greedy."""
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=0, ge=0)
    """0 switches it off."""
    max_new_tokens: int = Field(default=128, gt=0)
    """Tokens per reply; 128 in the paper's held-in evaluation."""
    seed: int | None = None
    """Base seed; every (task, sample, turn) derives its own from it."""


_HALF = re.compile("[\ud800-\udfff]")


def _whole(text: str) -> str:
    return _HALF.sub("\ufffd", text)


class Reply(Record):
    """What a policy answered."""

    content: Annotated[str, AfterValidator(_whole)]
    """Halves of characters, which JSON lets through and no file can hold, are replaced."""
    usage: Usage = Usage()
    finish: Literal["stop", "length"] = "stop"


class StepRecord(Record):
    """One assistant turn as the environment took it."""

    message: int
    """Index of the assistant message in `Trajectory.messages`."""
    action: str
    """The action as executed, after any repair by the protocol."""
    valid: bool
    """Did the reply hold an action that the world knows, without repair."""
    thought_by: str | None = None
    """Who wrote the turn's thought afterwards; None: the policy's own turn, as the world took it."""


class Failure(Record):
    """An error recorded on the trajectory instead of raised: a bad rollout is data."""

    side: Literal["environment", "policy"]
    error: str
    message: str


class Provenance(Record):
    """What made a trajectory: two numbers with unlike provenance do not share a column."""

    source: str
    difficulty: Difficulty | None
    environment_version: str
    """The environment's id, version and variant, e.g. `database/1 sqlite, scorer 2023`."""
    prompt: str
    """Digest of the opening messages less the task's own part: the instruction text."""
    policy: str
    """Name of the model or teacher."""
    sampling: Sampling | None = None
    seed: int = 0


class Trajectory(Record):
    """The record of one episode: messages exactly as the model saw them, stop, score, provenance."""

    environment: str
    task: str
    split: str
    sample: int = 0
    category: str | None = None
    """The task's."""
    instance: str | None = None
    """The task's."""
    messages: tuple[Message, ...]
    restarts: tuple[int, ...] = ()
    """Indices of the messages that open a further dialogue: the model was shown nothing from before them."""
    steps: tuple[StepRecord, ...] = ()
    stop: Stop
    score: Score
    usage: Usage = Usage()
    failure: Failure | None = None
    never_train: bool = False
    """The task's; training data are never made from such a trajectory."""
    provenance: Provenance

    @property
    def key(self) -> tuple[str, str, str, int]:
        """Identity inside a run: environment, split, task, sample."""
        return (self.environment, self.split, self.task, self.sample)

    @property
    def turns(self) -> int:
        """Assistant turns that the policy produced (the paper's "turns")."""
        return len(self.steps)

    @property
    def dialogues(self) -> tuple[tuple[Message, ...], ...]:
        """The dialogues that the model saw, each by itself: what is trained on. One, in most worlds."""
        bounds = (0, *self.restarts, len(self.messages))
        return tuple(self.messages[start:end] for start, end in pairwise(bounds))


def digest(text: str | bytes) -> str:
    """Return the first 16 hex digits of SHA-256: short enough to read, long enough to tell apart."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]

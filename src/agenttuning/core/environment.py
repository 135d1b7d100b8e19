"""The one abstraction that a contributor implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field

from agenttuning.core.records import Difficulty, Message, Record, Score, Stop, Task
from agenttuning.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

TaskT_co = TypeVar("TaskT_co", bound=Task, covariant=True)
ConfigT = TypeVar("ConfigT", bound="EnvironmentConfig")
Group = Literal["held_in", "held_out", "general"]
Split = str
"""`train` and `test` always exist; an official source may name more (`dev`, `valid_seen` ...)."""


class EnvironmentConfig(Record):
    """What every world can be told; a world with more to say subclasses it."""

    official: Path | None = None
    """Folder or file with the benchmark's own data; None plays the embedded generator."""
    difficulty: Difficulty = "standard"
    """Setting of the embedded generator."""
    seed: int = Field(default=0, ge=0)
    """Seed of the embedded generator; splits stay disjoint for every seed."""
    instruction: Path | None = None
    """A text file whose content replaces the environment's own instruction."""

    def read_instruction(self) -> str | None:
        """Return the text that stands in for the world's own instruction, for `Task.instruction`.

        Raises:
            DataError: the file is missing or no UTF-8 text.
        """
        if self.instruction is None:
            return None
        try:
            return self.instruction.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(
                f"cannot read the instruction file {self.instruction}: {error}; correct `instruction`"
            ) from error


@dataclass(frozen=True, slots=True)
class Step:
    """What one reply did to the world."""

    observation: str
    """The next user turn; unused when `done`."""
    done: bool = False
    action: str = ""
    """The action as executed, after any repair by the protocol."""
    valid: bool = True
    """Did the reply hold an action that the world knows, without repair."""
    stop: Stop = Stop.DONE
    """Why the episode ended; read only when `done`."""
    fresh: Sequence[Message] | None = None
    """Opening of a new dialogue, in place of `observation`: the model is shown nothing that was said before it."""
    kept: str | None = None
    """What stays of the reply in the history, where a protocol cuts it; None keeps it whole."""


@dataclass(frozen=True, slots=True)
class ImportProgress:
    """How far `Environment.import_official` is."""

    done: int
    """Bytes of the source read so far."""
    total: int
    """Bytes of the source in all."""
    note: str = ""
    """The latest figure, such as `12,000 products`."""


class Inspection(Record):
    """What `check` finds in official data before anything is played."""

    counts: dict[str, int]
    """What was read and built, by name."""
    unplayed: str = ""
    """Why nothing can be played here, and what to set; empty where it can."""


class Environment(ABC, Generic[TaskT_co]):
    """One episode of one task. Single use: enter it, play it, leave it.

    The agent can never reset; `step` moves the world and `score` judges it.
    """

    id: ClassVar[str]
    """Equal to the file name."""
    group: ClassVar[Group]
    """The paper's table of contents; what a run holds out is the recipe's choice."""
    version: ClassVar[str] = "1"
    """Raised whenever a prompt, parser, engine or scorer changes what a number means."""
    max_turns: ClassVar[int]
    task_type: ClassVar[type[Task]]
    config_type: ClassVar[type[EnvironmentConfig]] = EnvironmentConfig
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Variants of the configuration that `check --official` plays and reports apart; the first stands for all."""
    installed: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    """Variants of the configuration whose benchmark comes with a pip extra, not as files that the user names: `check`
    plays their whole `test` split and reports each apart."""
    expert_oracle: ClassVar[bool] = False
    """True where the oracle is a strong player instead of a gold solution: it may lose, but it ends every episode."""
    start_seconds: ClassVar[float | None] = 900.0
    """How long `start` may take before the episode is given up as broken; None where it waits for its turn, and what it
    waits for has limits of its own."""
    call_seconds: ClassVar[float] = 900.0
    """The same for each `step`, for `score` and for `close`; a world's own limits should be far below."""
    slow_start: ClassVar[bool] = False
    """True where every episode opens something as heavy as a browser page: the suites play fewer of them."""
    extra: ClassVar[str | None] = None
    """The pip extra that it needs, None for the base install."""

    def __init__(self, task: TaskT_co) -> None:
        self.task = task

    @classmethod
    @abstractmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the splits of the configured source and the number of tasks in each."""

    @classmethod
    @abstractmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterable[TaskT_co]:
        """Yield the tasks of a split lazily, in a fixed order.

        Raises:
            DataError: the official data is missing or of another format, or has no such split.
        """

    @classmethod
    def import_official(cls, source: Path, target: Path) -> Iterator[ImportProgress]:  # noqa: ARG003
        """Convert official files that are too large to be read anew by every worker; run once, continued after a kill.

        Args:
            source: the folder with the benchmark's own files.
            target: the folder to write; `official` then names it.

        Raises:
            DataError: the files are missing or of another format.
            RecipeError: this world reads its official files as they are.
        """
        raise RecipeError(f"{cls.id} reads its official files as they are: set official = {str(source)!r}")

    @classmethod
    def inspect(cls, config: EnvironmentConfig) -> Inspection | None:  # noqa: ARG003
        """Look at official data without playing it; None where playing says it all.

        Raises:
            DataError: the data are missing or of another format.
        """
        return None

    @abstractmethod
    async def start(self) -> Sequence[Message]:
        """Set the world up and return the opening messages; injected assistant turns have `train=False`."""

    @abstractmethod
    async def step(self, reply: str) -> Step:
        """Apply one assistant reply. Hostile text is an observation or a stop, never an exception."""

    @abstractmethod
    async def score(self) -> Score:
        """Judge the world as it stands; valid after any stop."""

    def oracle(self) -> Iterator[str] | AsyncIterator[str] | None:
        """Return the ReAct replies that solve the task, read one at a time between steps; None without gold."""
        return None

    def variant(self) -> str:
        """Name what this episode's task says of dialect, backend, scorer and the like: part of what made a number."""
        return ""

    def turn_limit(self) -> int:
        """Return how many turns this episode may take; a task may lift the limit of its protocol."""
        return self.max_turns

    def footprint(self) -> int:
        """Return how many MiB this episode holds in other processes: a JVM, a page, a sandbox.

        It bounds how many episodes of the world play at once; 0, for Python objects, bounds nothing.
        """
        return 0

    def temperature(self) -> float | None:
        """Return at which temperature the benchmark draws this task's tokens; None leaves it to the run."""
        return None

    async def close(self) -> None:
        """Free what `start` acquired. Safe to call twice, and without `start`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def narrow(config: EnvironmentConfig | None, kind: type[ConfigT]) -> ConfigT:
    """Return the config as the environment's own kind; None gives the defaults."""
    if config is None:
        return kind()
    if not isinstance(config, kind):
        raise RecipeError(f"expected a {kind.__name__}, got {type(config).__name__}; build it with config_type")
    return config

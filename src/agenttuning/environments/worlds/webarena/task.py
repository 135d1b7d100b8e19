"""A task of the WebArena environment, and the environment's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from agenttuning.core.environment import EnvironmentConfig
from agenttuning.core.records import Task
from agenttuning.environments.worlds.chat_model import ChatModelSettings
from agenttuning.environments.worlds.webarena.raw_task import RawTask

TaskSet = Literal["raw", "raw-2023", "verified"]
Subset = Literal["all", "hard"]
Context = Literal["current", "history"]
Dialect = Literal["upstream", "2023"]
"""Of the evaluators."""


class WebarenaConfig(EnvironmentConfig):
    """Settings of the WebArena environment."""

    task_set: TaskSet = "raw"
    """Which of the benchmark's task files, with official data."""
    subset: Subset = "all"
    """`hard` keeps the tasks of the verified set's hard subset."""
    sites: dict[str, str] = {}
    """Where each site answers: shopping, shopping_admin, reddit, gitlab, map, wikipedia, homepage."""
    storage_states: Path | None = None
    """Folder with the browser's storage state of a user who is logged in, per site: `shopping_state.json` and so on."""
    judge: ChatModelSettings | None = None
    """The model that judges meanings; None counts words."""
    verifier: Path | None = None
    """The program `webarena-verified` in a virtual environment of its own; judges the tasks of the verified set."""
    har: Path | None = None
    """Folder for a record of each episode's traffic; None keeps none."""
    tokenizer: Path | None = None
    """A tokenizer.json that counts the observation's tokens; None takes four characters for one."""
    load_seconds: float = Field(default=30.0, gt=0)
    """How long a page may take until the agent is shown what there is of it."""
    context: Context = "current"
    """What each call of the model sees: the current observation alone, as in 2023, or the whole history."""


class WebarenaTask(Task):
    """One task, and where it is played."""

    raw: RawTask
    task_set: TaskSet | None = None
    """None is webarena-mini."""
    scene: int = 0
    """Seed of webarena-mini's sites."""
    script: tuple[tuple[str, str], ...] = ()
    """Thoughts and actions that solve it; elements are named by role and name, as in `click [link 'Sign in']`."""
    sites: dict[str, str] = {}
    """Where the user's sites answer; the rest is as in the settings."""
    storage_states: Path | None = None
    judge: ChatModelSettings | None = None
    verifier: Path | None = None
    har: Path | None = None
    tokenizer: Path | None = None
    load_seconds: float = 30.0
    context: Context = "current"

    @property
    def dialect(self) -> Dialect:
        """The evaluators' dialect."""
        return "2023" if self.task_set == "raw-2023" else "upstream"

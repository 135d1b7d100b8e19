"""The keys of the two sources beside a world's own split."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from agenttuning.core.records import Record, Sampling
from agenttuning.core.run import OPERATIONAL
from agenttuning.policies import LocalConfig, OpenAIConfig, TgiConfig

SourceName = Literal["train_split", "task_derivation", "self_instruct"]
Way = Literal["reference", "free"]
TeacherConfig = Annotated[OpenAIConfig | TgiConfig | LocalConfig, Field(discriminator="kind")]


class TaskDerivation(Record):
    """Tasks of `database` from a text-to-SQL corpus: `[construct.environments.database.task_derivation]`."""

    questions: Path
    """The corpus' file of questions, in the layout of BIRD, Spider or WikiSQL."""
    databases: Path | None = None
    """The folder of its databases, or WikiSQL's tables file; None looks beside the questions."""
    ways: tuple[Way, ...] = Field(default=("free",), min_length=1)
    """`reference`: the corpus' statement is the solution and the teacher writes the thoughts around it, two turns in
    all, which collect has played as written. `free`: the question alone, with the statement's result as label. Both
    together make two tasks of a question."""
    max_rows: int = Field(default=100, gt=0, le=1000)
    """Larger tables are cut to a seeded sample of so many rows (dbbench's largest has 105)."""
    max_values: int = Field(default=20, gt=0)
    """Questions with more values in the answer are left out."""
    sampling: Sampling = Sampling(max_new_tokens=512)
    """How thoughts are drawn."""
    concurrency: Annotated[int, OPERATIONAL] = Field(default=8, gt=0)
    """Questions in work at once."""


class SelfInstruct(Record):
    """Tasks that the teacher proposes: `[construct.environments.operating_system.self_instruct]`, or `database`."""

    proposals: int = Field(default=1000, gt=0)
    """The most that the teacher is asked for; it is asked no more once `tasks.train` are accepted."""
    examples: int = Field(default=4, ge=0)
    """Tasks of the world's train split shown with each request, drawn anew for each."""
    seeds: int = Field(default=200, gt=0)
    """Train tasks, from the first on, that examples are drawn from and that no proposal may resemble."""
    similarity: float = Field(default=0.6, gt=0, le=1)
    """Two tasks this similar are near-duplicates: the Jaccard index of their words and pairs of words."""
    sampling: Sampling = Sampling(temperature=1.0, max_new_tokens=2048)
    """How proposals are drawn; the second pass follows `construct.teacher.sampling`."""
    concurrency: Annotated[int, OPERATIONAL] = Field(default=8, gt=0)
    """Proposals in work at once."""

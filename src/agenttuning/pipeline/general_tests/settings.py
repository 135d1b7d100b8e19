"""Which general tests are run, on which files, under which protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from agenttuning.core.records import Record
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

TestName = Literal["mmlu", "gsm8k", "humaneval"]
Protocol = Literal["chat", "completion"]
"""`chat`: the paper's, few-shots as turns under the model's chat template; `completion`: lm-eval's default form, one
text to be continued."""


class GeneralTests(Record):
    """The general tests of a run; a test without its data is not run."""

    mmlu: Path | None = None
    """Folder (or .tar.xz) with `dev/` and `test/` of header-less CSV files, as its authors publish them."""
    gsm8k: Path | None = None
    """Folder with `train.jsonl` and `test.jsonl`, packed by gzip or not."""
    humaneval: Path | None = None
    """`HumanEval.jsonl`, packed or not, or its folder."""
    protocols: tuple[Protocol, ...] = Field(default=("chat",), min_length=1)
    """Each gives a number of its own: `gsm8k` under `chat`, `gsm8k-completion` under the other."""
    limit: int | None = Field(default=None, gt=0)
    """Items per test, from the first on (MMLU: per subject); None takes all."""
    sandbox: SandboxSettings = SandboxSettings()
    """Where HumanEval's programs run."""

    @model_validator(mode="after")
    def _once(self) -> GeneralTests:
        if len(set(self.protocols)) < len(self.protocols):
            raise ValueError(f"protocols names one twice: {', '.join(self.protocols)}")
        return self

    def data(self) -> dict[TestName, Path]:
        """Return the tests that have data."""
        given: dict[TestName, Path | None] = {"mmlu": self.mmlu, "gsm8k": self.gsm8k, "humaneval": self.humaneval}
        return {name: path for name, path in given.items() if path is not None}


def name_in_tables(name: TestName, protocol: Protocol, *, letters: bool = False) -> str:
    """Return how a test stands in every table."""
    return "-".join([name, *(["letters"] if letters else []), *([] if protocol == "chat" else [protocol])])

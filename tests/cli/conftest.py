"""What a person at the command line gives and gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from agenttuning.cli import main

if TYPE_CHECKING:
    from pathlib import Path

WORLDS = """
[construct.environments.alfworld]
tasks = { train = 4, test = 1 }
difficulty = "tiny"

[construct.environments.chat]
tasks = { train = 6, test = 1 }
difficulty = "tiny"

[mix]
examples = 20
"""


@dataclass(frozen=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one line of complaint; progress before it is no complaint, and nothing comes after it."""
        lines = [line for line in self.err.splitlines() if line.startswith("agenttuning: ")]
        assert len(lines) == 1, self.err
        assert self.err.rstrip().endswith(lines[0])
        return lines[0]


class Call(Protocol):
    """Runs a command in this process."""

    def __call__(self, *words: object) -> Told: ...


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: object) -> Told:
        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Told(code, out, err)

    return run


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(f'runs = "{tmp_path}/runs"\n{WORLDS}')
    return path

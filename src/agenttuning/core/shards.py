"""Shard i of n: a part of a stage's tasks that one of n processes plays, on machines that share nothing but a folder.

    runs/<name>/2-collect.shards/3-of-16.toml     the recipe that it was called with
                                 3-of-16/         a stage folder of its own, with `stage.json` and `manifest.json`
                calls/collect.3-of-16.jsonl       its calls

Which shard plays a task is told by the digest of the task's name alone, so it never depends on what the others do.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from agenttuning.core.records import Record
from agenttuning.core.run import Run
from agenttuning.core.store import locked
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHARDED = ("collect", "evaluate")


class Shard(Record):
    """Number i, from 0 on, of n."""

    number: int
    of: int

    def holds(self, task: str) -> bool:
        """Tell whether a task, by its full name, is played here."""
        return int.from_bytes(hashlib.sha256(task.encode()).digest()[:8], "big") % self.of == self.number

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return f"{self.number}-of-{self.of}"

    def __str__(self) -> str:
        """Return it as it is given on the command line."""
        return f"{self.number}/{self.of}"


def read_shard(word: str) -> Shard:
    """Read `i/n`.

    Raises:
        RecipeError: it is none.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", word)
    if found is None or int(found[1]) >= int(found[2]):
        raise RecipeError(f"--shard takes i/n, counted from 0, such as 0/4, 1/4, 2/4 and 3/4; got {word!r}")
    return Shard(number=int(found[1]), of=int(found[2]))


class ShardedRun(Run):
    """A run of which one stage is played in part."""

    def __init__(
        self, folder: Path, stage: str, shard: Shard, *, seed: int = 0, resume: bool = False, profile: bool = False
    ) -> None:
        super().__init__(folder, seed=seed, resume=resume, profile=profile)
        self.shard: Shard = shard
        self._stage = stage

    def stage_folder(self, stage: str) -> Path:
        """Return the shard's own folder for its stage."""
        return self.shards_folder(stage) / self.shard.folder if stage == self._stage else super().stage_folder(stage)

    def calls(self, stage: str) -> Path:
        """Return the shard's own log."""
        return self.folder / "calls" / f"{stage}.{self.shard.folder}.jsonl"

    @property
    def recipe(self) -> Path:
        """Where the resolved recipe is kept."""
        return self.shards_folder(self._stage) / f"{self.shard.folder}.toml"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the shard, and keep the run folder from whoever wants all of it."""
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder / ".lock", self.folder, kind=fcntl.LOCK_SH))
            folder = self.stage_folder(self._stage)
            stack.enter_context(locked(folder.with_name(f".{folder.name}.lock"), folder, kind=fcntl.LOCK_EX))
            yield

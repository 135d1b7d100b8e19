"""Play a study: every stage that several runs share is done once, and hard-linked into the others.

runs/<name>/mixed-0/        a run like any other, with its recipe.toml
            agent-only-0/   1-construct ... 4-decontaminate are mixed-0's
            logs/           what the stages said on stderr
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

from agenttuning.core.run import Run
from agenttuning.core.store import write_atomic
from agenttuning.errors import RunError, StageError
from agenttuning.pipeline.children import with_package
from agenttuning.recipe import write_recipe
from agenttuning.study.plan import shared_stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agenttuning.study.plan import Cell, Study

_GRACE_SECONDS = 10.0


def play_study(study: Study, *, resume: bool, told: Callable[[str], None]) -> None:
    """Do every stage of every run that is not finished; `told` hears one line per stage.

    Raises:
        RunError: the folder holds runs and `resume` is not set, or another process works in it.
        StageError: stages failed; all others that do not need them are done. The text names the first.
    """
    held = [cell.name for cell in study.cells if (study.folder / cell.name).exists()]
    if held and not resume:
        raise RunError(
            f"{study.folder} already holds {held[0]!r}; add --resume to continue, or choose another name=..."
        )
    with Run(study.folder).lock():
        for cell in study.cells:
            write_atomic(cell.recipe.folder / "recipe.toml", write_recipe(cell.recipe))
        failures = asyncio.run(_Player(study, told).play())
    if failures:
        others = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
        raise StageError(f"{failures[0]}{others}; what is finished is kept, continue with --resume")


class _Player:
    """The state of one call."""

    def __init__(self, study: Study, told: Callable[[str], None]) -> None:
        self._study = study
        self._told = told
        self._free = asyncio.Semaphore(study.plan.jobs)
        self._made: dict[str, asyncio.Task[Cell]] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._left = len(shared_stages(study))

    async def play(self) -> list[str]:
        """Return the sentence of every failure."""
        self._runs = {cell.name: asyncio.create_task(self._run(cell)) for cell in self._study.cells}
        ended = await asyncio.gather(*self._runs.values(), return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException) and not isinstance(one, StageError):
                raise one
        return list(dict.fromkeys(str(one) for one in ended if one is not None))

    async def _run(self, cell: Cell) -> None:
        if cell.after is not None:
            first = self._study.cell(cell.after, cell.seed)
            await asyncio.shield(self._runs[first.name if first else cell.name])
        for stage in cell.stages:
            key = f"{stage} {cell.key(stage)}"
            if key not in self._made:
                self._made[key] = asyncio.create_task(self._stage(cell, stage))
            maker = await asyncio.shield(self._made[key])
            if maker is not cell:
                _adopt(maker, cell, stage)

    async def _stage(self, cell: Cell, stage: str) -> Cell:
        """Do a stage unless it is finished, and return the run that did it."""
        run = Run(cell.recipe.folder)
        if run.manifest(stage) is None:
            async with self._free:
                began = time.monotonic()
                await _child(cell, stage, log=self._study.folder / "logs" / f"{cell.name}-{stage}.log")
                seconds = time.monotonic() - began
            self._left -= 1
            self._told(f"{cell.name} {stage}: {seconds:,.0f} s, {self._left} stages left")
        else:
            self._left -= 1
        return cell


async def _child(cell: Cell, stage: str, *, log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stderr:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "agenttuning.study.child", stage, str(cell.recipe.folder / "recipe.toml")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            env=with_package({"OMP_NUM_THREADS": "1", **os.environ}),
        )
        try:
            code = await child.wait()
        finally:
            await _end(child)
    if code:
        raise StageError(f"{stage} of {cell.name} failed: {_last_line(log) or f'exit code {code}'} (see {log})")


def _last_line(log: Path) -> str:
    said = log.read_text(errors="replace").strip().splitlines()
    return said[-1] if said else ""


async def _end(child: asyncio.subprocess.Process) -> None:
    if child.returncode is not None:
        return
    child.terminate()
    try:
        await asyncio.wait_for(child.wait(), _GRACE_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()


def _adopt(maker: Cell, cell: Cell, stage: str) -> None:
    """Link the files of a finished stage into another run, all or nothing."""
    source, target = (Run(one.recipe.folder).stage_folder(stage) for one in (maker, cell))
    if (target / "manifest.json").exists():
        return
    temporary = target.with_name(f".{target.name}.tmp")
    for stale in (temporary, target):
        shutil.rmtree(stale, ignore_errors=True)
    shutil.copytree(source, temporary, copy_function=_link)
    temporary.rename(target)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)

"""A world that takes its time, and may take its process with it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.environment import Environment, EnvironmentConfig, Step, narrow
from agenttuning.core.records import Message, Score, Task
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from agenttuning.core.records import Trajectory
    from agenttuning.core.run import Manifest

LIFTS = f"{__name__}:Lifts"


class LiftConfig(EnvironmentConfig):
    seconds: float = 0.0
    """Of every step."""
    grave: str = ""
    """The first task kills its process unless this file exists, which it writes."""
    deadly: bool = False
    """The first task kills its process always."""
    footprint: int = 0


class LiftTask(Task):
    floor: int
    seconds: float = 0.0
    grave: str = ""
    deadly: bool = False
    footprint: int = 0


class Lifts(Environment[LiftTask]):
    id = LIFTS
    group = "held_in"
    max_turns = 8
    task_type = LiftTask
    config_type = LiftConfig

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        return {"train": 64, "test": 64}

    @classmethod
    def load(cls, split: str, config: EnvironmentConfig | None = None) -> Iterable[LiftTask]:
        told = narrow(config, LiftConfig)
        for number in range(64):
            yield LiftTask(
                id=f"{split}-{number}",
                floor=1 + number % 3,
                seconds=told.seconds,
                grave=told.grave if number == 0 else "",
                deadly=told.deadly and number == 0,
                footprint=told.footprint,
                difficulty="tiny",
            )

    def footprint(self) -> int:
        return self.task.footprint

    async def start(self) -> Sequence[Message]:
        self.at = 0
        return (Message(role="user", content=f"Go to floor {self.task.floor}."),)

    async def step(self, reply: str) -> Step:
        self.die()
        await asyncio.sleep(self.task.seconds)
        self.at += reply == "Action: up"
        return Step(observation=f"Floor {self.at}.", done=self.at == self.task.floor, action=reply)

    def die(self) -> None:
        """End the whole process, if the task says so."""
        if self.task.deadly or (self.task.grave and not Path(self.task.grave).exists()):
            Path(self.task.grave or os.devnull).write_text("here")
            os.kill(os.getpid(), signal.SIGKILL)

    async def score(self) -> Score:
        return Score(reward=float(self.at == self.task.floor), success=self.at == self.task.floor)

    def oracle(self) -> Iterator[str]:
        for _ in range(self.task.floor):
            yield "Action: up"


def constructed(folder: Path, *, tasks: int = 6, resume: bool = False, profile: bool = False, **config: object) -> Run:
    run = Run(folder, seed=5, resume=resume, profile=profile)
    worlds = {LIFTS: {"tasks": {"train": tasks, "test": tasks}, **config}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    return run


def collected(run: Run, **told: object) -> tuple[Manifest, list[Trajectory]]:
    from agenttuning.core.records import Trajectory

    manifest = collect.run(CollectConfig.model_validate(told), run)
    return manifest, list(read_records(run.stage_folder("collect") / "trajectories.jsonl", Trajectory))

"""The nine stages, in order; each is `run(config, run) -> Manifest`, resumable, and a command of its own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol, cast

from agenttuning.core.run import STAGE_NAMES

if TYPE_CHECKING:
    from agenttuning.core.run import Manifest, Run, StageConfig

__all__ = ["STAGES", "StageModule", "load_stage"]

STAGES = STAGE_NAMES


class StageModule(Protocol):
    """What every module of this package offers."""

    def run(self, config: StageConfig, run: Run) -> Manifest:
        """Do the stage, or return its manifest when it is finished."""


def load_stage(name: str) -> StageModule:
    """Import a stage; torch and its like load only when the stage runs."""
    return cast("StageModule", importlib.import_module(f"{__name__}.{name}"))

"""All formats by name, and which one a row is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.datasets.adp import ADP
from agenttuning.datasets.agentbench import AgentBench, AgentBenchOld
from agenttuning.datasets.agentinstruct import AgentInstruct
from agenttuning.datasets.alpaca import Alpaca
from agenttuning.datasets.atif import ATIF, ATIF18
from agenttuning.datasets.axolotl import Axolotl
from agenttuning.datasets.inspect_log import InspectLog
from agenttuning.datasets.llamafactory import LLaMAFactory, LLaMAFactorySplit
from agenttuning.datasets.messages import OpenAI
from agenttuning.datasets.sharegpt import FastChat, ShareGPT
from agenttuning.datasets.state_action import StateAction
from agenttuning.datasets.trajectory import Trajectories
from agenttuning.datasets.trl import TRL, TRLPrompt
from agenttuning.datasets.verifiers import Verifiers
from agenttuning.errors import RecipeError, nearest

if TYPE_CHECKING:
    from agenttuning.datasets.dialogue import Row
    from agenttuning.datasets.format import Format

_FORMATS: Final = (
    Trajectories(),
    InspectLog(),
    ATIF(),
    ATIF18(),
    Verifiers(),
    ADP(),
    AgentBench(),
    AgentBenchOld(),
    TRLPrompt(),
    AgentInstruct(),
    LLaMAFactorySplit(),
    LLaMAFactory(),
    ShareGPT(),
    FastChat(),
    Axolotl(),
    TRL(),
    OpenAI(),
    Alpaca(),
    StateAction(),
)
FORMATS: Final[dict[str, Format]] = {form.name: form for form in _FORMATS}
"""In the order in which `detect` asks: the particular before the general."""


def format_named(name: str) -> Format:
    """Return a format.

    Raises:
        RecipeError: unknown.
    """
    if name not in FORMATS:
        raise RecipeError(f"unknown format {name!r}{nearest(name, FORMATS)}; known: {', '.join(FORMATS)}")
    return FORMATS[name]


def detect(row: Row) -> Format | None:
    """Return the format that a row looks like."""
    return next((form for form in _FORMATS if form.matches(row)), None)

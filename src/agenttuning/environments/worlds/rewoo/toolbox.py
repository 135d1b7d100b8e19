"""Which tools there are: a tool that nobody configured is not offered, and every number says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.records import Difficulty, Record
from agenttuning.environments.worlds.chat_model import ChatModel, ChatModelSettings
from agenttuning.environments.worlds.rewoo.tools import CalculatorTool, LanguageModelTool, TextSearchTool, WikipediaTool
from agenttuning.environments.worlds.rewoo.web_tools import GoogleTool, WolframTool
from agenttuning.environments.worlds.wiki.encyclopaedia import NAME, open_volume
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.rewoo.tool import Tool
    from agenttuning.environments.worlds.wiki.backend import WikiBackend

ToolName = Literal["Wikipedia", "LLM", "Calculator", "SearchSOTU", "Google", "WolframAlpha"]
ALL_TOOLS: Final[tuple[ToolName, ...]] = ("Wikipedia", "LLM", "Calculator", "SearchSOTU", "Google", "WolframAlpha")
SPEECH: Final = "the State of the Union address of 2023"


class VolumeReference(Record):
    """A volume of the generated encyclopaedia."""

    difficulty: Difficulty
    seed: int
    test: bool
    number: int


class ToolSettings(Record):
    """What the tools need; a part of every task."""

    volume: VolumeReference | None = None
    """Pages that Wikipedia shows, where they are generated."""
    llm: ChatModelSettings | None = None
    """The model behind LLM."""
    text: str | None = None
    """The file behind SearchSOTU."""
    google_key_env: str = "SERPER_API_KEY"
    """Name of the environment variable with the key of Serper, which asks Google."""
    wolfram_key_env: str = "WOLFRAM_ALPHA_APPID"
    """Name of the environment variable with the key of WolframAlpha."""

    def available(self) -> tuple[ToolName, ...]:
        """Return the tools that can be used here and now."""
        usable = {
            "Wikipedia": self.volume is not None,
            "LLM": self.llm is not None,
            "Calculator": True,
            "SearchSOTU": self.text is not None,
            "Google": bool(os.environ.get(self.google_key_env)),
            "WolframAlpha": bool(os.environ.get(self.wolfram_key_env)),
        }
        return tuple(name for name in ALL_TOOLS if usable[name])

    def told(self) -> str:
        """Name the tools, what is behind them, and those that are missing, for the number that they help to make."""
        usable = self.available()
        behind = {"LLM": self.llm.model if self.llm else "", "Wikipedia": NAME if self.volume else ""}
        shown = [f"{name} ({behind[name]})" if behind.get(name) else name for name in usable]
        missing = [name for name in ALL_TOOLS if name not in usable]
        return f"tools {', '.join(shown)}" + (f"; without {', '.join(missing)}" if missing else "")


def open_tools(settings: ToolSettings, names: Sequence[ToolName]) -> list[Tool]:
    """Open the tools of an episode, in the order given.

    Raises:
        RecipeError: a key that was set when the task was made is gone.
        DataError: the text to search cannot be read.
        MissingExtraError: a tool needs an extra that is not installed.
    """
    return [_open(name, settings) for name in names]


def _open(name: ToolName, settings: ToolSettings) -> Tool:
    if name == "Calculator":
        return CalculatorTool()
    if name == "Google":
        return GoogleTool(_key(settings.google_key_env))
    if name == "WolframAlpha":
        return WolframTool(_key(settings.wolfram_key_env))
    if name == "Wikipedia" and settings.volume is not None:
        return WikipediaTool(_wiki(settings.volume))
    if name == "LLM" and settings.llm is not None:
        return LanguageModelTool(ChatModel(settings.llm))
    if name == "SearchSOTU" and settings.text is not None:
        return TextSearchTool(Path(settings.text), name=name, about=SPEECH)
    raise RecipeError(f"the tool {name!r} was offered when the task was made, and is not set up now")


def _wiki(volume: VolumeReference) -> WikiBackend:
    return open_volume(volume.difficulty, seed=volume.seed, test=volume.test, number=volume.number).wiki


def _key(variable: str) -> str:
    key = os.environ.get(variable)
    if not key:
        raise RecipeError(f"the environment variable {variable!r} is empty now; the task was made with it: export it")
    return key

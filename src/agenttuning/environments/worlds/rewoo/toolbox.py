"""Which tools there are: a tool that nobody set up is not offered, and every number says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.core.records import Record
from agenttuning.environments.worlds.chat_model import ChatModel, ChatModelSettings
from agenttuning.environments.worlds.rewoo.recording import CallRecording, RecordedTool, recorded_tools
from agenttuning.environments.worlds.rewoo.tools import CalculatorTool, LanguageModelTool, TextSearchTool, WikipediaTool
from agenttuning.environments.worlds.rewoo.web_tools import GoogleTool, WolframTool
from agenttuning.environments.worlds.wiki.opening import WikiChoice, open_wiki
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.rewoo.tool import Tool

ToolName = Literal["Wikipedia", "LLM", "Calculator", "SearchSOTU", "Google", "WolframAlpha"]
ALL_TOOLS: Final[tuple[ToolName, ...]] = ("Wikipedia", "LLM", "Calculator", "SearchSOTU", "Google", "WolframAlpha")
SPEECH: Final = "the State of the Union address of 2023"


class ToolSettings(Record):
    """What the tools need; a part of every task."""

    wiki: WikiChoice | None = None
    """The encyclopaedia behind Wikipedia."""
    llm: ChatModelSettings | None = None
    """The model behind LLM."""
    text: Path | None = None
    """The file behind SearchSOTU."""
    google_key_env: str = "SERPER_API_KEY"
    """Name of the environment variable with the key of Serper, which asks Google."""
    wolfram_key_env: str = "WOLFRAM_ALPHA_APPID"
    """Name of the environment variable with the key of WolframAlpha."""
    recording: Path | None = None
    """Keeps what LLM, Google, WolframAlpha and the judge answer."""
    replay: bool = False
    """These four answer from the recording alone."""

    def available(self) -> tuple[ToolName, ...]:
        """Return the tools that can be used here and now.

        Raises:
            DataError: there is no recording to be played back.
        """
        keys = {"Google": self.google_key_env, "WolframAlpha": self.wolfram_key_env}
        if self.replay and self.recording is not None:
            reached = recorded_tools(self.recording)
        else:
            reached = frozenset(name for name, variable in keys.items() if os.environ.get(variable))
        usable = {
            "Wikipedia": self.wiki is not None,
            "LLM": self.llm is not None,
            "Calculator": True,
            "SearchSOTU": self.text is not None,
            "Google": "Google" in reached,
            "WolframAlpha": "WolframAlpha" in reached,
        }
        return tuple(name for name in ALL_TOOLS if usable[name])

    def told(self, usable: Sequence[ToolName]) -> str:
        """Name the tools, what is behind them, and those that are missing, for the number that they help to make."""
        behind = {"LLM": self.llm.model if self.llm else "", "Wikipedia": self.wiki.name if self.wiki else ""}
        shown = [f"{name} ({behind[name]})" if behind.get(name) else name for name in usable]
        missing = [name for name in ALL_TOOLS if name not in usable]
        replayed = " replayed" if self.replay else ""
        return f"tools{replayed} {', '.join(shown)}" + (f"; without {', '.join(missing)}" if missing else "")


class Toolbox:
    """The open tools of one episode."""

    def __init__(
        self, settings: ToolSettings, names: Sequence[ToolName], *, judge: ChatModelSettings | None = None
    ) -> None:
        """Open tools in the order given, and the judge if there is one.

        Raises:
            RecipeError: a key that was set when the task was made is gone.
            DataError: the text, the pages or the recording cannot be read.
            MissingExtraError: a tool needs an extra that is not installed.
        """
        self._settings = settings
        self._recording = CallRecording(settings.recording, replay=settings.replay) if settings.recording else None
        self.tools: dict[str, Tool] = {name: self._open(name) for name in names}
        self._judge = self._model(judge) if judge else None

    def _open(self, name: ToolName) -> Tool:
        settings = self._settings
        if name == "Calculator":
            return CalculatorTool()
        if name == "Wikipedia" and settings.wiki is not None:
            return WikipediaTool(open_wiki(settings.wiki))
        if name == "SearchSOTU" and settings.text is not None:
            return TextSearchTool(settings.text, name=name, about=SPEECH)
        if name == "LLM" and settings.llm is not None:
            return self._recorded(LanguageModelTool(self._model(settings.llm)), settings.llm.model)
        if name == "Google":
            return self._recorded(GoogleTool(self._key(settings.google_key_env)))
        if name == "WolframAlpha":
            return self._recorded(WolframTool(self._key(settings.wolfram_key_env)))
        raise RecipeError(f"the tool {name!r} was offered when the task was made, and is not set up now")

    def _recorded(self, tool: Tool, behind: str = "") -> Tool:
        return RecordedTool(tool, self._recording, key=f"{tool.name} {behind}".strip()) if self._recording else tool

    def _key(self, variable: str) -> str:
        key = os.environ.get(variable, "")
        if not key and not self._settings.replay:
            raise RecipeError(
                f"the environment variable {variable!r} is empty, and the task was made with it: export it"
            )
        return key

    def _model(self, settings: ChatModelSettings) -> ChatModel:
        """Open a model; a replay asks nobody, so it needs no key."""
        return ChatModel(settings.model_copy(update={"api_key_env": None}) if self._settings.replay else settings)

    @property
    def has_judge(self) -> bool:
        """Is there a judge to be asked?"""
        return self._judge is not None

    async def ask_judge(self, prompt: str) -> str:
        """Return what the judge says.

        Raises:
            WorldError: it cannot be reached, or a replay has no answer of it.
        """
        assert self._judge is not None, "ask has_judge first"
        if self._recording is None:
            return await self._judge.ask(prompt)
        return await self._recording.answer(f"judge {self._judge.name}", prompt, self._judge.ask)

    async def close(self) -> None:
        """Close everything; safe to call twice."""
        for tool in self.tools.values():
            await tool.close()
        if self._judge is not None:
            await self._judge.close()
        if self._recording is not None:
            self._recording.close()

"""The tools: an encyclopaedia, a text, services on the network, and what is kept of their answers."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from agenttuning.environments.worlds.chat_model import ChatModel, ChatModelSettings
from agenttuning.environments.worlds.rewoo.recording import CallRecording, RecordedTool, recorded_tools
from agenttuning.environments.worlds.rewoo.toolbox import Toolbox, ToolSettings
from agenttuning.environments.worlds.rewoo.tools import (
    LLM_SYSTEM,
    PASSAGE,
    CalculatorTool,
    LanguageModelTool,
    TextSearchTool,
    WikipediaTool,
    passages,
)
from agenttuning.environments.worlds.rewoo.web_tools import SERPER, GoogleTool, WolframTool
from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.environments.worlds.wiki.corpus import CorpusWiki
from agenttuning.environments.worlds.wiki.ranking import SmallIndex
from agenttuning.errors import DataError, RecipeError, WorldError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from agenttuning.environments.worlds.rewoo.tool import Tool

PAGES = (
    Page(title="Lake Tarn", paragraphs=("Lake Tarn is a lake in Velmar.", "It is 48 m deep.", "Fish live in it.")),
    Page(title="Velmar", paragraphs=("Velmar is a country.", "Its capital is Orrin.")),
    Page(title="Orrin", paragraphs=("Orrin is a town on Lake Tarn.",)),
    Page(title="Mercury (planet)", paragraphs=("A planet.",)),
    Page(title="Mercury (metal)", paragraphs=("A metal.",)),
)


def ask(tool: Tool, query: str) -> str:
    async def scenario() -> str:
        try:
            return await tool.run(query)
        finally:
            await tool.close()
            await tool.close()

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("Lake Tarn", "Lake Tarn is a lake in Velmar."),
        ("lake tarn | deep", "Lake Tarn: It is 48 m deep."),
        ("Lake Tarn | how deep is it?", "Lake Tarn: It is 48 m deep."),
        ("Lake Tarn | colour", "Lake Tarn is a lake in Velmar. It is 48 m deep. Fish live in it."),
        ("Lake Tarn |", "Lake Tarn is a lake in Velmar."),
        ("[Lake Tarn is a lake in Velmar.] | capital", "Velmar: Its capital is Orrin."),
        ("[Velmar: Its capital is Orrin.]", "Orrin is a town on Lake Tarn."),
        ("what fish are there?", "Lake Tarn is a lake in Velmar."),
        ("a | b] planet", "Mercury (planet): A planet."),
    ],
)
def test_wikipedia_opens_a_page_or_tells_a_sentence(query: str, told: str) -> None:
    assert ask(WikipediaTool(CorpusWiki(PAGES, name="five pages", index=SmallIndex)), query) == told


@pytest.mark.parametrize(("query", "told"), [("", "none is similar"), ("xyzzy | x", "no page is called 'xyzzy'")])
def test_wikipedia_says_when_it_has_nothing(query: str, told: str) -> None:
    with pytest.raises(WorldError, match=told):
        ask(WikipediaTool(CorpusWiki(PAGES, name="five pages", index=SmallIndex)), query)


def test_the_calculator_works_out_evidence() -> None:
    assert ask(CalculatorTool(), "[Lake Tarn: It is 48 m deep.] * 2") == "96"


def test_text_search_finds_the_passage(tmp_path: Path) -> None:
    text = tmp_path / "speech.txt"
    paragraphs = [f"Number {number} is about {topic}. {'x ' * 200}" for number, topic in enumerate(("cars", "fish"))]
    text.write_text("\n\n".join((*paragraphs, "z" * 2 * PASSAGE)), "utf-8")
    tool = TextSearchTool(text, name="SearchSOTU", about="a speech")
    assert "about fish" in ask(tool, "fishes")
    assert ask(tool, "unheard") == ""
    assert "a speech" in tool.description
    assert [len(passage) <= PASSAGE for passage in passages(text.read_text("utf-8"))] == [True, False]
    with pytest.raises(DataError, match="cannot read the text"):
        TextSearchTool(tmp_path / "none.txt", name="SearchSOTU", about="a speech")


def answering(respond: Callable[[httpx.Request], httpx.Response]) -> httpx.MockTransport:
    return httpx.MockTransport(respond)


def test_the_language_model_is_asked_briefly() -> None:
    seen: list[dict[str, object]] = []

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        return httpx.Response(200, json={"choices": [{"message": {"content": "Orrin"}}]})

    settings = ChatModelSettings(base_url="http://model.test/v1", model="m")
    assert ask(LanguageModelTool(ChatModel(settings, transport=answering(respond))), "Where?") == "Orrin"
    assert seen[0]["messages"] == [{"role": "system", "content": LLM_SYSTEM}, {"role": "user", "content": "Where?"}]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({"answerBox": {"answer": "48 m"}, "organic": [{"snippet": "no"}]}, "48 m"),
        ({"answerBox": {"snippet": "It is 48 m deep"}}, "It is 48 m deep"),
        ({"knowledgeGraph": {"title": "Tarn", "description": "A lake", "x": 1}}, "Tarn: A lake"),
        ({"organic": [{"snippet": "a"}, {"snippet": "b"}, {"title": "c"}, {"snippet": "d"}]}, "a b "),
        ({}, ""),
    ],
)
def test_google_tells_the_best_that_it_has(found: dict[str, object], told: str) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert (str(request.url), request.headers["x-api-key"]) == (SERPER, "key")
        assert json.loads(request.content) == {"q": "depth of Lake Tarn"}
        return httpx.Response(200, json=found)

    assert ask(GoogleTool("key", transport=answering(respond)), "depth of Lake Tarn") == told


def test_google_in_another_form_is_an_error() -> None:
    with pytest.raises(WorldError, match="Serper answered in an unknown form"):
        ask(GoogleTool("key", transport=answering(lambda _: httpx.Response(200, text="<html>"))), "x")


def test_wolfram_answers_shortly_or_says_that_it_cannot() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"appid": "key", "i": "2+2" if "2" in str(request.url) else "love?"}
        return httpx.Response(200, text="4") if "2" in str(request.url) else httpx.Response(400, text="not understood")

    assert ask(WolframTool("key", transport=answering(respond)), "2+2") == "4"
    with pytest.raises(WorldError, match="WolframAlpha answered 400: 'not understood'"):
        ask(WolframTool("key", transport=answering(respond)), "love?")


class Counting:
    """Counts its calls, and fails on `bad`."""

    name = "Google"
    description = "Google[words]"

    def __init__(self) -> None:
        self.calls = 0

    async def run(self, query: str) -> str:
        self.calls += 1
        if query == "bad":
            raise WorldError(f"down {self.calls}")
        return f"{query} {self.calls}"

    async def close(self) -> None:
        """Nothing is open."""


async def outcomes(tool: Tool, *queries: str) -> list[str]:
    told = []
    for query in queries:
        try:
            told.append(await tool.run(query))
        except WorldError as error:
            told.append(str(error))
    return told


def test_what_was_recorded_is_played_back_failures_too(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "calls.sqlite"

    def play(*queries: str, replay: bool) -> tuple[list[str], int]:
        tool, recording = Counting(), CallRecording(path, replay=replay)
        told = asyncio.run(outcomes(RecordedTool(tool, recording, key="Google"), *queries))
        recording.close()
        recording.close()
        return told, tool.calls

    first = ["a 1", "down 2", "a 1", "down 2"]
    assert play("a", "bad", "a", "bad", replay=False) == (first, 2)
    assert play("a", "bad", "a", "bad", replay=True) == (first, 0)
    assert "holds no answer of Google to 'new'" in play("new", replay=True)[0][0]
    assert recorded_tools(path) == {"Google"}


def test_no_recording_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="replay reads what a run"):
        recorded_tools(tmp_path / "none.sqlite")
    (tmp_path / "text").write_text("no database, but long enough to be read as one " * 9)
    with pytest.raises(DataError, match="cannot open the recording"):
        CallRecording(tmp_path / "text", replay=False)


def test_a_tool_is_offered_when_it_is_set_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SERPER_API_KEY", raising=False)
    monkeypatch.delenv("WOLFRAM_ALPHA_APPID", raising=False)
    settings = ToolSettings(
        llm=ChatModelSettings(base_url="http://m.test", model="m-1"), recording=tmp_path / "calls.sqlite"
    )
    assert settings.available() == ("LLM", "Calculator")
    assert settings.told(settings.available()) == (
        "tools LLM (m-1), Calculator; without Wikipedia, SearchSOTU, Google, WolframAlpha"
    )
    monkeypatch.setenv("SERPER_API_KEY", "key")
    assert settings.available() == ("LLM", "Calculator", "Google")
    asyncio.run(Toolbox(settings, settings.available()).close())
    monkeypatch.delenv("SERPER_API_KEY")
    with pytest.raises(RecipeError, match="'SERPER_API_KEY' is empty"):
        Toolbox(settings, ("Google",))
    replay = settings.model_copy(update={"replay": True})
    assert replay.available() == ("LLM", "Calculator", "Google")
    asyncio.run(Toolbox(replay, replay.available()).close())
    with pytest.raises(RecipeError, match="'SearchSOTU' was offered"):
        Toolbox(settings, ("SearchSOTU",))

"""Who judges meanings."""

import asyncio
import json

import httpx
import pytest

from agenttuning.environments.worlds.chat_model import ChatModel, ChatModelSettings
from agenttuning.environments.worlds.webarena.judge import ModelJudge, WordJudge, open_judge, word_f1


@pytest.mark.parametrize(
    ("reference", "answer", "value"),
    [("12 minutes", "It takes 12 minutes.", 2 / 3), ("a", "b", 0), ("", "", 0), ("The Lamp", "the lamp", 1)],
)
def test_words_are_counted(reference: str, answer: str, value: float) -> None:
    assert word_f1(reference, answer) == pytest.approx(value)


def test_without_a_model_words_decide() -> None:
    async def judged() -> tuple[bool, bool]:
        async with open_judge(None) as judge:
            assert isinstance(judge, WordJudge)
            agreed = await judge.follows("12 minutes", answer="12 minutes on foot", intent="How long?")
            return agreed, await judge.names_reason("no such product", answer="N/A", intent="Buy it")

    assert asyncio.run(judged()) == (True, False)


@pytest.mark.parametrize(
    ("said", "agreed"), [("Yes", True), (" yes, it does", True), ("No.", False), ("Maybe. Yes", False)]
)
def test_a_model_says_yes_or_no(said: str, *, agreed: bool) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(json.loads(request.content)["messages"][0]["content"])
        return httpx.Response(200, json={"choices": [{"message": {"content": said}}]})

    async def judged() -> tuple[bool, bool]:
        settings = ChatModelSettings(base_url="http://judge.test/v1", model="j")
        async with ChatModel(settings, transport=httpx.MockTransport(answer)) as model:
            judge = ModelJudge(model)
            first = await judge.follows("12 minutes", answer="twelve", intent="How long?")
            return first, await judge.names_reason("none left", answer="sold out", intent="Buy it")

    assert asyncio.run(judged()) == (agreed, agreed)
    assert "'twelve'" in asked[0]
    assert "'12 minutes'" in asked[0]
    assert "'sold out'" in asked[1]
    assert "'none left'" in asked[1]

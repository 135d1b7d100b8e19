"""Google through Serper, and WolframAlpha: offered where their keys are set in the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
from pydantic import BaseModel, ValidationError

from agenttuning.environments.worlds.chat_model import certificates, excerpt, persist
from agenttuning.errors import WorldError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SERPER: Final = "https://google.serper.dev/search"
WOLFRAM: Final = "https://api.wolframalpha.com/v1/result"
ATTEMPTS: Final = 3
SECONDS: Final = 20.0
"""For one attempt."""
FIRST_WAIT_SECONDS: Final = 0.5
SNIPPETS: Final = 3
"""Results of a search that are told where Google has no answer of its own."""


class _AnswerBox(BaseModel):
    answer: str = ""
    snippet: str = ""


class _KnowledgeGraph(BaseModel):
    title: str = ""
    description: str = ""


class _Result(BaseModel):
    title: str = ""
    snippet: str = ""


class _Found(BaseModel):
    answerBox: _AnswerBox = _AnswerBox()  # noqa: N815  the service's own name
    knowledgeGraph: _KnowledgeGraph = _KnowledgeGraph()  # noqa: N815
    organic: list[_Result] = []


class GoogleTool:
    """`Google[words]`: Google's own answer, else what it knows of the thing, else the first results."""

    name = "Google"
    description = "Google[words] gives the first results of a web search."

    def __init__(self, key: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = _client(transport, headers={"X-API-KEY": key})

    async def run(self, query: str) -> str:
        """Return the answer; raises as `Tool` says."""
        response = await _patiently(lambda: self._client.post(SERPER, json={"q": query}), where="Serper")
        try:
            found = _Found.model_validate_json(response.content)
        except ValidationError as error:
            raise WorldError(f"Serper answered in an unknown form: {excerpt(response)}") from error
        known = f"{found.knowledgeGraph.title}: {found.knowledgeGraph.description}"
        listed = " ".join(result.snippet for result in found.organic[:SNIPPETS])
        return (
            found.answerBox.answer
            or found.answerBox.snippet
            or (known if found.knowledgeGraph.description else "")
            or listed
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class WolframTool:
    """`WolframAlpha[question]`: its short answer."""

    name = "WolframAlpha"
    description = "WolframAlpha[question] answers questions of mathematics, units and facts."

    def __init__(self, key: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._key = key
        self._client = _client(transport)

    async def run(self, query: str) -> str:
        """Return the answer; raises as `Tool` says."""
        asked = {"appid": self._key, "i": query}
        response = await _patiently(lambda: self._client.get(WOLFRAM, params=asked), where="WolframAlpha")
        return response.text

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _client(transport: httpx.AsyncBaseTransport | None, *, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(headers=headers, timeout=SECONDS, verify=certificates(), transport=transport)


async def _patiently(send: Callable[[], Awaitable[httpx.Response]], *, where: str) -> httpx.Response:
    return await persist(send, where=where, attempts=ATTEMPTS, first_wait_seconds=FIRST_WAIT_SECONDS)

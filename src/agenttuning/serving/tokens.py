"""Text Generation Inference's `/chat_tokenize`: how a conversation is read, token by token."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from agenttuning.errors import AgentTuningError
from agenttuning.serving.openai_bodies import ChatBody
from agenttuning.serving.requests import RequestError, read_body

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue
    from starlette.requests import Request

    from agenttuning.serving.engine import Engine
    from agenttuning.serving.settings import ServerSettings


class TokenRoutes:
    """The route over one engine."""

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self._engine = engine
        self._settings = settings

    async def chat_tokenize(self, request: Request) -> Response:
        """Answer `POST /chat_tokenize`: the rendered conversation and its tokens, special ones by their names."""
        body = await read_body(request, ChatBody, settings=self._settings)
        try:
            ids = self._engine.prompt_ids([turn.message() for turn in body.messages])
        except AgentTuningError as error:
            raise RequestError(str(error), field="messages") from error
        return JSONResponse(chat_tokens(ids, self._engine.token_texts(ids)))


def chat_tokens(ids: Sequence[int], texts: Sequence[str]) -> dict[str, JsonValue]:
    """Return the answer: the texts joined, and the bytes of it that each token covers."""
    ends = accumulate((len(text.encode("utf-8", "replace")) for text in texts), initial=0)
    tokens: list[JsonValue] = [
        {"id": token_id, "text": text, "start": start, "stop": stop}
        for token_id, text, (start, stop) in zip(ids, texts, pairwise(ends), strict=True)
    ]
    return {"tokenize_response": tokens, "templated_text": "".join(texts)}

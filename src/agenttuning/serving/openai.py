"""OpenAI's HTTP API: `/v1/chat/completions`, `/v1/completions`, `/v1/models`."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response, StreamingResponse

from agenttuning.core.records import Sampling
from agenttuning.errors import AgentTuningError, PolicyError
from agenttuning.models.generation import GenerationRequest
from agenttuning.serving.openai_answers import Answer, ChatForm, TextForm, error_body, event, token_scores, usage
from agenttuning.serving.openai_bodies import UNSUPPORTED, ChatBody, CompletionBody
from agenttuning.serving.requests import (
    RequestError,
    all_of,
    answered,
    collected,
    encoded,
    failure_kind,
    read_body,
    refuse_unsupported,
    require_known_tokens,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.requests import Request

    from agenttuning.serving.engine import Engine
    from agenttuning.serving.openai_answers import Form
    from agenttuning.serving.openai_bodies import Asked
    from agenttuning.serving.settings import ServerSettings

_DEFAULT_TOKENS = 16


class OpenAIRoutes:
    """The handlers of this API over one engine; every model name is answered by the one model there is."""

    def __init__(self, engine: Engine, settings: ServerSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._started = int(time.time())

    async def models(self, request: Request) -> Response:
        """Answer `GET /v1/models`."""
        del request
        entry = {"id": self._engine.info.model, "object": "model", "created": self._started, "owned_by": "agenttuning"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def chat(self, request: Request) -> Response:
        """Answer `POST /v1/chat/completions`."""
        body = await read_body(request, ChatBody, settings=self._settings)
        refuse_unsupported(body.model_extra, neutral=UNSUPPORTED)
        try:
            ids = self._engine.prompt_ids([turn.message() for turn in body.messages])
        except AgentTuningError as error:
            raise RequestError(str(error), field="messages") from error
        wanted = self._requests([ids], body, asked=body.max_completion_tokens or body.max_tokens)
        return await self._respond(request, body, wanted, form=ChatForm(self._engine))

    async def completions(self, request: Request) -> Response:
        """Answer `POST /v1/completions`; with `echo` and `logprobs` it scores prompts, as benchmarks ask."""
        body = await read_body(request, CompletionBody, settings=self._settings)
        refuse_unsupported(body.model_extra, neutral=UNSUPPORTED)
        asked = _DEFAULT_TOKENS if body.max_tokens is None else body.max_tokens
        if asked == 0 and not body.echo:
            raise RequestError("`max_tokens`=0 needs `echo`, else there is nothing to answer", field="max_tokens")
        if body.stream and body.echo and (asked == 0 or body.logprobs is not None):
            raise RequestError("a scored prompt cannot be streamed; leave `stream` or `echo` out", field="stream")
        prompts = await self._prompt_ids(body)
        scored = bool(body.echo) and body.logprobs is not None
        wanted = self._requests(prompts, body, asked=max(asked, 1), score_prompt=scored)
        echoed = self._echoed(body) if body.echo else None
        return await self._respond(request, body, wanted, form=TextForm(self._engine, echoed=echoed, answer=asked > 0))

    async def _prompt_ids(self, body: CompletionBody) -> list[list[int]]:
        found = [await encoded(self._engine, prompt) if isinstance(prompt, str) else prompt for prompt in body.prompts]
        for ids in found:
            require_known_tokens(ids, vocabulary=self._engine.info.vocabulary, field="prompt")
        return found

    def _echoed(self, body: CompletionBody) -> list[str]:
        """Return what `echo` puts before each choice: the prompt as sent, or the text of its ids."""
        texts = [
            prompt if isinstance(prompt, str) else "".join(self._engine.token_texts(prompt)) for prompt in body.prompts
        ]
        return [text for text in texts for _ in range(body.n or 1)]

    def _requests(
        self, prompts: Sequence[list[int]], body: Asked, *, asked: int | None, score_prompt: bool = False
    ) -> list[GenerationRequest]:
        limit, count = self._engine.info.max_total_tokens, body.n or 1
        seed = secrets.randbits(63) if body.seed is None else body.seed
        if len(prompts) * count > self._settings.max_concurrent:
            raise RequestError(
                f"{len(prompts)} prompts with `n`={count} are more than the {self._settings.max_concurrent} answers "
                "that this server has in progress; send fewer at a time"
            )
        requests = []
        for ids in prompts:
            length = asked if asked is not None else min(limit - len(ids), self._settings.max_answer_tokens or limit)
            if self._settings.max_answer_tokens is not None and length > self._settings.max_answer_tokens:
                text = f"at most {self._settings.max_answer_tokens} tokens may be asked for; {length} are more"
                raise RequestError(text, field="max_tokens")
            if length < 1 or len(ids) + length > limit:
                raise RequestError(
                    f"this model's maximum context length is {limit} tokens; {len(ids)} in the prompt and "
                    f"{max(length, 1)} for the answer are more",
                    kind="context_length_exceeded",
                )
            for index in range(count):
                sampling = _sampling(body, length=length, seed=seed + index)
                top = body.wanted_top or 0
                requests.append(GenerationRequest(ids, sampling, body.stop_strings, top=top, score_prompt=score_prompt))
        return requests

    async def _respond(self, request: Request, body: Asked, wanted: list[GenerationRequest], *, form: Form) -> Response:
        if body.stream:
            if len(wanted) > 1:
                raise RequestError("only one answer can be streamed; leave out `n`, or send one prompt", field="stream")
            return StreamingResponse(
                self._events(wanted[0], body, form),
                media_type="text/event-stream",
                headers={"x-accel-buffering": "no", "cache-control": "no-cache"},
            )
        found = await answered(request, all_of([collected(self._engine, one) for one in wanted]))
        answers = [Answer(one, *result) for one, result in zip(wanted, found, strict=True)]
        scored = body.wanted_top is not None
        choices = [form.whole(index, answer, scored=scored) for index, answer in enumerate(answers)]
        told = usage(answers, choices_per_prompt=body.n or 1)
        return JSONResponse({**form.frame(chunk=False), "choices": choices, "usage": told})

    async def _events(self, wanted: GenerationRequest, body: Asked, form: Form) -> AsyncIterator[str]:
        scored = body.wanted_top is not None
        for opening in form.opening():
            yield event({**form.frame(chunk=True), "choices": [opening]})
        try:
            async for token in self._engine.stream(wanted):
                if token.text or scored:
                    scores = token_scores([token]) if scored else None
                    piece = form.piece(token.text, finish=None, scores=scores)
                    yield event({**form.frame(chunk=True), "choices": [piece]})
                if token.generation is not None:
                    last = form.piece("", finish=token.generation.finish, scores=None)
                    yield event({**form.frame(chunk=True), "choices": [last]})
                    if body.stream_options is not None and body.stream_options.include_usage:
                        told = usage([Answer(wanted, (), token.generation)])
                        yield event({**form.frame(chunk=True), "choices": [], "usage": told})
            yield "data: [DONE]\n\n"
        except PolicyError as error:
            yield event(error_body(str(error), status=500, kind=failure_kind(error)))


def _sampling(body: Asked, *, length: int, seed: int) -> Sampling:
    return Sampling(
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        top_k=body.top_k or 0,
        max_new_tokens=length,
        seed=seed % (1 << 63),
    )

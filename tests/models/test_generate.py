"""Batched generation: exact, fair to every row, and alive after a failure."""

from __future__ import annotations

import asyncio
import copy
import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from tests.models.random_model import patched
from tests.models.tokenizers import compact_tokenizer
from transformers import LlamaForCausalLM

from agenttuning.core.records import Sampling
from agenttuning.errors import ContextLimitError, PolicyError
from agenttuning.models.generate import GenerationRequest, Generator
from agenttuning.models.load import ChatModel, LlamaShape, choose_template, fresh_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.models.generate import Generation

SHAPE = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=64, max_length=512)


class OtherLlama(LlamaForCausalLM):
    """Of a kind that generation leaves to transformers."""


@pytest.fixture(scope="module", params=["own pass", "eager", "sdpa"])
def chat_model(request: pytest.FixtureRequest) -> ChatModel:
    compact = compact_tokenizer()
    model = fresh_model(SHAPE, compact, seed=3).eval()
    if request.param != "own pass":
        model.__class__ = OtherLlama
        model.set_attn_implementation(request.param)
    with torch.no_grad():  # sharper than fresh weights, so that texts differ and some rows end by themselves
        for parameter in model.parameters():
            parameter.mul_(4.0)
    return ChatModel("random", Path(), model, compact, choose_template(compact), 512)


def prompts(count: int, *, seed: int = 0, longest: int = 90) -> list[list[int]]:
    draw = random.Random(seed)
    return [[draw.randrange(5, 300) for _ in range(draw.randrange(1, longest))] for _ in range(count)]


def reference(chat_model: ChatModel, prompt: list[int], *, tokens: int) -> list[int]:
    ids = torch.tensor([prompt])
    found = chat_model.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False)
    answer: list[int] = found[0, len(prompt) :].tolist()
    return answer


async def answers(
    chat_model: ChatModel, requests: Sequence[GenerationRequest], *, max_batch: int = 32
) -> list[Generation]:
    async with Generator(chat_model, max_batch=max_batch) as generator:
        return await asyncio.gather(*(generator.generate(request) for request in requests))


@pytest.mark.parametrize("max_batch", [1, 3, 32])
def test_greedy_ids_equal_those_of_transformers(chat_model: ChatModel, max_batch: int) -> None:
    asked = [(prompt, 4 + 3 * index) for index, prompt in enumerate(prompts(9))]
    requests = [GenerationRequest(prompt, Sampling(max_new_tokens=tokens)) for prompt, tokens in asked]
    found = asyncio.run(answers(chat_model, requests, max_batch=max_batch))
    expected = [reference(chat_model, prompt, tokens=tokens) for prompt, tokens in asked]
    assert [list(generation.token_ids) for generation in found] == expected
    for generation, (_, tokens) in zip(found, asked, strict=True):
        assert generation.finish == ("length" if len(generation.token_ids) == tokens else "stop")


def test_later_turns_reuse_what_was_computed_and_stay_exact(chat_model: ChatModel) -> None:
    async def play(generator: Generator, seed: int) -> None:
        history = prompts(1, seed=seed)[0] + prompts(1, seed=7)[0]
        for turn in range(4):
            found = await generator.generate(GenerationRequest(history, Sampling(max_new_tokens=8)))
            assert list(found.token_ids) == reference(chat_model, history, tokens=8)
            history = [*history, *found.token_ids, *prompts(1, seed=seed * 31 + turn, longest=40)[0]]

    async def scenario() -> None:
        async with Generator(chat_model, max_batch=4) as generator:
            await asyncio.gather(*(play(generator, seed) for seed in range(8)))

    asyncio.run(scenario())


@pytest.mark.parametrize("prefix_cache_bytes", [0, 40_000])
def test_a_small_prefix_cache_changes_nothing(chat_model: ChatModel, prefix_cache_bytes: int) -> None:
    async def scenario() -> None:
        async with Generator(chat_model, prefix_cache_bytes=prefix_cache_bytes) as generator:
            for prompt in [*prompts(3, seed=2), *prompts(3, seed=2)]:
                found = await generator.generate(GenerationRequest(prompt, Sampling(max_new_tokens=6)))
                assert list(found.token_ids) == reference(chat_model, prompt, tokens=6)

    asyncio.run(scenario())


def test_in_float64_not_even_the_scores_depend_on_the_batch(chat_model: ChatModel) -> None:
    double = replace(chat_model, model=copy.deepcopy(chat_model.model).double())
    requests = [GenerationRequest(prompt, Sampling(max_new_tokens=8)) for prompt in prompts(12, seed=4)]

    async def scores(max_batch: int) -> list[list[float]]:
        async with Generator(double, max_batch=max_batch, prefix_cache_bytes=0) as generator:

            async def one(request: GenerationRequest) -> list[float]:
                return [token.logprob async for token in generator.stream(request)]

            return await asyncio.gather(*(one(request) for request in requests))

    alone, together = asyncio.run(scores(1)), asyncio.run(scores(12))
    for left, right in zip(alone, together, strict=True):
        assert left == pytest.approx(right, abs=1e-12)


def test_the_same_seed_draws_the_same_alone_and_in_company(chat_model: ChatModel) -> None:
    requests = [
        GenerationRequest(
            prompt, Sampling(temperature=1.3, top_p=0.9, top_k=[0, 40][index % 2], max_new_tokens=12, seed=index)
        )
        for index, prompt in enumerate(prompts(8, seed=5))
    ]
    together = asyncio.run(answers(chat_model, requests))
    alone = [asyncio.run(answers(chat_model, [request]))[0] for request in requests]
    assert together == alone
    other = GenerationRequest(
        requests[0].prompt_ids, requests[0].sampling.model_copy(update={"seed": 99, "max_new_tokens": 30})
    )
    assert asyncio.run(answers(chat_model, [other]))[0].token_ids[:12] != alone[0].token_ids


def test_top_k_of_one_is_greedy_at_any_temperature(chat_model: ChatModel) -> None:
    prompt = prompts(1, seed=11)[0]
    drawn = GenerationRequest(prompt, Sampling(temperature=5.0, top_k=1, max_new_tokens=10, seed=1))
    assert list(asyncio.run(answers(chat_model, [drawn]))[0].token_ids) == reference(chat_model, prompt, tokens=10)


def test_a_stop_string_ends_the_answer_before_it(chat_model: ChatModel) -> None:
    prompt = prompts(1, seed=21)[0]
    free = asyncio.run(answers(chat_model, [GenerationRequest(prompt, Sampling(max_new_tokens=24))]))[0]
    stop = free.text[6:9]
    request = GenerationRequest(prompt, Sampling(max_new_tokens=24), stop=("never seen", stop))
    stopped = asyncio.run(answers(chat_model, [request]))[0]
    assert stopped.text == free.text[: free.text.index(stop)]
    assert (stopped.stop_text, stopped.finish) == (stop, "stop")
    assert stopped.token_ids == free.token_ids[: len(stopped.token_ids)]


def test_a_stream_is_the_answer_in_pieces(chat_model: ChatModel) -> None:
    prompt = prompts(1, seed=21)[0]
    whole = asyncio.run(answers(chat_model, [GenerationRequest(prompt, Sampling(max_new_tokens=24))]))[0]
    stop = whole.text[10:13]

    async def scenario() -> None:
        async with Generator(chat_model) as generator:
            for marks in ((), (stop,)):
                request = GenerationRequest(prompt, Sampling(max_new_tokens=24), stop=marks)
                tokens = [token async for token in generator.stream(request)]
                final = tokens[-1].generation
                assert final is not None
                assert [token.generation for token in tokens[:-1]] == [None] * (len(tokens) - 1)
                assert "".join(token.text for token in tokens) == final.text
                assert tuple(token.id for token in tokens) == final.token_ids
                assert all(token.logprob <= 0.0 for token in tokens)

    asyncio.run(scenario())


def test_a_prompt_that_cannot_fit_is_refused_before_it_costs_anything(chat_model: ChatModel) -> None:
    request = GenerationRequest([5] * 500, Sampling(max_new_tokens=13))
    with pytest.raises(ContextLimitError, match="500 prompt tokens and max_new_tokens=13 exceed the 512"):
        asyncio.run(answers(chat_model, [request]))
    exact = GenerationRequest([5] * 500, Sampling(max_new_tokens=12))
    assert asyncio.run(answers(chat_model, [exact]))[0].token_ids


@pytest.mark.parametrize("prompt", [[], [5, 1_000_000], [-1]])
def test_foreign_tokens_are_refused_alone(chat_model: ChatModel, prompt: list[int]) -> None:
    async def scenario() -> None:
        async with Generator(chat_model) as generator:
            good = asyncio.create_task(generator.generate(GenerationRequest([5, 6], Sampling(max_new_tokens=20))))
            with pytest.raises(PolicyError, match="token ids below"):
                await generator.generate(GenerationRequest(prompt, Sampling(max_new_tokens=4)))
            assert (await good).token_ids

    asyncio.run(scenario())


def test_a_cancelled_request_frees_its_row(chat_model: ChatModel) -> None:
    async def scenario() -> None:
        async with Generator(chat_model, max_batch=1) as generator:
            long = GenerationRequest([7, 8], Sampling(max_new_tokens=500, temperature=3.0, seed=1))
            task = asyncio.create_task(generator.generate(long))
            stream = generator.stream(long)
            first = asyncio.create_task(anext(stream))
            await asyncio.sleep(0.05)
            assert not first.done()
            task.cancel()
            assert (await first).generation is None
            await stream.aclose()
            prompt = prompts(1, seed=9)[0]
            found = await generator.generate(GenerationRequest(prompt, Sampling(max_new_tokens=16)))
            assert list(found.token_ids) == reference(chat_model, prompt, tokens=16)
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(scenario())


def test_a_failure_of_the_model_fails_those_in_flight_and_nobody_after(
    chat_model: ChatModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = True

    def failing(ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        if broken:
            raise RuntimeError("out of memory")
        return torch.zeros(len(ids), dtype=torch.bool)

    async def scenario() -> None:
        nonlocal broken
        async with Generator(chat_model) as generator:
            requests = [GenerationRequest(prompt, Sampling(max_new_tokens=4)) for prompt in prompts(5)]
            failed = await asyncio.gather(*(generator.generate(r) for r in requests), return_exceptions=True)
            assert {str(error) for error in failed} == {"the model failed: RuntimeError: out of memory"}
            broken = False
            found = await generator.generate(requests[0])
            assert list(found.token_ids) == reference(chat_model, prompts(5)[0], tokens=4)

    patched(monkeypatch, failing)
    asyncio.run(scenario())


def test_closing_fails_who_still_waits_and_refuses_newcomers(chat_model: ChatModel) -> None:
    async def scenario() -> None:
        generator = Generator(chat_model, max_batch=1)
        requests = [GenerationRequest([7, 8], Sampling(max_new_tokens=400, temperature=1.0)) for _ in range(3)]
        waiting = [asyncio.create_task(generator.generate(request)) for request in requests]
        await asyncio.sleep(0)
        await generator.close()
        await generator.close()
        failed = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(error, PolicyError) for error in failed)
        with pytest.raises(PolicyError, match="is closed"):
            await generator.generate(requests[0])

    asyncio.run(scenario())

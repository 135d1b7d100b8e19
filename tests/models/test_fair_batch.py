"""The running batch is fair: nobody starves, nobody waits for a long prompt, and nobody fails for another."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from tests.models.random_model import double_model, patched, random_ids, reference

from agenttuning.core.records import Sampling
from agenttuning.errors import PolicyError
from agenttuning.models import decode_batch
from agenttuning.models.generate import Generation, GenerationRequest, Generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BAD = 333
"""A token that only the prompt of a row that must fail holds."""


def endless(seed: int, *, tokens: int) -> GenerationRequest:
    """Return a request whose answer hardly ever ends by itself."""
    sampling = Sampling(temperature=3.0, max_new_tokens=tokens, seed=seed)
    return GenerationRequest(random_ids(random.Random(seed), 20), sampling)


def mixed(count: int) -> list[GenerationRequest]:
    """Return requests of unlike prompts, every other one sampled."""
    draw = random.Random(5)
    return [
        GenerationRequest(
            random_ids(draw, 5 + index), Sampling(temperature=float(index % 2), max_new_tokens=12, seed=index)
        )
        for index in range(count)
    ]


async def until(met: Callable[[], bool]) -> None:
    for _ in range(60_000):
        if met():
            return
        await asyncio.sleep(0.001)
    pytest.fail("it did not happen")


async def all_answers(requests: Sequence[GenerationRequest]) -> list[Generation | BaseException]:
    async with Generator(double_model()) as generator:
        return await asyncio.gather(*map(generator.generate, requests), return_exceptions=True)


def raising(ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Fail as a pass does that has no memory for one of its prompts."""
    if (ids == BAD).any():
        raise RuntimeError("out of memory")
    return torch.zeros(len(ids), dtype=torch.bool)


def raising_late(ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Fail some tokens later, in the middle of everybody's answers."""
    if (positions >= 64).any():
        raise RuntimeError("out of memory")
    return torch.zeros(len(ids), dtype=torch.bool)


def without_numbers(ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    return (ids == BAD).any(dim=1)


@pytest.mark.parametrize(
    ("broken", "why"),
    [(raising, "out of memory"), (raising_late, "out of memory"), (without_numbers, "not numbers")],
)
def test_a_row_that_fails_takes_nobody_along(
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    why: str,
) -> None:
    good = mixed(9)
    expected = asyncio.run(all_answers(good))
    bad = GenerationRequest([*random_ids(random.Random(1), 58), BAD], Sampling(max_new_tokens=12))
    patched(monkeypatch, broken)
    *found, failed = asyncio.run(all_answers([*good, bad]))
    assert found == expected
    assert isinstance(failed, PolicyError)
    assert why in str(failed)


def test_what_a_failed_row_computed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = [*random_ids(random.Random(1), 40), BAD, *random_ids(random.Random(2), 40)]
    request = GenerationRequest(prompt, Sampling(max_new_tokens=4))
    damaged = True

    def at_first(ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        return without_numbers(ids, positions) & damaged

    async def scenario() -> None:
        nonlocal damaged
        async with Generator(double_model()) as generator:
            with pytest.raises(PolicyError, match="are the weights damaged"):
                await generator.generate(request)
            damaged = False
            assert generator.load.cache_bytes == 0
            assert list((await generator.generate(request)).token_ids) == reference([prompt], tokens=4)[0]

    patched(monkeypatch, at_first)
    asyncio.run(scenario())


def test_others_go_on_while_a_long_prompt_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_batch, "_PREFILL_TOKENS", 32)
    prompt = random_ids(random.Random(8), 400)
    seen = 0

    async def scenario() -> None:
        async with Generator(double_model()) as generator:

            async def listen() -> None:
                nonlocal seen
                async for _ in generator.stream(endless(3, tokens=300)):
                    seen += 1

            listening = asyncio.create_task(listen())
            await until(lambda: seen > 0)
            before, first = seen, 0
            async for token in generator.stream(GenerationRequest(prompt, Sampling(max_new_tokens=4))):
                first = first or seen
                last = token
            assert first - before >= 400 // 32 - 2
            assert last.generation is not None
            assert list(last.generation.token_ids) == reference([prompt], tokens=4)[0]
            listening.cancel()

    asyncio.run(scenario())


def test_a_short_answer_does_not_wait_for_the_end_of_many_long_ones() -> None:
    ended: list[str] = []

    async def scenario() -> None:
        async with Generator(double_model(), max_batch=10) as generator:

            async def play(name: str, request: GenerationRequest) -> None:
                await generator.generate(request)
                ended.append(name)

            long = [asyncio.create_task(play("long", endless(seed, tokens=200))) for seed in range(9)]
            await until(lambda: generator.load.running == 9)
            await asyncio.gather(*(play("short", endless(seed, tokens=3)) for seed in range(4)))
            await asyncio.gather(*long)

    asyncio.run(scenario())
    assert ended == ["short"] * 4 + ["long"] * 9


def test_prompts_that_come_together_share_their_beginning() -> None:
    draw = random.Random(4)
    beginning = random_ids(draw, 100)
    prompts = [beginning + random_ids(draw, 9) for _ in range(8)]

    async def scenario() -> None:
        async with Generator(double_model()) as generator:
            requests = [GenerationRequest(prompt, Sampling(max_new_tokens=5)) for prompt in prompts]
            found = await asyncio.gather(*map(generator.generate, requests))
            assert [list(one.token_ids) for one in found] == reference(prompts, tokens=5)
            assert generator.load.cached_tokens == 7 * 96
            positions = 8 * 2 * 32 * 2  # bytes of a number, layers, size, keys and values
            assert generator.load.cache_bytes == (96 + 8 * 16) * positions

    asyncio.run(scenario())


def test_a_stream_that_nobody_reads_along_is_the_same() -> None:
    request = endless(2, tokens=20)

    async def scenario() -> None:
        async with Generator(double_model()) as generator:
            for whole in (False, True):
                tokens = [token async for token in generator.stream(replace(request, whole=whole))]
                assert "".join(token.text for token in tokens) == tokens[-1].generation.text  # type: ignore[union-attr]
                assert len(tokens) == 20

    asyncio.run(scenario())


def test_who_leaves_before_its_turn_is_forgotten() -> None:
    async def scenario() -> None:
        async with Generator(double_model(), max_batch=1) as generator:
            running = asyncio.create_task(generator.generate(endless(1, tokens=300)))
            waiting = [asyncio.create_task(generator.generate(endless(seed, tokens=300))) for seed in range(5)]
            await until(lambda: generator.load.waiting == 5)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await until(lambda: not generator.load.waiting)
            assert not running.done()
            await running

    asyncio.run(scenario())

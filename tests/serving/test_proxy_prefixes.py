"""Requests go where their beginning has been read, so that the server's prefix cache holds it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.serving.gateways import generation, play, until

from agenttuning.serving.proxy_prefixes import PrefixMap, prompt_chain

if TYPE_CHECKING:
    import httpx
    from tests.serving.upstream import Upstream


def turns(task: str, count: int) -> list[str]:
    """Return the prompts of one episode, each with the whole history before it."""
    return ["Rules. " * 100 + task + f" observation {task} " * 40 * turn for turn in range(1, count + 1)]


def test_the_turns_of_an_episode_stay_with_one_replica_unless_it_has_more_to_do() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        async def episode(task: str) -> None:
            for prompt in turns(task, 5):
                assert (await client.post("/generate", json=generation(prompt))).status_code == 200

        await asyncio.gather(*(episode(f"task {number}") for number in range(6)))
        served = {fake: {str(asked["prompt"])[700:706] for asked in fake.asked} for fake in fakes}
        assert sum(len(tasks) for tasks in served.values()) <= 6 + 2
        assert all(len(fake.asked) >= 5 for fake in fakes)
        warm = next(fake for fake in fakes if "task 0" in served[fake])
        warm.gate.clear()
        long = turns("task 0", 6)[-1]
        busy = [asyncio.create_task(client.post("/generate", json=generation(long))) for _ in range(6)]
        await until(lambda: warm.running >= 3 and warm.running + sum(answer.done() for answer in busy) == 6)
        assert warm.running < 6
        warm.gate.set()
        await asyncio.gather(*busy)

    play(work, replicas=2)


def test_without_slack_the_least_loaded_is_taken() -> None:
    async def work(client: httpx.AsyncClient, fakes: list[Upstream]) -> None:
        for prompt in turns("task", 6):
            await client.post("/generate", json=generation(prompt))
        assert [len(fake.asked) for fake in fakes] == [3, 3]

    play(work, replicas=2, sticky_slack=None)


def test_a_remembered_prefix_is_forgotten_when_room_is_needed() -> None:
    known = PrefixMap[str](most=4)
    one, other = (prompt_chain({"prompt": letter * 600}) for letter in "xy")
    assert len(one) == 2
    known.remember(one, "first")
    assert known.find(one) == known.find(prompt_chain({"prompt": "x" * 1000})) == "first"
    assert known.find(prompt_chain({"prompt": "x" * 600 + "y" * 1200})) is None
    assert known.find(prompt_chain({"prompt": "short"})) is None
    known.remember(other, "second")
    known.remember(prompt_chain({"messages": [{"role": "user", "content": "z" * 600}]}), "third")
    assert (known.find(one), known.find(other)) == (None, "second")

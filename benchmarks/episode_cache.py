"""Episodes of several turns through the server, with what earlier turns computed and without: their factor.

    OMP_NUM_THREADS=1 python benchmarks/episode_cache.py [--episodes 64] [--turns 6]

An agent sends its whole history each turn: instruction and example, which all episodes share, and what was said since.
Every episode is a client of its own; the answers must be the same with and without.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from agenttuning.serving.process import running_server
from agenttuning.serving.settings import ServerSettings
from serving import cpu_seconds, save_llama, words

INSTRUCTION_WORDS, OBSERVATION_WORDS, ANSWER_TOKENS = 120, 20, 24


@dataclass(frozen=True)
class Played:
    """One run of all episodes."""

    answers: list[list[str]]
    seconds: float
    cpu_seconds: float
    cached: float
    """Part of the prompt tokens that were not computed again."""


async def play(client: httpx.AsyncClient, url: str, *, episode: int, turns: int) -> list[str]:
    """Play one episode; return its answers."""
    history, answers = words(INSTRUCTION_WORDS, seed=0), []
    for turn in range(turns):
        history += "\n" + words(OBSERVATION_WORDS, seed=1000 * episode + turn + 1) + "\n"
        asked = {"inputs": history, "parameters": {"max_new_tokens": ANSWER_TOKENS}}
        response = await client.post(f"{url}/generate", json=asked)
        response.raise_for_status()
        answers.append(response.json()["generated_text"])
        history += answers[-1]
    return answers


async def play_all(url: str, pid: int, *, episodes: int, turns: int) -> Played:
    """Play all episodes at once."""
    async with httpx.AsyncClient(timeout=600, limits=httpx.Limits(max_connections=episodes)) as client:
        began, cpu = time.perf_counter(), cpu_seconds(pid)
        answers = await asyncio.gather(
            *(play(client, url, episode=episode, turns=turns) for episode in range(1, episodes + 1))
        )
        seconds, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
        lines = (await client.get(f"{url}/metrics")).text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    cached = float(told["agenttuning_prompt_tokens_cached"]) / float(told["agenttuning_prompt_tokens"])
    return Played(answers, seconds, cpu, cached)


def main() -> None:
    """Print one line with, one without, and the factors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=64)
    parser.add_argument("--turns", type=int, default=6)
    told = parser.parse_args()
    found: list[Played] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = save_llama(Path(scratch))
        for size in (512 << 20, 0):
            with running_server(folder, ServerSettings(prefix_cache_bytes=size)) as server:
                run = asyncio.run(play_all(server.url, server.pid, episodes=told.episodes, turns=told.turns))
            found.append(run)
            tokens = told.episodes * told.turns * ANSWER_TOKENS
            print(
                f"{'with' if size else 'without':8} {run.seconds:7.1f} s {run.cpu_seconds:7.1f} s of CPU "
                f"{tokens / run.seconds:7.0f} tokens/s   {run.cached:.1%} of the prompt tokens known",
                flush=True,
            )
    kept, bare = found
    same = sum(a == b for a, b in zip(kept.answers, bare.answers, strict=True))
    print(f"factor {bare.seconds / kept.seconds:.2f} (CPU {bare.cpu_seconds / kept.cpu_seconds:.2f})")
    print(f"{same} of {told.episodes} episodes have the same answers in float32")


if __name__ == "__main__":
    main()

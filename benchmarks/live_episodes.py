"""Live episodes of light worlds against a server that takes 200 ms: one process, shards, and two peers in one run.

256 episodes of card_game, alfworld and database (tiny) live at once in one process, played as `collect` plays them:
limits, ledger with a synced log, store. The ideal is what the occupied seats would do if only the server's 200 ms took
time, `seats / 0.2 s`, or what the processor can do at the CPU time per turn that was measured, `1 / turn`, whichever is
less; of the time that the machine gave the process (on a shared machine: less what it waited for a processor).

Beside it, of the same run's conversations: a bare `httpx.AsyncClient.post` with one pool, and AgentBench's way, a
thread per episode and `requests.post` in it.

    python benchmarks/live_episodes.py [TASKS_PER_WORLD]             one process and the peers
    python benchmarks/live_episodes.py shards [SHARDS] [TASKS_PER_WORLD]   2,048 live episodes: 8 processes of 256
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import AsyncExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import requests

from agenttuning.core.records import Reply, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, build_environment, read_entries
from agenttuning.pipeline.profile import read_profiles, starved_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from multiprocessing.connection import Connection

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Sampling, Task

LIVE = 256
LATENCY_SECONDS = 0.2
WORLDS = ("card_game", "alfworld", "database")
PEER_CALLS = 600
_CHOICE = re.compile(rb"Actions: ([^,\\\"]+)")
_COUNT = "Thought: count.\nAction: Operation\n```sql\nSELECT COUNT(*) FROM `t`\n```"
_GUESS = 'Thought: it may be spray.\nAction: {"guess_type": "spray", "target_position": "0"}'
_MOVE = 'Thought: attack.\nAction: {"pick_fish": "0", "action": "normal", "target_position": "0"}'


def reply_to(body: bytes) -> str:
    """Answer so that episodes go on: the first choice in a household, a count, a guess and a move."""
    if choices := _CHOICE.findall(body):
        return f"THOUGHT: on.\nACTION: {choices[-1].decode()}"
    if b"Fish battle" in body:
        return _GUESS if body.rfind(b"Guess. Enemy") > body.rfind(b"Move. You") else _MOVE
    return _COUNT


def serve(address: Connection) -> None:
    """Answer after 200 ms, in a process of its own."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
                body = await reader.readexactly(size)
                await asyncio.sleep(LATENCY_SECONDS)
                message = {"role": "assistant", "content": reply_to(body)}
                usage = {"prompt_tokens": size // 4, "completion_tokens": 20, "total_tokens": size // 4 + 20}
                choice = {"index": 0, "message": message, "finish_reason": "stop"}
                answer = json.dumps({"id": "1", "object": "chat.completion", "choices": [choice], "usage": usage})
                told = f"Content-Type: application/json\r\nContent-Length: {len(answer)}"
                writer.write(f"HTTP/1.1 200 OK\r\n{told}\r\n\r\n{answer}".encode())
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    async def listen() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=4096)
        address.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        await server.serve_forever()

    asyncio.run(listen())


@contextmanager
def running_server() -> Iterator[str]:
    """Give the server's address."""
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        yield ours.recv()
    finally:
        server.terminate()


def memory() -> float:
    """Return the most MiB that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def recipe_of(url: str, folder: Path, tasks: int) -> str:
    """Return a recipe for the shards."""
    worlds = "".join(
        f'[construct.environments.{world}]\ntasks = {{ train = {tasks}, test = 0 }}\ndifficulty = "tiny"\n'
        for world in WORLDS
    )
    teacher = f'kind = "openai"\nbase_url = "{url}"\nmodel = "stub"\nmax_connections = {LIVE}'
    sampling = "sampling = { temperature = 0.7, max_new_tokens = 128 }"
    return f'runs = "{folder}"\n{worlds}[collect]\nconcurrency = {LIVE}\n[collect.teacher]\n{teacher}\n{sampling}\n'


def construct_run(folder: Path, tasks: int) -> Run:
    """Write the task list."""
    run = Run(folder, profile=True)
    worlds = {world: {"tasks": {"train": tasks, "test": 0}, "difficulty": "tiny"} for world in WORLDS}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    return run


def one_process(url: str, folder: Path, tasks: int) -> tuple[float, list[Trajectory], Run]:
    """Play as collect does; return ms of CPU per turn and what was played."""
    run = construct_run(folder, tasks)
    teacher = {"kind": "openai", "base_url": url, "model": "stub", "max_connections": LIVE}
    config = CollectConfig.model_validate(
        {"teacher": {**teacher, "sampling": {"temperature": 0.7}}, "concurrency": LIVE}
    )
    before = memory()
    wall, cpu, queue = time.monotonic(), time.process_time(), starved_seconds()
    collect.run(config, run)
    wall, cpu, queue = time.monotonic() - wall, time.process_time() - cpu, starved_seconds() - queue
    played = list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))
    turns = sum(one.turns for one in played)
    profile = read_profiles(run.stage_folder("collect"))["collect"]
    empty = sum(part.share for name, part in profile.parts.items() if name.startswith("empty: "))
    seats, granted = LIVE * (1 - empty), wall - queue
    ideal = min(seats / LATENCY_SECONDS, turns / cpu)
    print(profile.table().markdown())
    print(profile.sentence())
    print(
        f"one process, {LIVE} seats ({seats:.0f} occupied): {len(played):,} episodes, {turns:,} turns in {wall:.1f} s "
        f"({queue:.1f} s of it without a processor): {turns / wall:,.0f} turns/s; {turns / granted:,.0f}/s of the time "
        f"granted = {turns / granted / ideal:.0%} of the ideal {ideal:,.0f}/s; {1e3 * cpu / turns:.2f} ms CPU per "
        f"turn; memory {before:.0f} -> {memory():.0f} MiB"
    )
    return 1e3 * cpu / turns, played, run


def bodies(played: Sequence[Trajectory]) -> list[list[dict[str, str]]]:
    """Return the conversations of the first calls, as they were asked."""
    asked = [one.messages[: step.message] for one in played for step in one.steps]
    stride = max(1, len(asked) // PEER_CALLS)
    return [[{"role": m.role, "content": m.content} for m in messages] for messages in asked[::stride]]


def body_of(messages: list[dict[str, str]]) -> dict[str, object]:
    """Return a request as a plain client writes it."""
    return {"model": "stub", "messages": messages, "max_tokens": 128, "temperature": 0.7}


async def bare_httpx(url: str, asked: list[list[dict[str, str]]], *, connections: int) -> float:
    """Return ms of CPU per call with as many in flight, in pools of so many connections."""
    gate = asyncio.Semaphore(LIVE)
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    trusted = httpx.create_ssl_context()
    async with AsyncExitStack() as stack:
        clients = cycle(
            [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=url, timeout=60, limits=limits, verify=trusted)
                )
                for _ in range(LIVE // connections)
            ]
        )

        async def ask(messages: list[dict[str, str]]) -> str:
            client = next(clients)
            async with gate:
                answer = await client.post("/chat/completions", json=body_of(messages))
                return str(answer.json()["choices"][0]["message"]["content"])

        cpu = time.process_time()
        await asyncio.gather(*map(ask, asked))
    return 1e3 * (time.process_time() - cpu) / len(asked)


class ThreadedPolicy:
    """Asks with `requests`, blocking its thread."""

    name = "threads"
    sampling: Sampling | None = None

    def __init__(self, url: str) -> None:
        self._url = f"{url}/chat/completions"

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Ask, and wait."""
        body = body_of([{"role": message.role, "content": message.content} for message in messages])
        answer = requests.post(self._url, json=body, timeout=60)  # noqa: ASYNC210  that is the peer
        return Reply(content=answer.json()["choices"][0]["message"]["content"])


def threads(url: str, run: Run) -> tuple[float, float]:
    """Play 256 of the same tasks with a thread each; return ms of CPU per turn, and turns per second."""
    entries = list(read_entries(run.output("construct", "tasks.jsonl"), "train"))
    chosen = entries[:: max(1, len(entries) // LIVE)][:LIVE]
    turns: list[int] = []

    def play(environment: Environment[Task]) -> None:
        turns.append(asyncio.run(rollout(environment, lambda *_, **__: ThreadedPolicy(url))).turns)

    playing = [threading.Thread(target=play, args=(build_environment(entry),)) for entry in chosen]
    wall, cpu = time.monotonic(), time.process_time()
    for thread in playing:
        thread.start()
    for thread in playing:
        thread.join()
    return 1e3 * (time.process_time() - cpu) / sum(turns), sum(turns) / (time.monotonic() - wall)


def compare(tasks: int) -> None:
    """Play in one process, then the peers with the same conversations."""
    with tempfile.TemporaryDirectory() as folder, running_server() as url:
        ours, played, run = one_process(url, Path(folder) / "run", tasks)
        asked = bodies(played)
        bare = asyncio.run(bare_httpx(url, asked, connections=LIVE))
        pools = asyncio.run(bare_httpx(url, asked, connections=8))
        threaded, rate = threads(url, run)
    print(f"CPU per turn: ours {ours:.2f} ms, whole episode loop; bare httpx call {bare:.2f} ms in one pool")
    print(f"({ours / bare:.2f}), {pools:.2f} ms in pools of eight connections ({ours / pools:.2f});")
    print(f"a thread per episode with requests {threaded:.2f} ms ({ours / threaded:.2f}), {rate:,.0f} turns/s")


def shards(count: int, tasks: int) -> None:
    """Play in so many processes at once, merge, and print what each took."""
    with tempfile.TemporaryDirectory() as folder, running_server() as url:
        recipe = Path(folder) / "many.toml"
        recipe.write_text(recipe_of(url, Path(folder), tasks))
        command = (sys.executable, "-m", "agenttuning")
        subprocess.run((*command, "construct", recipe), check=True, capture_output=True)
        began = time.monotonic()
        processes = [
            subprocess.Popen(
                (*command, "collect", str(recipe), "--shard", f"{number}/{count}", "--profile", "--json"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for number in range(count)
        ]
        cpu, most = 0.0, 0.0
        for process in processes:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0
            cpu += used.ru_utime + used.ru_stime
            most = max(most, used.ru_maxrss / 1024)
        wall = time.monotonic() - began
        merged = subprocess.run(
            (*command, "merge", str(Path(folder) / "many"), "--json"), check=True, capture_output=True
        )
        counts = json.loads(merged.stdout)[0]["counts"]
        turns = sum(counts[world]["turns"] for world in WORLDS)
        episodes = sum(counts[world]["episodes"] for world in WORLDS)
        seats = [
            min(LIVE, read_profiles(part)["collect"].episodes)
            for part in (Path(folder) / "many" / "2-collect.shards").glob("*-of-*")
            if part.is_dir()
        ]
    print(
        f"{count} shards, {sum(seats):,} episodes live at once: {episodes:,} episodes, {turns:,} turns in {wall:.1f} s "
        f"({turns / wall:,.0f} turns/s, imports included), {1e3 * cpu / turns:.2f} ms CPU per turn, at most "
        f"{most:.0f} MiB per process"
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] == "shards":
        shards(int(words[1]) if len(words) > 1 else 8, int(words[2]) if len(words) > 2 else 800)
    else:
        compare(int(words[0]) if words else 400)

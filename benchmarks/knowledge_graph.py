"""The Knowledge Graph world on both stores: queries, tool calls and episodes per second; and what a thousand leave.

    python benchmarks/knowledge_graph.py [TASKS]      default 200; the leak check plays 1,000 on the embedded store

Both stores get the same generated tasks of standard difficulty and the same SPARQL text, one episode at a time in one
process; the server's own start is told apart. An episode is: load the graph (about 400 triples), play the gold calls,
answer, drop the graph.
"""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import sys
import threading
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollout
from agenttuning.environments.held_in.knowledge_graph import KnowledgeGraph, KnowledgeGraphConfig
from agenttuning.environments.worlds.graph.actions import gold_programs
from agenttuning.environments.worlds.graph.connect import connect
from agenttuning.environments.worlds.graph.queries import answer_query, property_query
from agenttuning.environments.worlds.graph.virtuoso_server import missing_programs, shared_address
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from agenttuning.environments.held_in.knowledge_graph import KnowledgeGraphTask
    from agenttuning.environments.worlds.graph.store import BackendName

EPISODES = 1_000
"""Of the leak check."""


def tasks(backend: BackendName, count: int) -> list[KnowledgeGraphTask]:
    """Return generated tasks for a store."""
    return list(islice(KnowledgeGraph.load("train", KnowledgeGraphConfig(backend=backend)), count))


async def queries(chosen: list[KnowledgeGraphTask]) -> float:
    """Return the queries per second: the properties and the answer of every gold set."""
    spent, asked = 0.0, 0
    for task in chosen:
        store = connect(task.triples, backend=task.backend)
        await store.open()
        texts = [
            text
            for program in gold_programs(task.actions)[:-1]
            for text in (property_query(program, parity="repaired"), answer_query(program, parity="repaired"))
        ]
        texts.append(answer_query(gold_programs(task.actions)[-1], parity="repaired"))
        begun = time.perf_counter()
        for text in texts:
            await store.column(text)
        spent += time.perf_counter() - begun
        asked += len(texts)
        await store.close()
    return asked / spent


async def episodes(chosen: list[KnowledgeGraphTask]) -> tuple[float, float]:
    """Return the tool calls and the episodes per second."""
    begun = time.perf_counter()
    calls = 0
    for task in chosen:
        played = await rollout(KnowledgeGraph(task), oracle_player)
        assert played.score.success, played.failure
        calls += played.turns
    spent = time.perf_counter() - begun
    return calls / spent, len(chosen) / spent


async def leaks() -> None:
    """Print memory, threads and open files while many episodes are played."""
    print("episodes  memory MB  threads  open files")
    for done, task in enumerate(islice(KnowledgeGraph.load("train"), EPISODES + 1)):
        if done % 250 == 0:
            print(f"{done:8}  {held()}")
        await rollout(KnowledgeGraph(task), oracle_player)


def held() -> str:
    """Return resident memory in MB, threads and open files of this process."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = len(list(Path("/proc/self/fd").iterdir()))
    return f"{pages * os.sysconf('SC_PAGE_SIZE') / 2**20:9.1f}  {threading.active_count():7}  {files:10}"


async def measure(backend: BackendName, count: int) -> float:
    """Print the rates of a store; return its queries per second."""
    chosen = tasks(backend, count)
    await queries(chosen[:5])
    asked = await queries(chosen)
    calls, played = await episodes(chosen)
    print(f"{backend:8}  {asked:8.0f} queries/s  {calls:6.0f} tool calls/s  {played:5.1f} episodes/s")
    return asked


def main() -> None:
    """Print the rates of both stores, their ratio, and the leak check."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"{count} standard tasks, Python {platform.python_version()}, {platform.machine()}")
    ours = asyncio.run(measure("embedded", count))
    if reason := missing_programs():
        print(f"virtuoso  not measured: {reason}")
    else:
        begun = time.perf_counter()
        shared_address()
        print(f"virtuoso  ready in {time.perf_counter() - begun:.1f} s")
        theirs = asyncio.run(measure("virtuoso", count))
        print(f"ratio     {ours / theirs:8.1f}")
    asyncio.run(leaks())


if __name__ == "__main__":
    main()

"""Our server against `transformers serve` and bare `generate`: one CPU thread each, one model, one run.

    OMP_NUM_THREADS=1 python benchmarks/serving.py [--clients 1 8 32] [--rounds 5] [--stream]

A Llama of 7.3 million random parameters answers 64 tokens to prompts of about 40, greedily. Clients ask one request
after the other. `generate` is given whole batches, without HTTP. All take turns, round by round, since a shared machine
is not equally quick all the time; rates and their ratios are medians over the rounds, latencies those of all rounds.
The packages of `transformers serve` go into a venv (`--peers`), which is made where it is missing. Tokens per second of
CPU time count the server's threads only, so they say more than those of wall time where other work runs beside.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING

import httpx
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.serving.process import running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from transformers import PreTrainedModel

TOKENS = 64
PINNED = ("torch==2.13.0", "transformers[serving]==5.23.0", "accelerate>=1.10")


@dataclass(frozen=True)
class Server:
    """One that answers `/v1/completions`."""

    url: str
    pid: int
    model: str


@dataclass(frozen=True)
class Measured:
    """One round of one server."""

    tokens: int
    seconds: float
    cpu_seconds: float
    latencies: tuple[float, ...]


def words(count: int, *, seed: int) -> str:
    """Return made-up words; the same seed gives the same."""
    draw = random.Random(seed)
    return " ".join("".join(draw.choices("aeiou" * 3 + "bcdfgklmnprstv", k=draw.randrange(2, 9))) for _ in range(count))


def save_llama(folder: Path) -> Path:
    """Write the model of the comparison: 4 layers of 256, 8,000 tokens, sharp random weights that never end a text."""
    tokenizer = train_tokenizer([words(60, seed=seed) for seed in range(1500)], vocabulary=8000, max_length=2048)
    config = LlamaConfig(
        vocab_size=8000,
        hidden_size=256,
        intermediate_size=688,
        num_hidden_layers=4,
        num_attention_heads=4,
        max_position_embeddings=2048,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)
        model.lm_head.weight[tokenizer.eos_token_id] = 0.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def answer(client: httpx.AsyncClient, server: Server, *, seed: int, stream: bool) -> tuple[int, float]:
    """Ask once; return the tokens of the answer and the seconds that it took."""
    body = {
        "model": server.model, "prompt": words(20, seed=seed), "max_tokens": TOKENS, "temperature": 0, "stream": stream,
    }  # fmt: skip
    began = time.perf_counter()
    response = await client.post(f"{server.url}/v1/completions", json=body)
    response.raise_for_status()
    seconds = time.perf_counter() - began
    return (TOKENS if stream else int(response.json()["usage"]["completion_tokens"])), seconds


async def ask(server: Server, *, clients: int, requests: int, stream: bool) -> Measured:
    """Let clients ask, each one request after the other."""
    left = iter(range(requests))
    limits = httpx.Limits(max_connections=clients)

    async def one(client: httpx.AsyncClient) -> list[tuple[int, float]]:
        return [await answer(client, server, seed=10_000 + index, stream=stream) for index in left]

    async with httpx.AsyncClient(timeout=600, limits=limits) as client:
        began, cpu = time.perf_counter(), cpu_seconds(server.pid)
        found = [pair for pairs in await asyncio.gather(*(one(client) for _ in range(clients))) for pair in pairs]
        seconds, cpu = time.perf_counter() - began, cpu_seconds(server.pid) - cpu
    return Measured(sum(tokens for tokens, _ in found), seconds, cpu, tuple(latency for _, latency in found))


class BareGenerate:
    """transformers' own loop in this process, without HTTP: eager or SDPA attention, whichever is the quicker."""

    def __init__(self, folder: Path) -> None:
        torch.set_num_threads(1)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._models = [
            AutoModelForCausalLM.from_pretrained(folder, attn_implementation=name).eval() for name in ("eager", "sdpa")
        ]

    def measure(self, *, clients: int) -> Measured:
        """Answer in batches of as many prompts as there are clients elsewhere."""
        found = [self._answer(model, clients=clients, requests=max(4, clients)) for model in self._models]
        return min(found, key=lambda measured: measured.cpu_seconds)

    def _answer(self, model: PreTrainedModel, *, clients: int, requests: int) -> Measured:
        latencies: list[float] = []
        began, cpu = time.perf_counter(), time.process_time()
        for start in range(0, requests, clients):
            texts = [words(20, seed=10_000 + index) for index in range(start, min(start + clients, requests))]
            once = time.perf_counter()
            batch = self._tokenizer(texts, return_tensors="pt", padding=True)
            with torch.inference_mode():
                ids = model.generate(**batch, max_new_tokens=TOKENS, do_sample=False)
            assert ids.shape[1] == batch["input_ids"].shape[1] + TOKENS
            self._tokenizer.batch_decode(ids)
            latencies += [time.perf_counter() - once] * len(texts)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        return Measured(TOKENS * requests, seconds, cpu, tuple(latencies))


@contextmanager
def our_server(folder: Path) -> Iterator[Server]:
    """Start `agenttuning serve`."""
    with running_server(folder, ServerSettings()) as running:
        yield Server(running.url, running.pid, str(folder))


@contextmanager
def their_server(folder: Path, peers: Path, *, options: Sequence[str]) -> Iterator[Server]:
    """Start `transformers serve` as its documentation says."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [str(peers / "bin/transformers"), "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    with (folder / f"{port}.log").open("wb") as log:
        child = subprocess.Popen(
            [*command, "--device", "cpu", *options], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    url = f"http://127.0.0.1:{port}"
    try:
        while not _answers(url):
            assert child.poll() is None, (folder / f"{port}.log").read_text()[-2000:]
            time.sleep(0.5)
        yield Server(url, child.pid, str(folder))
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=5).is_success
    except httpx.TransportError:
        return False


def install_peers(folder: Path) -> Path:
    """Make a venv with `transformers serve` where there is none."""
    if not (folder / "bin/transformers").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "--quiet", *PINNED], check=True)
    return folder


def show(name: str, clients: int, found: Sequence[Measured], ours: Sequence[Measured]) -> None:
    """Print one line: rates, latencies, and our rates as multiples of it."""
    latencies = [latency for one in found for latency in one.latencies]
    wall = median(one.tokens / one.seconds for one in found)
    cpu = median(one.tokens / one.cpu_seconds for one in found)
    pairs = list(zip(found, ours, strict=True))
    quicker = median(our.tokens / our.seconds * one.seconds / one.tokens for one, our in pairs)
    cheaper = median(our.tokens / our.cpu_seconds * one.cpu_seconds / one.tokens for one, our in pairs)
    print(
        f"{clients:3}  {name:32} {wall:8.0f} {cpu:8.0f} {1000 * median(latencies):8.0f} "
        f"{1000 * quantiles(latencies, n=20)[-1]:8.0f} {quicker:8.2f} {cheaper:8.2f}",
        flush=True,
    )


def main() -> None:
    """Print one line per number of clients and server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stream", action="store_true", help="as events, token by token")
    parser.add_argument("--peers", type=Path, default=Path.home() / ".cache/agenttuning/transformers-serve")
    told = parser.parse_args()
    peers = install_peers(told.peers)
    print("     tokens per second of wall and of CPU time; milliseconds of one answer; our rates as multiples")
    print(f"{'':37}{'wall':>8} {'CPU':>8} {'p50':>8} {'p95':>8} {'wall':>8} {'CPU':>8}", flush=True)
    batching = ("--continuous-batching", "--attn-implementation", "sdpa")
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as running:
        folder = save_llama(Path(scratch))
        servers = {
            "agenttuning serve": running.enter_context(our_server(folder)),
            "serve, continuous batching": running.enter_context(their_server(folder, peers, options=batching)),
            "transformers serve": running.enter_context(their_server(folder, peers, options=())),
        }
        bare = BareGenerate(folder)
        for clients in told.clients:
            found: dict[str, list[Measured]] = {name: [] for name in (*servers, "bare generate, no HTTP")}
            for number in range(told.rounds + 1):  # the first warms up
                for name, server in servers.items():
                    asked = ask(server, clients=clients, requests=max(4, clients), stream=told.stream)
                    found[name].append(asyncio.run(asked))
                found["bare generate, no HTTP"].append(bare.measure(clients=clients))
                print(f"{clients} clients, round {number}", file=sys.stderr)
            ours = found["agenttuning serve"][1:]
            for name, rounds in found.items():
                show(name, clients, rounds[1:], ours)


if __name__ == "__main__":
    main()

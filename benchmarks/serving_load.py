"""Clients, one in ten of which misbehaves, against our server: wrong answers, memory, file handles, rows left behind.

    OMP_NUM_THREADS=1 python benchmarks/serving_load.py [--clients 100] [--seconds 60] [--model FOLDER]

Every good answer is compared with the one known before: greedy ones with `model.generate`, sampled ones with what the
server gave by the same seed when nobody else was there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import torch

from agenttuning.models.load import ChatModel, fresh_model, load_chat_model
from agenttuning.models.shape import LlamaShape
from agenttuning.models.tokenizer import train_tokenizer
from agenttuning.serving.process import RunningServer, running_server
from agenttuning.serving.settings import ServerSettings

KNOWN = 24
WARM_UP = 0.4
"""Part of the time after which memory has to be flat."""


@dataclass(frozen=True)
class Known:
    """A question with its one right answer."""

    path: str
    body: dict[str, object]
    text: str


@dataclass
class Observed:
    """What happened."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    broken: int = 0
    """Connections of good clients that ended before the answer."""
    misdeeds: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, int]] = field(default_factory=list)
    """When, and resident kB."""
    handles: list[int] = field(default_factory=list)

    def growth(self) -> float:
        """Return the growth of memory after the warm-up: the last quarter's median over the first one's."""
        settled = [size for when, size in self.memory if when >= WARM_UP * self.memory[-1][0]]
        quarter = max(1, len(settled) // 4)
        first, last = sorted(settled[:quarter]), sorted(settled[-quarter:])
        return last[len(last) // 2] / first[len(first) // 2] - 1.0


def known_answers(chat_model: ChatModel, url: str) -> list[Known]:
    """Return questions of every surface with their answers."""
    found = []
    for index in range(KNOWN):
        prompt = f"Where is the lamp? {index} " * (1 + index % 5)
        length = 4 + 3 * (index % 8)
        if index % 3:
            ids = torch.tensor([chat_model.tokenizer(prompt)["input_ids"]])
            mask = torch.ones_like(ids)
            whole = chat_model.model.generate(ids, attention_mask=mask, max_new_tokens=length, do_sample=False)
            text = chat_model.tokenizer.decode(whole[0, ids.shape[1] :], skip_special_tokens=True)
            path = ("/generate", "/generate_stream", "/v1/completions")[index // 3 % 3]
            sampling: dict[str, object] = {"temperature": 0.0} if path.startswith("/v1") else {}
            found.append(Known(path, _body(path, prompt, length, sampling), text))
        else:
            sampling = {"temperature": 1.4, "top_p": 0.9, "seed": index}
            path = "/v1/completions" if index % 2 else "/generate"
            body = _body(path, prompt, length, sampling)
            found.append(Known(path, body, _text(path, httpx.post(url + path, json=body, timeout=120))))
    return found


def _body(path: str, prompt: str, length: int, sampling: dict[str, object]) -> dict[str, object]:
    if path.startswith("/v1"):
        return {"prompt": prompt, "max_tokens": length, **sampling}
    return {"inputs": prompt, "parameters": {"max_new_tokens": length, **sampling}}


def _text(path: str, response: httpx.Response) -> str:
    response.raise_for_status()
    if path == "/generate_stream":
        return str(json.loads(response.text.strip().rpartition("data:")[2])["generated_text"])
    body = response.json()
    return str(body["generated_text"] if path == "/generate" else body["choices"][0]["text"])


async def good(client: httpx.AsyncClient, known: list[Known], seen: Observed, *, seed: int, until: float) -> None:
    """Ask known questions, one after the other."""
    draw = random.Random(seed)
    while time.monotonic() < until:
        asked = draw.choice(known)
        try:
            text = _text(asked.path, await client.post(asked.path, json=asked.body))
        except httpx.TransportError:
            seen.broken += 1
            continue
        if text == asked.text:
            seen.right += 1
        else:
            seen.wrong.append(f"{asked.path} {asked.body!r}: {text!r}, not {asked.text!r}")


async def leaves_in_the_middle(client: httpx.AsyncClient) -> None:
    """Close a stream behind its first event."""
    asked = {"inputs": "Where", "parameters": {"max_new_tokens": 200, "temperature": 1.5, "seed": 1}}
    async with client.stream("POST", "/generate_stream", json=asked) as response:
        async for _ in response.aiter_lines():
            break


async def leaves_before_the_answer(client: httpx.AsyncClient) -> None:
    """Close the connection while the answer is computed."""
    asked = {"inputs": "Where", "parameters": {"max_new_tokens": 200}}
    with suppress(httpx.TimeoutException):
        await client.post("/generate", json=asked, timeout=0.2)


async def sends_invalid_bodies(client: httpx.AsyncClient) -> None:
    """Send what is no request; it has to be refused."""
    for body in (b"{", b"\xff", b'{"inputs": 3}', b'{"inputs": "x", "parameters": {"temperature": -1}}', b"[" * 9999):
        assert (await client.post("/generate", content=body)).status_code == 422


async def sends_too_much(client: httpx.AsyncClient) -> None:
    """Send a prompt over the context and a body over the limit; they have to be refused."""
    assert (await client.post("/generate", json={"inputs": "lamp " * 30_000})).status_code == 422
    with suppress(httpx.ReadError, httpx.WriteError):  # refused and closed before all of it was sent
        assert (await client.post("/v1/completions", json={"prompt": "lamp " * 600_000})).status_code == 413


async def never_reads(client: httpx.AsyncClient) -> None:
    """Ask for a stream, read nothing of it, and break the connection."""
    body = json.dumps({"inputs": "Where", "parameters": {"max_new_tokens": 200}}).encode()
    head = f"POST /generate_stream HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    writer.write(head + body)
    await asyncio.sleep(1.0)
    writer.transport.abort()


async def is_slow(client: httpx.AsyncClient) -> None:
    """Send a request in small pieces and leave before its end."""
    _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    for piece in (b"POST /gen", b"erate HTTP/1.1\r\nho", b"st: x\r\ncontent-le", b"ngth: 50\r\n\r\n{"):
        writer.write(piece)
        await asyncio.sleep(0.3)
    writer.close()


MISDEEDS = (
    leaves_in_the_middle, leaves_before_the_answer, sends_invalid_bodies, sends_too_much, never_reads, is_slow,
)  # fmt: skip


async def bad(client: httpx.AsyncClient, seen: Observed, *, seed: int, until: float) -> None:
    """Misbehave in every way, one after the other."""
    turn = seed
    while time.monotonic() < until:
        act = MISDEEDS[turn % len(MISDEEDS)]
        await act(client)
        seen.misdeeds[act.__name__] += 1
        turn += 1


async def watch(server: RunningServer, seen: Observed, *, until: float) -> None:
    """Read the server's memory and its open files."""
    began = time.monotonic()
    while time.monotonic() < until:
        seen.memory.append((time.monotonic() - began, resident(server.pid)))
        seen.handles.append(handles(server.pid))
        await asyncio.sleep(0.25)


def resident(pid: int) -> int:
    """Return the resident memory of a process in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def handles(pid: int) -> int:
    """Return the number of files and sockets that a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def gauges(client: httpx.AsyncClient) -> dict[str, float]:
    """Return what `/metrics` says."""
    lines = (await client.get("/metrics")).text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


async def load(server: RunningServer, known: list[Known], *, clients: int, seconds: float) -> Observed:
    """Let all clients loose for a while."""
    seen, until = Observed(), time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=server.url, timeout=600, limits=limits) as client:
        works = [good(client, known, seen, seed=seed, until=until) for seed in range(clients - clients // 10)]
        works += [bad(client, seen, seed=seed, until=until) for seed in range(clients // 10)]
        await asyncio.gather(watch(server, seen, until=until), *works)
    return seen


async def left_behind(server: RunningServer, *, seconds: float = 30.0) -> dict[str, float]:
    """Return what is still in progress in the server when all clients are gone; wait for it to be nothing."""
    until = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        while True:
            told = await gauges(client)
            names = ("tgi_batch_current_size", "tgi_queue_size", "agenttuning_requests_in_progress")
            left = {name: told[name] for name in names} | {"agenttuning_tasks": told["agenttuning_tasks"]}
            if not any(left[name] for name in names) or time.monotonic() > until:
                return left
            await asyncio.sleep(0.1)


def save_random_llama(folder: Path) -> Path:
    """Write a two-layer Llama with sharp random weights."""
    texts = ["Where is the lamp? It is on the shelf 12.", "The desk 1 holds a book 2 and a cup 3."]
    tokenizer = train_tokenizer(texts * 3, vocabulary=400, max_length=256)
    shape = LlamaShape(hidden=32, layers=2, heads=2, feed_forward=64, max_length=256)
    model = fresh_model(shape, tokenizer, seed=1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


async def measure(server: RunningServer, known: list[Known], *, clients: int, seconds: float) -> None:
    """Load, and print what was seen."""
    before = await left_behind(server)
    files = handles(server.pid)
    seen = await load(server, known, clients=clients, seconds=seconds)
    after = await left_behind(server)
    print(
        f"{seen.right} right, {len(seen.wrong)} wrong answers, {seen.broken} broken connections; {dict(seen.misdeeds)}"
    )
    print("\n".join(seen.wrong[:5]))
    settled = [size for when, size in seen.memory if when >= WARM_UP * seconds]
    print(
        f"memory {seen.memory[0][1] / 1024:.0f} MB, settled {min(settled) / 1024:.0f} to {max(settled) / 1024:.0f} MB"
    )
    print(f"growth after the warm-up {seen.growth():+.2%}; afterwards {resident(server.pid) / 1024:.0f} MB")
    print(f"files {files} before, {max(seen.handles)} at most, {handles(server.pid)} afterwards")
    print(f"left behind {after}; before {before}")


def main() -> None:
    """Serve, load, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", type=Path, help="a model folder; a random two-layer Llama without")
    told = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = told.model or save_random_llama(Path(scratch))
        with running_server(folder, ServerSettings()) as server:
            known = known_answers(load_chat_model(folder), server.url)
            asyncio.run(measure(server, known, clients=told.clients, seconds=told.seconds))


if __name__ == "__main__":
    main()

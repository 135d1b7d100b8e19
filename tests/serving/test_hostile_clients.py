"""Clients that misbehave on a real socket: the server stays up, and its other clients notice nothing."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from agenttuning.serving.process import RunningServer


def answer(server: RunningServer, number: int) -> str:
    asked = {"inputs": f"Where is book {number}?", "parameters": {"max_new_tokens": 20}}
    response = httpx.post(f"{server.url}/generate", json=asked, timeout=60)
    assert response.status_code == 200
    return str(response.json()["generated_text"])


def in_progress(server: RunningServer) -> int:
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return int(next(line for line in lines if line.startswith("tgi_batch_current_size")).split()[1])


def leave_in_the_middle(server: RunningServer) -> None:
    asked = {"inputs": "Where", "parameters": {"max_new_tokens": 250}}
    with httpx.stream("POST", f"{server.url}/generate_stream", json=asked, timeout=60) as response:
        next(response.iter_lines())


def send_garbage(server: RunningServer) -> None:
    url = httpx.URL(server.url)
    for sent in (b"\x00\xff" * 100 + b"\r\n\r\n", b"POST /generate HTTP/1.1\r\ncontent-length: 99\r\n\r\n{", b"GET"):
        with socket.create_connection((url.host, url.port or 80), timeout=10) as connection:
            connection.sendall(sent)


def send_too_much(server: RunningServer) -> None:
    response = httpx.post(f"{server.url}/v1/completions", content=b"x" * 20_000_000, timeout=60)
    assert (response.status_code, response.json()["error"]["type"]) == (413, "invalid_request_error")


def test_misbehaving_clients_disturb_nobody(server: RunningServer) -> None:
    expected = [answer(server, number) for number in range(12)]
    with ThreadPoolExecutor(16) as pool:
        bad = [pool.submit(act, server) for act in (leave_in_the_middle, send_garbage, send_too_much) for _ in range(3)]
        found = list(pool.map(lambda number: answer(server, number), range(12)))
        for act in bad:
            act.result()
    assert found == expected
    deadline = time.monotonic() + 20
    while in_progress(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert in_progress(server) == 0

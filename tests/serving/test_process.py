"""The server as a child: it says why it died, and it never outlives its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import agenttuning
from agenttuning.errors import StageError
from agenttuning.serving.process import running_server
from agenttuning.serving.server import _bound
from agenttuning.serving.settings import ServerSettings

PARENT = """
import sys, time
from agenttuning.serving.process import running_server
from agenttuning.serving.server import _bound
from agenttuning.serving.settings import ServerSettings
with running_server(sys.argv[1], ServerSettings(drain_seconds=1)) as server:
    print(server.pid, flush=True)
    time.sleep(300)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_a_killed_parent_leaves_no_server(model_folder: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(agenttuning.__file__).parents[1])}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(model_folder)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert parent.stdout is not None
    with parent.stdout:
        server = int(parent.stdout.readline())
    assert alive(server)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 90
    while alive(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(server)


def test_a_killed_server_is_started_again_on_its_port(model_folder: Path) -> None:
    with running_server(model_folder, ServerSettings(drain_seconds=1)) as server:
        os.kill(server.pid, signal.SIGKILL)
        deadline = time.monotonic() + 120
        answered = False
        while not answered and time.monotonic() < deadline:
            time.sleep(0.1)
            try:
                answered = httpx.get(f"{server.url}/health", timeout=60.0).is_success
            except httpx.TransportError:
                continue
        assert answered
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/health")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(StageError, match=r"ended with code 1 before it answered: .*holds no config.json"),
        running_server(tmp_path, ServerSettings()),
    ):
        pytest.fail("it must not start")


def test_no_answer_waits_for_an_acknowledgement() -> None:
    with _bound(ServerSettings()) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_taken_port_is_named(model_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(StageError, match=f"cannot listen on 127.0.0.1:{port}: .*choose another port"),
            running_server(model_folder, ServerSettings(port=port)),
        ):
            pytest.fail("it must not start")

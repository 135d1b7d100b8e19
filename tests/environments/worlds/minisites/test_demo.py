import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from agenttuning.environments.worlds.minisites.__main__ import main

START = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("agenttuning.environments.worlds.minisites", run_name="__main__")
"""
"""A shell gives an ignored SIGINT to what it starts in the background, such as this test; undone."""


def test_a_person_is_told_address_and_log_ins_and_ends_it_with_control_c() -> None:
    command = [sys.executable, "-c", START, "--port", "0", "--difficulty", "tiny"]
    environment = {**os.environ, "PYTHONPATH": "src"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        told = [demo.stdout.readline() for _ in range(3)]
        place = told[0].split()[3]
        landing = httpx.get(place).text
        assert all(f'href="{folder}/"' in landing for folder in ("shop", "admin", "forum", "code", "wiki"))
        user, password = told[1].split(": ")[1].split(" with ")
        fields = {"username": user, "password": password.strip()}
        assert httpx.post(f"{place}shop/login", data=fields).status_code == 303
        demo.send_signal(signal.SIGINT)
        assert demo.wait(10) == 0
        assert demo.stderr.read() == ""


def test_a_port_that_is_taken_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "choose another with --port" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["80000", "-1", "web"])
def test_what_is_no_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([f"--port={port}"])
    assert "--port" in capsys.readouterr().err

"""The other backends: docker and podman through a stand-in for their client, since their engines are seldom there."""

import asyncio
import json
import os
import shutil
import stat
from itertools import pairwise
from pathlib import Path

import pytest

from agenttuning.environments.worlds.sandbox.engine import arguments
from agenttuning.environments.worlds.sandbox.opening import open_sandbox
from agenttuning.environments.worlds.sandbox.protocol import Sandbox, SandboxSettings, ShellOutput
from agenttuning.errors import MissingExtraError, RecipeError, WorldError

CLIENT = """#!/bin/sh
# Writes down how it was called, then runs what a container would run, in namespaces of its own.
for word in "$@"; do printf '%s\\n' "$word"; done > "$0.called"
env > "$0.environment"
while [ $# -gt 0 ]; do
  case "$1" in
    --volume) tools=${2%%:*}; shift ;;
    --entrypoint) shift 2; break ;;
  esac
  shift
done
shift
for word in "$@"; do
  shift
  set -- "$@" "$(printf '%s' "$word" | sed "s#/.supervisor#$tools#")"
done
exec unshare --user --map-root-user --mount --pid --fork --kill-child --mount-proc "$tools/loader" "$@"
"""
"""The docker client's part in the conversation; the engine's (images, networks) is not played."""


def _steps(settings: SandboxSettings, *commands: str) -> tuple[Sandbox, list[ShellOutput], bytes]:
    async def episode() -> tuple[Sandbox, list[ShellOutput], bytes]:
        sandbox = open_sandbox(settings)
        try:
            await sandbox.start()
            outputs = [await sandbox.shell(command, timeout_seconds=20) for command in commands]
            done = await sandbox.execute(["sh", "-c", "cat; exit 0"], stdin=b"given")
            return sandbox, outputs, done.stdout
        finally:
            await sandbox.close()

    return asyncio.run(episode())


@pytest.fixture(params=["docker", "podman"])
def client(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if shutil.which("unshare") is None:
        pytest.skip("no unshare; install util-linux")
    program = tmp_path / request.param
    program.write_text(CLIENT)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("OPENAI_API_KEY", "a secret of ours")
    return program


def test_an_engine_plays_the_same_dialogue(client: Path) -> None:
    settings = SandboxSettings.model_validate({"backend": client.name, "image": "local/os:1"})
    sandbox, outputs, given = _steps(settings, "cd /etc; x=1", "echo $x $PWD; id -un", "kill -9 $$", "echo again")
    assert [output.text for output in outputs] == ["", "1 /etc\nroot\n", "", "again\n"]
    assert given == b"given"
    assert (sandbox.facts.backend, sandbox.facts.user, sandbox.facts.rootfs) == (client.name, "engine", "local/os:1")
    assert sandbox.facts.unsupported == {"apt", "network"}
    assert "a secret of ours" not in Path(f"{client}.environment").read_text()


def test_the_command_line_confines(client: Path) -> None:
    settings = SandboxSettings.model_validate({"backend": client.name, "memory_mib": 512, "processes": 99})
    _steps(settings)
    words = Path(f"{client}.called").read_text().splitlines()
    assert words[:3] == ["run", "--rm", "--interactive"]
    pairs = list(pairwise(words))
    for pair in (
        ("--network", "none"),
        ("--pull", "never"),
        ("--security-opt", "no-new-privileges"),
        ("--cap-drop", "ALL"),
        ("--memory", "512m"),
        ("--pids-limit", "99"),
        ("--cpus", "2.0"),
    ):
        assert pair in pairs
    added = {word for option, word in pairs if option == "--cap-add"}
    assert added == {"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETPCAP", "SETUID"}
    assert not {"--privileged", "--pid", "--ipc", "--device", "host"} & set(words)
    assert next(word for option, word in pairs if option == "--volume").endswith(":/.supervisor:ro")


def test_the_network_is_on_only_when_asked_for() -> None:
    words = arguments(SandboxSettings(backend="docker", network=True), tools="/tools")
    assert words[words.index("--network") + 1] == "bridge"


@pytest.mark.parametrize("backend", ["docker", "podman"])
def test_a_missing_client_is_named(backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtraError, match=f"{backend} not found.*backend=bwrap"):
        asyncio.run(open_sandbox(SandboxSettings.model_validate({"backend": backend})).start())


def test_a_client_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\necho 'no such image' >&2\nexit 125\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(WorldError, match="no such image"):
        asyncio.run(open_sandbox(SandboxSettings(backend="docker")).start())


def test_local_is_refused_unless_allowed() -> None:
    with pytest.raises(RecipeError, match="allow_unsandboxed"):
        open_sandbox(SandboxSettings(backend="local"))


def test_local_works_in_a_folder_that_is_gone_afterwards() -> None:
    settings = SandboxSettings(backend="local", allow_unsandboxed=True)
    sandbox, outputs, given = _steps(
        settings, "pwd; (sleep 4343 &) ; (setsid sleep 4343 &)", "echo $HOME; x=1", "echo $x"
    )
    folder = outputs[1].text.strip()
    assert outputs[0].text.startswith(folder)
    assert outputs[2].text.endswith("1\n")
    assert given == b"given"
    assert not Path(folder).exists()
    assert sandbox.facts.user == "none"
    running = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    assert b"sleep\x004343\x00" not in running


def test_raw_output_keeps_prompt_and_codes_and_drops_the_echo() -> None:
    settings = SandboxSettings(backend="local", allow_unsandboxed=True, output="raw-2023")
    _, outputs, _ = _steps(settings, "echo one; echo two", "cd /; pwd", "exit")
    assert "one\r\ntwo\r\n" in outputs[0].text
    assert "echo one" not in outputs[0].text
    assert outputs[0].text.endswith(("# ", "$ "))
    assert "\x1b]0;" in outputs[0].text
    assert "/\r\n" in outputs[1].text
    assert outputs[2].restarted


def test_facts_are_a_record_for_the_provenance() -> None:
    settings = SandboxSettings(backend="local", allow_unsandboxed=True)
    sandbox, _, _ = _steps(settings)
    assert json.loads(sandbox.facts.model_dump_json())["backend"] == "local"


def test_a_sandbox_that_never_started_closes() -> None:
    for settings in (SandboxSettings(), SandboxSettings(backend="local", allow_unsandboxed=True)):
        asyncio.run(open_sandbox(settings).close())

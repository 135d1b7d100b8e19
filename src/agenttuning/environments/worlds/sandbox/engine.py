"""docker and podman, by their command lines: for runs that are to be compared with the official containers.

The same supervisor is the container's first process, so the shell, its framing and the checkers are the same code; the
container ends when the supervisor's socket closes. Images are never pulled, and there is no network unless asked for.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from agenttuning.environments.worlds.sandbox import runtime, seccomp
from agenttuning.environments.worlds.sandbox.protocol import SandboxFacts
from agenttuning.environments.worlds.sandbox.supervised import CAPABILITIES, OWN_CAPABILITY, Supervised
from agenttuning.errors import MissingExtraError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

_PLACE: Final = "/.supervisor"
_HANDED_ON: Final = (
    "HOME",
    "PATH",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "CONTAINER_HOST",
)
"""Variables by which the client finds its engine; the container gets none of them."""


class EngineSandbox(Supervised):
    """A container for one episode; implements `Sandbox`."""

    async def _start(self) -> None:
        program = self._settings.backend
        if shutil.which(program) is None:
            raise MissingExtraError(f"backend {program!r}: {program} not found; install it, or use backend=bwrap")
        tools = await anyio.to_thread.run_sync(runtime.runtime)
        variables = {name: os.environ[name] for name in _HANDED_ON if name in os.environ}
        self._launch([program, *arguments(self._settings, tools=str(tools))], variables=variables)
        await self._settle(
            {
                "capabilities": b"%d" % sum(1 << number for number in CAPABILITIES.values()),
                "own_capability": b"%d" % (1 << OWN_CAPABILITY[1]),
                "confined": b"1",
                "hide": b"",
                "read_only": b"",
                "filter": seccomp.assemble(count_memory=True),
            },
            limits={"RLIMIT_CORE": 0, "RLIMIT_FSIZE": self._settings.disk_mib << 20},
        )
        self._facts = SandboxFacts(
            backend=program,
            user="engine",
            limits=("engine", "rlimits"),
            seccomp=bool(seccomp.assemble(count_memory=True)),
            overlay="engine",
            rootfs=self._settings.image,
            unsupported=frozenset() if self._settings.network else frozenset({"apt", "network"}),
        )


def arguments(settings: SandboxSettings, *, tools: str) -> list[str]:
    """Return the client's command line.

    Args:
        settings: image and limits.
        tools: folder of the supervisor's runtime on the engine's machine.
    """
    words = [
        "run",
        "--rm",
        "--interactive",
        "--pull",
        "never",
        "--hostname",
        "sandbox",
        "--workdir",
        "/",
        "--user",
        "0:0",
    ]
    words += ["--network", "bridge" if settings.network else "none", "--security-opt", "no-new-privileges"]
    words += ["--memory", f"{settings.memory_mib}m", "--memory-swap", f"{settings.memory_mib}m"]
    words += ["--pids-limit", str(settings.processes), "--cpus", str(settings.processors), "--cap-drop", "ALL"]
    for name in (*CAPABILITIES, OWN_CAPABILITY[0]):
        words += ["--cap-add", name]
    loader, *rest = runtime.command(_PLACE)
    return [*words, "--volume", f"{tools}:{_PLACE}:ro", "--entrypoint", loader, settings.image, *rest]

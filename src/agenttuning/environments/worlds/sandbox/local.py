"""No sandbox: the model's commands run as this very user. For scripted agents in a machine made to be thrown away."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread

from agenttuning.core.belongings import private_folder, release, remove_path
from agenttuning.environments.worlds.sandbox import runtime
from agenttuning.environments.worlds.sandbox.home import Home
from agenttuning.environments.worlds.sandbox.lacks import lacking
from agenttuning.environments.worlds.sandbox.protocol import SandboxFacts
from agenttuning.environments.worlds.sandbox.supervised import Supervised
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings


class LocalSandbox(Supervised):
    """A folder of its own for one episode, and nothing else; implements `Sandbox`."""

    def __init__(self, settings: SandboxSettings) -> None:
        if not settings.allow_unsandboxed:
            raise RecipeError(
                "backend 'local' runs the model's commands as this user, without any sandbox; use backend=bwrap, "
                "or, in a machine made to be thrown away, set allow_unsandboxed=true"
            )
        super().__init__(settings)
        self._own: Path | None = None

    async def _start(self) -> None:
        self._own = private_folder("local")
        self._home = Home(folder=str(self._own), home=str(self._own), user=getpass.getuser())
        tools = await anyio.to_thread.run_sync(runtime.runtime)
        self._launch(runtime.command(str(tools)), variables={})
        await self._settle(
            {
                "capabilities": b"0",
                "own_capability": b"0",
                "confined": b"0",
                "hide": b"",
                "terminals": b"0",
                "read_only": b"",
                "filter": b"",
            },
            limits={"RLIMIT_CORE": 0, "RLIMIT_FSIZE": self._settings.disk_mib << 20},
        )
        self._facts = SandboxFacts(
            backend="local",
            user="none",
            limits=("rlimits",),
            seccomp=False,
            overlay="none",
            rootfs="none",
            unsupported=lacking(Path("/"), users=os.geteuid() == 0, network=True),
        )

    async def close(self) -> None:
        """End everything that was started and remove the folder."""
        await super().close()
        if self._own is not None:
            remove_path(self._own)
            release(self._own)

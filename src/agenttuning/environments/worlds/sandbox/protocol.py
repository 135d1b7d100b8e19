"""What a confined Linux is to the Operating System environment: a persistent shell, programs beside it, and an end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import Field, field_serializer

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

BackendName = Literal["bwrap", "docker", "podman", "local"]
OutputName = Literal["clean", "raw-2023"]


class SandboxSettings(Record):
    """How the sandbox of one episode is made."""

    backend: BackendName = "bwrap"
    """`bwrap` needs no daemon; `docker` and `podman` run `image`; `local` confines nothing."""
    rootfs: Path | None = None
    """Root file system of `bwrap` (see `agenttuning data rootfs`); None: reduced from this machine's own programs."""
    image: str = "debian:bookworm"
    """Image of `docker` and `podman`; it is never pulled."""
    memory_mib: int = Field(default=1024, ge=64)
    """Memory of all processes together where a cgroup can be made, else of each."""
    disk_mib: int = Field(default=256, ge=16)
    """What can be written, `/tmp` and `/dev/shm` included; it lies in memory."""
    processes: int = Field(default=128, ge=16)
    """Processes and threads alive at one time."""
    processors: float = Field(default=2.0, gt=0.0)
    """Processor time of all processes together, where a cgroup can be made."""
    output: OutputName = "clean"
    """`clean`: what was printed. `raw-2023`: echo dropped, prompt and escape codes kept, 5 s of silence end it."""
    network: bool = False
    """Only for `docker` and `podman`; tasks that install packages need it."""
    allow_unsandboxed: bool = False
    """Without it `local`, which runs the model's commands as this very user, is refused."""


@dataclass(frozen=True, slots=True)
class ShellOutput:
    """What a command in the persistent shell gave."""

    text: str
    timed_out: bool = False
    """The deadline passed; `text` is what was printed until then."""
    restarted: bool = False
    """The shell is gone (it exited, was killed or did not come back): the next command meets a fresh one."""
    ended: bool = False
    """The sandbox itself is gone; the episode must end."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a program beside the shell gave."""

    exit_code: int
    """As in a shell: 128 + n after signal n, 127 when there is no such program, 124 after the deadline."""
    stdout: bytes
    stderr: bytes
    timed_out: bool = False


class SandboxFacts(Record):
    """What is active in a started sandbox: for the provenance, and to refuse what it lacks."""

    backend: BackendName
    user: Literal["root", "identity", "subuid", "single", "engine", "none"]
    """`root`: started by root, users mapped to a range of nobody's; `identity`: the same users as outside, as the root
    file system is theirs; `subuid`: this user's own range; `single`: one user only; `engine`: as docker or podman do;
    `none`: the user who started it."""
    limits: tuple[str, ...]
    """Of `cgroup-v1`, `cgroup-v2`, `rlimits`, `tmpfs`, `engine`."""
    seccomp: bool
    overlay: Literal["overlay", "engine", "none"]
    rootfs: str
    """Kind and digest of the root file system, or the image."""
    unsupported: frozenset[str] = frozenset()
    """Capability words that tasks may ask for and this sandbox lacks: `apt`, `chown`, `network`, `sudo`, `useradd`,
    and names of missing programs, such as `git`."""

    @field_serializer("unsupported")
    def _in_order(self, words: frozenset[str]) -> list[str]:
        """Sets have no order; records that are compared need one."""
        return sorted(words)


class Sandbox(Protocol):
    """The Linux of one episode. Hostile commands give outputs, never exceptions.

    Every method that starts something raises `WorldError` when the sandbox cannot be made at all.
    """

    @property
    def facts(self) -> SandboxFacts:
        """What is active; known after `start`."""

    async def start(self) -> None:
        """Make the sandbox.

        Raises:
            MissingExtraError: a program is not installed.
            WorldError: the machine refuses.
        """

    async def shell(self, command: str, *, timeout_seconds: float = 10.0) -> ShellOutput:
        """Run text in the persistent login shell, which is opened at the first use; users, folders, variables stay."""

    async def execute(
        self, arguments: Sequence[str], *, stdin: bytes = b"", timeout_seconds: float = 10.0
    ) -> Completed:
        """Run a program in the same place, outside the shell; 1 MiB of each output is kept."""

    async def seal(self) -> None:
        """Remember the programs and libraries that checkers depend on, as they are now."""

    async def touched(self) -> dict[str, bool] | None:
        """Return some of those that were touched since the last look; None when the sandbox has ended.

        The value says whether the content is what the root file system holds: then it was the mode or the owner.
        """

    async def close(self) -> None:
        """End everything that was started. Safe to call twice, and without `start`."""

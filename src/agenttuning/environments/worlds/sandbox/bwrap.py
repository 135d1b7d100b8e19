"""The default: bubblewrap, no daemon, no root needed.

One chain of programs makes a sandbox, each replacing the one before: `unshare` (user and mount namespaces), a few lines
of shell (a tmpfs of fixed size, the overlay on it), `bwrap` (all other namespaces, the new root, few capabilities)
and the supervisor, whose children are all that agents and checkers run. Nothing ever enters from outside: a process
that came in with `nsenter` would come with capabilities that nobody inside may have.

A user namespace is made for root too: what the sandbox holds are capabilities over its own namespaces alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

from agenttuning.core.belongings import hold
from agenttuning.environments.worlds.sandbox import mapping, runtime, seccomp
from agenttuning.environments.worlds.sandbox.cgroup import Cgroup, make_cgroup
from agenttuning.environments.worlds.sandbox.lacks import lacking
from agenttuning.environments.worlds.sandbox.protocol import SandboxFacts
from agenttuning.environments.worlds.sandbox.reduced import reduced_rootfs
from agenttuning.environments.worlds.sandbox.rootfs import description
from agenttuning.environments.worlds.sandbox.supervised import (
    CAPABILITIES,
    OWN_CAPABILITY,
    START_SECONDS,
    Supervised,
)
from agenttuning.errors import DataError, MissingExtraError, WorldError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

_PROGRAMS: Final = {"bwrap": "bubblewrap", "mount": "mount", "setpriv": "util-linux", "unshare": "util-linux"}
_PLACE: Final = "/.supervisor"
"""Where the supervisor's runtime is mounted until it has started."""
_UNSHARED: Final = """
echo
read -r answer && [ "$answer" = mapped ] || exit 1
exec 4<"$ROOTFS" 5<"$RUNTIME"
exec setpriv --reuid 0 --regid 0 "$GROUPS_WORD" sh -ec "$MOUNTED" sh "$@"
"""
_WORK: Final = "/tmp"  # noqa: S108  in a mount namespace of its own
_MOUNTED: Final = """
mount -t tmpfs -o "size=$SIZE,nr_inodes=$INODES,mode=755" agenttuning "$WORK"
cd "$WORK"
mkdir upper work root shm runtime
chmod 1777 shm
mount -t overlay -o "lowerdir=/proc/self/fd/4,upperdir=$WORK/upper,workdir=$WORK/work,userxattr" overlay root
mount --no-canonicalize --bind /proc/self/fd/5 runtime
echo 0 >/proc/sys/user/max_user_namespaces
exec bwrap "$@"
"""
_DEVICES: Final = ("full", "null", "random", "tty", "urandom", "zero")
_HIDDEN_FOLDERS: Final = ("acpi", "asound", "driver", "fs", "scsi", "tty")
_SUPERVISORS_FOLDERS: Final = ("1/fdinfo", "1/map_files", "1/task/1/fdinfo")
"""Of /proc: nobody inside may read them, and a `find /` that met them would complain and fail."""
_HIDDEN_FILES: Final = (
    *("kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags", "latency_stats"),
    *("mtrr", "sched_debug", "slabinfo", "sysrq-trigger", "timer_list", "timer_stats", "vmallocinfo"),
)
"""Of /proc: the machine's affairs, not the sandbox's."""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INODES_PER_MIB: Final = 64
_TERMINALS: Final = 64
_PROCESSOR_SECONDS: Final = 600
"""Of each process, where no cgroup counts them together."""


class BwrapSandbox(Supervised):
    """A Linux of its own for one episode; implements `Sandbox`."""

    def __init__(self, settings: SandboxSettings) -> None:
        super().__init__(settings)
        self._cgroup: Cgroup | None = None
        self._rootfs: Path | None = None

    async def _start(self) -> None:
        check_programs()
        rootfs = self._rootfs = await anyio.to_thread.run_sync(_rootfs, self._settings)
        tools = await anyio.to_thread.run_sync(runtime.runtime)
        chosen = mapping.choose(rootfs)
        variables = {
            "PATH": _PATH,
            "GROUPS_WORD": "--keep-groups" if chosen.kind == "single" else "--clear-groups",
            "MOUNTED": _MOUNTED,
            "WORK": _WORK,
            "SIZE": f"{self._settings.disk_mib}m",
            "INODES": str(self._settings.disk_mib * _INODES_PER_MIB),
            "ROOTFS": str(rootfs),
            "RUNTIME": str(tools),
        }
        words = ["unshare", "--user", "--mount", "--keep-caps", "sh", "-c", _UNSHARED, "sh", *_arguments()]
        link = self._launch(words, variables=variables)
        assert self._process is not None, "it was launched"
        if not await link.wait_line(seconds=START_SECONDS):
            raise WorldError(f"no user namespace could be made: {self._said()}")
        self._cgroup = make_cgroup(self._settings)
        if self._cgroup is not None:
            self._cgroup.take(self._process.pid)
        elif chosen.kind == "identity":
            raise WorldError(
                "root's own processes are not counted without a cgroup; build with `agenttuning data rootfs`"
            )
        chosen.write(self._process.pid)
        await link.send_line(b"mapped\n")
        await self._settle(self._privileges(), limits=self._limits())
        counted = ("rlimits",) if self._cgroup is None else (self._cgroup.version, "rlimits")
        self._facts = SandboxFacts(
            backend="bwrap",
            user=chosen.kind,
            limits=(*counted, "tmpfs"),
            seccomp=bool(seccomp.assemble(count_memory=True)),
            overlay="overlay",
            rootfs=await anyio.to_thread.run_sync(description, rootfs),
            unsupported=lacking(rootfs, users=chosen.count > 1, network=False),
        )

    def _is_original(self, path: str, content: bytes) -> bool:
        if self._rootfs is None or ".." in Path(path).parts:
            return False
        original = self._rootfs / path.lstrip("/")
        return bool(content) and original.is_file() and not original.is_symlink() and original.read_bytes() == content

    def _limits(self) -> dict[str, int]:
        limits = {
            "RLIMIT_CORE": 0,
            "RLIMIT_FSIZE": self._settings.disk_mib << 20,
            "RLIMIT_NOFILE": 1024,
            "RLIMIT_NPROC": self._settings.processes,
        }
        if self._cgroup is None:
            limits |= {"RLIMIT_AS": self._settings.memory_mib << 20, "RLIMIT_CPU": _PROCESSOR_SECONDS}
        return limits

    def _privileges(self) -> dict[str, bytes]:
        return {
            "capabilities": b"%d" % sum(1 << number for number in CAPABILITIES.values()),
            "own_capability": b"%d" % (1 << OWN_CAPABILITY[1]),
            "confined": b"1",
            "hide": _PLACE.encode(),
            "terminals": b"%d" % _TERMINALS,
            "read_only": " ".join(("/dev", *(f"/dev/{device}" for device in _DEVICES))).encode(),
            "filter": seccomp.assemble(count_memory=self._cgroup is not None),
        }

    async def close(self) -> None:
        """End everything that was started."""
        await super().close()
        group, self._cgroup = self._cgroup, None
        if group is not None:
            with anyio.CancelScope(shield=True):
                await group.remove()


def _rootfs(settings: SandboxSettings) -> Path:
    rootfs = settings.rootfs.absolute() if settings.rootfs else reduced_rootfs()
    if not os.access(rootfs / "bin", os.R_OK):
        raise DataError(f"no root file system at {str(rootfs)!r}; make one with `agenttuning data rootfs`")
    hold("cache", rootfs)
    return rootfs


def _arguments() -> list[str]:
    """Return bubblewrap's command line, the supervisor's included."""
    words = ["--bind", f"{_WORK}/root", "/", "--dev", "/dev", "--proc", "/proc"]
    words += ["--bind", f"{_WORK}/shm", "/dev/shm"]  # noqa: S108  the sandbox's own
    for name in (*_HIDDEN_FOLDERS, *_SUPERVISORS_FOLDERS):
        if Path("/proc", name).is_dir():
            words += ["--perms", "0555", "--size", "4096", "--tmpfs", f"/proc/{name}", "--remount-ro", f"/proc/{name}"]
    for name in _HIDDEN_FILES:
        if Path("/proc", name).exists():
            words += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    words += [
        "--ro-bind",
        f"{_WORK}/runtime",
        _PLACE,
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
    ]
    words += ["--unshare-cgroup", "--hostname", "sandbox", "--clearenv", "--die-with-parent", "--as-pid-1"]
    words += ["--chdir", "/", "--cap-drop", "ALL"]
    for name in (*CAPABILITIES, OWN_CAPABILITY[0], "SYS_ADMIN"):
        words += ["--cap-add", f"CAP_{name}"]
    return [*words, "--", *runtime.command(_PLACE)]


@cache
def namespaces_allowed() -> bool:
    """Does the kernel let this user make namespaces; False, too, where the program for it is missing."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    if shutil.which(command[0]) is None:
        return False
    return not subprocess.run(command, capture_output=True, check=False, timeout=10).returncode


def check_programs() -> None:
    """Look for the programs of the chain, and for the kernel's leave to use them.

    Raises:
        MissingExtraError: one is not installed, or user namespaces are forbidden.
    """
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            raise MissingExtraError(f"backend 'bwrap': {program} not found; install Debian's package {package}")
    if not namespaces_allowed():
        raise MissingExtraError("backend 'bwrap': the kernel refuses user namespaces; `agenttuning doctor` says how")

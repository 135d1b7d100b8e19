"""Beginnings and ends of processes."""

from __future__ import annotations

import errno
import fcntl
import os
import termios
import time

from agenttuning.environments.worlds.sandbox.inside.kernel import read

TYPE_CHECKING = False  # these two imports would cost a third of the start
if TYPE_CHECKING:
    import signal
    from typing import NoReturn

    from agenttuning.environments.worlds.sandbox.inside.privileges import Privileges
else:
    import _signal as signal


class Program:
    """A checker, or anything else beside the shell."""

    def __init__(self, number: int, pid: int, stdin: int, outputs: dict[int, int], data: bytes) -> None:
        self.number = number
        self.pid = pid
        self.stdin = stdin
        self.outputs = outputs
        self.data = data

    def feed(self) -> None:
        """Write what its input takes."""
        try:
            self.data = self.data[os.write(self.stdin, self.data[: 1 << 16]) :]
        except BlockingIOError:
            return
        except OSError:
            self.data = b""
        if not self.data:
            os.close(self.stdin)
            self.stdin = -1


def become(
    arguments: list[bytes], streams: tuple[int, int, int], privileges: Privileges, *, terminal: bool
) -> NoReturn:
    """Turn this child into the program `folder, count, NAME=value * count, words`; never returns."""
    words: list[bytes] = []
    try:
        folder, count, *words = arguments
        variables, words = words[: int(count)], words[int(count) :]
        os.setsid()
        for target, descriptor in enumerate(streams):
            os.dup2(descriptor, target)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.umask(0o022)
        os.chdir(folder)
        privileges.confine_child()
        _run(words, dict(entry.split(b"=", 1) for entry in variables))
    except OSError as error:
        os.write(2, b"%s: %s\n" % (words[0][:200] if words else b"?", os.strerror(error.errno or 0).encode()))
        os._exit(127 if error.errno == errno.ENOENT else 126)
    finally:
        os._exit(126)


def _run(words: list[bytes], variables: dict[bytes, bytes]) -> NoReturn:
    """Become the program, found on its own PATH; `os.execvpe` imports modules that are gone by now."""
    folders = [b""] if b"/" in words[0] else variables.get(b"PATH", b"").split(b":")
    refused = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        try:
            os.execve(folder + b"/" * bool(folder) + words[0], words, variables)  # noqa: S606  as asked
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                refused = error
    raise refused


def kill_descendants() -> None:
    """Kill what has this process for an ancestor, where it has no namespace of its own."""
    while found := _descendants():
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.005)


def _descendants() -> list[int]:
    """Return living processes under this one; orphans among them have come back to it."""
    parents: dict[int, int] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            state, parent = read(f"/proc/{entry}/stat").rpartition(b") ")[2].split()[:2]
        except OSError:
            continue
        if state != b"Z":
            parents[int(entry)] = int(parent)
    found, more = set(), {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in more and pid not in found}:
        found |= more
    return list(found)


def exit_code(status: int) -> int:
    """Return what a shell would call this end."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def kill_group(leader: int) -> None:
    """Kill a process group, if it is there."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return

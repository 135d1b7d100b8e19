"""The first process inside: parent of the shell and of every checker, and the only one that talks to the outside.

It runs under a private copy of Python (see `runtime`), not under the image's, which may hold none or one that the agent
has replaced. It imports what it needs, unmounts that copy, so that the image is all there is to see, gives up every
privilege that it does not need, loads the system call filter, and only then says that it is ready. As process 1 of its
namespace no signal from inside reaches it; it is not dumpable and holds one capability more than its children, so none
of them can trace it or look into its /proc folder; its descriptors are not inherited. When its socket closes, for
whatever reason, it ends, and the kernel ends everything inside with it.

Only modules of the standard library, and few: its start is the start of the sandbox. Frames: kind (1 byte), number of
the program (4), length (4), payload.
"""

from __future__ import annotations

import _signal as signal
import ctypes
import errno
import fcntl
import os
import resource
import select
import sys
import termios
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

CONFIGURE, OPEN_SHELL, WRITE, ASK_FOREGROUND, KILL_FOREGROUND, KILL_ALL, EXECUTE, KILL = range(1, 9)
READY, SHELL_OUTPUT, SHELL_ENDED, FOREGROUND, STDOUT, STDERR, ENDED = range(65, 72)
HEADER = 9
_CHUNK = 65536
_PIECES = 16
"""A terminal gives 4 KiB at a time."""
_QUEUE = 1 << 18
"""Bytes waiting for the outside beyond which no output is read."""


def pack(kind: int, number: int = 0, payload: bytes = b"") -> bytes:
    """Return one frame."""
    return bytes((kind,)) + number.to_bytes(4, "big") + len(payload).to_bytes(4, "big") + payload


def pack_list(parts: list[bytes]) -> bytes:
    """Return parts as one payload: each behind its length."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def unpack_list(payload: bytes) -> list[bytes]:
    """Invert `pack_list`."""
    parts, at = [], 0
    while at < len(payload):
        end = at + 4 + int.from_bytes(payload[at : at + 4], "big")
        parts.append(payload[at + 4 : end])
        at = end
    return parts


def split_frames(buffer: bytearray) -> list[tuple[int, int, bytes]]:
    """Take all whole frames from the front of the buffer."""
    frames, at = [], 0
    while len(buffer) - at >= HEADER:
        end = at + HEADER + int.from_bytes(buffer[at + 5 : at + 9], "big")
        if len(buffer) < end:
            break
        frames.append((buffer[at], int.from_bytes(buffer[at + 1 : at + 5], "big"), bytes(buffer[at + HEADER : end])))
        at = end
    del buffer[:at]
    return frames


class Kernel:
    """The few system calls that Python 3.11 does not offer."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)

    def prctl(self, option: int, *values: int | ctypes.Structure) -> None:
        """Change something of this process."""
        passed = [ctypes.byref(v) if isinstance(v, ctypes.Structure) else ctypes.c_ulong(v) for v in values]
        passed += [ctypes.c_ulong(0)] * (4 - len(passed))
        self._check(self._library.prctl(option, *passed), "prctl")

    def detach(self, folder: str) -> None:
        """Unmount a folder that is in use: it stays for its users, and nobody finds it any more."""
        self._check(self._library.umount2(folder.encode(), 2), folder)

    def make_read_only(self, mounted: str) -> None:
        """Forbid changes to a mounted file; a device keeps its reads and writes, but not its owner's `chmod`."""
        held = os.statvfs(mounted).f_flag
        flags = held & 0xC0F | (1 << 21 if held & 4096 else 0)  # the kernel's numbers, but for `relatime`
        self._check(
            self._library.mount(None, mounted.encode(), None, ctypes.c_ulong(flags | 1 | 32 | 4096), None), mounted
        )

    def keep_capabilities(self, mask: int, *, bounding: int) -> None:
        """Drop all others from the sets of this process, and all but `bounding` from what its children can have."""
        for capability in range(int(_read("/proc/sys/kernel/cap_last_cap")) + 1):
            if not bounding >> capability & 1:
                self.prctl(24, capability)
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        low, high = mask & 0xFFFFFFFF, mask >> 32
        data = (ctypes.c_uint32 * 6)(low, low, 0, high, high, 0)
        self._check(self._library.capset(header, data), "capset")

    def load_filter(self, program: bytes) -> None:
        """Load a seccomp filter; it holds for all children too."""
        text = ctypes.create_string_buffer(program, len(program))

        class Program(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

        self.prctl(22, 2, Program(len(program) // 8, ctypes.addressof(text)))

    def _check(self, result: int, what: str) -> None:
        if result:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), what)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, _CHUNK)
    finally:
        os.close(descriptor)


class Privileges:
    """What children may have; set once, before anything of the agent runs."""

    def __init__(self, settings: dict[bytes, bytes]) -> None:
        self.kernel = Kernel()
        self.capabilities = int(settings[b"capabilities"])
        self.confined = settings[b"confined"] == b"1"
        limits = [entry.split(b"=") for entry in settings[b"limits"].split()]
        self.limits = [(getattr(resource, name.decode()), int(value)) for name, value in limits]

    def settle(self, settings: dict[bytes, bytes]) -> None:
        """Give up everything that only the start needed."""
        for mounted in settings[b"read_only"].decode().split():
            self.kernel.make_read_only(mounted)
        if folder := settings[b"hide"].decode():
            self.kernel.detach(folder)
            os.rmdir(folder)
        self.kernel.prctl(4, 0)
        if self.confined:
            mask = self.capabilities | int(settings[b"own_capability"])
            self.kernel.keep_capabilities(mask, bounding=mask)
        self.kernel.prctl(38, 1)
        if settings[b"filter"]:
            self.kernel.load_filter(settings[b"filter"])

    def confine_child(self) -> None:
        """Between fork and exec: less than the parent has."""
        if self.confined:
            self.kernel.keep_capabilities(self.capabilities, bounding=self.capabilities)
        for limit, value in self.limits:
            hard = resource.getrlimit(limit)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (value, value))


class Program:
    """A checker, or anything else beside the shell."""

    def __init__(self, number: int, pid: int, stdin: int, outputs: dict[int, int], data: bytes) -> None:
        self.number = number
        self.pid = pid
        self.stdin = stdin
        self.outputs = outputs
        self.data = data


class Supervisor:
    """One loop over the socket, the terminal, the pipes of programs, and the ends of children."""

    def __init__(self, source: int, sink: int, privileges: Privileges) -> None:
        self.source = source
        self.sink = sink
        self.privileges = privileges
        self.incoming = bytearray()
        self.outgoing = bytearray()
        self.terminal = -1
        self.typed = b""
        self.shell = 0
        self.shell_number = 0
        self.programs: dict[int, Program] = {}
        self.wake, wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        """Serve until the other side is gone."""
        self.send(READY)
        while True:
            for descriptor, event in self._poll():
                if descriptor == self.sink and event & select.POLLOUT:
                    self._flush()
                if descriptor == self.source and event & ~select.POLLOUT:
                    if not self._receive():
                        return
                elif descriptor == self.wake:
                    self._reap()
                elif descriptor == self.terminal:
                    self._serve_terminal(event)
                else:
                    self._serve_pipe(descriptor)

    def _poll(self) -> list[tuple[int, int]]:
        poll = select.poll()
        poll.register(self.source, select.POLLIN)
        poll.register(self.wake, select.POLLIN)
        if self.outgoing:
            poll.register(self.sink, select.POLLOUT | (select.POLLIN if self.sink == self.source else 0))
        room = len(self.outgoing) < _QUEUE
        if self.terminal >= 0 and (room or self.typed):
            poll.register(self.terminal, (select.POLLIN if room else 0) | (select.POLLOUT if self.typed else 0))
        for program in self.programs.values():
            if program.stdin >= 0:
                poll.register(program.stdin, select.POLLOUT)
            for descriptor in program.outputs if room else ():
                poll.register(descriptor, select.POLLIN)
        return poll.poll()

    def send(self, kind: int, number: int = 0, payload: bytes = b"") -> None:
        """Queue one frame."""
        self.outgoing += pack(kind, number, payload)
        self._flush()

    def _flush(self) -> None:
        try:
            del self.outgoing[: os.write(self.sink, self.outgoing)]
        except BlockingIOError:
            pass

    def _receive(self) -> bool:
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self.incoming += data
        for kind, number, payload in split_frames(self.incoming):
            self._obey(kind, number, payload)
        return bool(data)

    def _obey(self, kind: int, number: int, payload: bytes) -> None:
        if kind == OPEN_SHELL:
            self._open_shell(number, payload)
        elif kind == WRITE:
            self.typed += payload
        elif kind == ASK_FOREGROUND:
            self.send(FOREGROUND, *self._foreground_words())
        elif kind == KILL_FOREGROUND and (group := self._foreground()):
            _kill_group(group)
        elif kind == KILL_ALL:
            self._kill_all()
        elif kind == EXECUTE:
            self._execute(number, payload)
        elif kind == KILL and number in self.programs:
            _kill_group(self.programs[number].pid)

    def _open_shell(self, number: int, payload: bytes) -> None:
        """Open a terminal and a shell on it; there is none at this time."""
        self.shell_number = number
        self.terminal, side = os.openpty()
        os.set_blocking(self.terminal, False)
        mode, *arguments = unpack_list(payload)
        if mode == b"clean":
            attributes = termios.tcgetattr(side)
            attributes[1] &= ~termios.ONLCR
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(side, termios.TCSANOW, attributes)
        fcntl.ioctl(side, termios.TIOCSWINSZ, b"".join(n.to_bytes(2, sys.byteorder) for n in (24, 80, 0, 0)))
        self.typed = b""
        self.shell = self._fork()
        if self.shell == 0:
            self._become(arguments, (side, side, side), terminal=True)
        os.close(side)
        if self.shell < 0:
            self._shell_ended()

    def _execute(self, number: int, payload: bytes) -> None:
        data, *arguments = unpack_list(payload)
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        pid = self._fork()
        if pid == 0:
            self._become(arguments, (pipes[0][0], pipes[1][1], pipes[2][1]), terminal=False)
        for descriptor in (pipes[0][0], pipes[1][1], pipes[2][1]):
            os.close(descriptor)
        for descriptor in (pipes[0][1], pipes[1][0], pipes[2][0]):
            os.set_blocking(descriptor, False)
        outputs = {pipes[1][0]: STDOUT, pipes[2][0]: STDERR}
        self.programs[number] = Program(number, pid, pipes[0][1], outputs, data)
        if pid < 0:
            self._program_ended(self.programs[number], 126)

    def _fork(self) -> int:
        """Fork; -1 when all processes that may be are there and stay."""
        for _ in range(50):
            try:
                return os.fork()
            except BlockingIOError:
                self._reap()
                time.sleep(0.02)
        return -1

    def _become(self, arguments: list[bytes], streams: tuple[int, int, int], *, terminal: bool) -> NoReturn:
        """Turn this child into the program `folder, count, NAME=value * count, words`; never returns."""
        folder, count, *words = arguments
        variables, words = words[: int(count)], words[int(count) :]
        try:
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
            self.privileges.confine_child()
            _run(words, dict(entry.split(b"=", 1) for entry in variables))
        except OSError as error:
            os.write(2, b"%s: %s\n" % (words[0][:200], os.strerror(error.errno or 0).encode()))
            os._exit(127 if error.errno == errno.ENOENT else 126)
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(126)

    def _serve_terminal(self, event: int) -> None:
        if event & select.POLLOUT and self.typed:
            try:
                self.typed = self.typed[os.write(self.terminal, self.typed[:_CHUNK]) :]
            except BlockingIOError:
                pass
            except OSError:
                self.typed = b""
        if event & ~select.POLLOUT:
            pieces: list[bytes] = []
            data: bytes | None = None
            while len(pieces) < _PIECES and (data := _read_some(self.terminal)):
                pieces.append(data)
            if pieces:
                self.send(SHELL_OUTPUT, self.shell_number, b"".join(pieces))
            elif data is not None and self.shell:  # it has closed its terminal: nobody can talk to it any more
                os.kill(self.shell, signal.SIGKILL)

    def _close_terminal(self) -> None:
        os.close(self.terminal)
        self.terminal = -1
        self.send(SHELL_ENDED, self.shell_number)

    def _serve_pipe(self, descriptor: int) -> None:
        for program in self.programs.values():
            if descriptor == program.stdin:
                self._feed(program)
                return
            if descriptor in program.outputs:
                data = _read_some(descriptor)
                if data:
                    self.send(program.outputs[descriptor], program.number, data)
                elif data is not None:
                    os.close(descriptor)
                    del program.outputs[descriptor]
                return

    @staticmethod
    def _feed(program: Program) -> None:
        try:
            program.data = program.data[os.write(program.stdin, program.data[:_CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            program.data = b""
        if not program.data:
            os.close(program.stdin)
            program.stdin = -1

    def _reap(self) -> None:
        _read_some(self.wake)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self.shell:
                self._shell_ended()
            for program in [program for program in self.programs.values() if program.pid == pid]:
                self._program_ended(program, _exit_code(status))

    def _shell_ended(self) -> None:
        """Read what is left; descendants that hold the terminal do not keep it open for us."""
        self.shell = 0
        while data := _read_some(self.terminal):
            self.send(SHELL_OUTPUT, self.shell_number, data)
            if len(self.outgoing) > 16 * _QUEUE:
                break
        self._close_terminal()

    def _program_ended(self, program: Program, code: int) -> None:
        for descriptor, kind in program.outputs.items():
            for _ in range(64):
                if data := _read_some(descriptor):
                    self.send(kind, program.number, data)
                else:
                    break
            os.close(descriptor)
        if program.stdin >= 0:
            os.close(program.stdin)
        del self.programs[program.number]
        self.send(ENDED, program.number, code.to_bytes(2, "big"))

    def _foreground(self) -> int:
        """Return the process group that has the terminal, 0 when it is the login shell's or nobody's."""
        try:
            group = os.tcgetpgrp(self.terminal) if self.terminal >= 0 else 0
        except OSError:
            return 0
        return 0 if group == self.shell else group

    def _foreground_words(self) -> tuple[int, bytes]:
        group = self._foreground()
        try:
            return group, _read(f"/proc/{group}/cmdline") if group else b""
        except OSError:
            return 0, b""

    def _kill_all(self) -> None:
        """Kill everything inside at once: nothing can fork its way out of this signal."""
        if os.getpid() == 1:
            os.kill(-1, signal.SIGKILL)
        elif self.shell:
            _kill_group(self.shell)


def _run(words: list[bytes], variables: dict[bytes, bytes]) -> NoReturn:
    """Become the program, found on its own PATH; `os.execvpe` imports modules that are gone by now."""
    folders = [b""] if b"/" in words[0] else variables.get(b"PATH", b"").split(b":")
    refused = OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    for folder in folders:
        try:
            os.execve(os.path.join(folder, words[0]), words, variables)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                refused = error
    raise refused


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _read_some(descriptor: int) -> bytes | None:
    """Return what is there, an empty string at the end, None when nothing is there yet."""
    try:
        return os.read(descriptor, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def main() -> None:
    """Wait for the settings, settle, serve; standard input and output are the way to the outside."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler is one that a signal from inside would reach
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # folders of the host, left by the start
    source, sink = (fcntl.fcntl(standard, fcntl.F_DUPFD_CLOEXEC, 3) for standard in (0, 1))
    buffer = bytearray()
    frames: list[tuple[int, int, bytes]] = []
    while not frames:
        data = os.read(source, _CHUNK)
        if not data:
            return
        buffer += data
        frames = split_frames(buffer)
    parts = unpack_list(frames[0][2])
    settings = dict(zip(parts[::2], parts[1::2], strict=True))
    privileges = Privileges(settings)
    privileges.settle(settings)
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.close(nothing)
    for descriptor in (source, sink):
        os.set_blocking(descriptor, False)
    Supervisor(source, sink, privileges).run()


if __name__ == "__main__":
    main()
    os._exit(0)

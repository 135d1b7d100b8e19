"""The first process inside: parent of the shell and of every checker, and the only one that talks to the outside.

It runs under a private copy of Python (see `runtime`), not under the image's, which may hold none or one that the agent
has replaced. It imports what it needs, unmounts that copy, so that the image is all there is to see, gives up every
privilege that it does not need, loads the system call filter, and only then says that it is ready. As process 1 of its
namespace no signal from inside reaches it; it is not dumpable and holds one capability more than its children, so none
of them can trace it or look into its /proc folder; its descriptors are not inherited. When its socket closes, for
whatever reason, it ends, and the kernel ends everything inside with it.

Only modules of the standard library, and few: its start is the start of the sandbox.
"""

from __future__ import annotations

import fcntl
import os
import resource
import select
import sys
import termios
import time

from agenttuning.environments.worlds.sandbox.inside import frames
from agenttuning.environments.worlds.sandbox.inside.kernel import read, read_some
from agenttuning.environments.worlds.sandbox.inside.privileges import Privileges
from agenttuning.environments.worlds.sandbox.inside.processes import (
    Program,
    become,
    exit_code,
    kill_descendants,
    kill_group,
)
from agenttuning.environments.worlds.sandbox.inside.seal import Print, differences, show, take_prints

TYPE_CHECKING = False  # importing `signal` would cost a third of the start
if TYPE_CHECKING:
    import signal
else:
    import _signal as signal

_CHUNK = 65536
_PIECES = 16
"""A terminal gives 4 KiB at a time."""
_QUEUE = 1 << 18
"""Bytes waiting for the outside beyond which no output is read."""


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
        self.prints: dict[str, Print] = {}
        self.wake, wake_end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        """Serve until the other side is gone."""
        self.send(frames.READY)
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
        self.outgoing += frames.pack(kind, number, payload)
        self._flush()

    def _flush(self) -> None:
        try:
            written = os.write(self.sink, self.outgoing)
        except BlockingIOError:
            return
        del self.outgoing[:written]

    def _receive(self) -> bool:
        try:
            data = os.read(self.source, _CHUNK)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self.incoming += data
        for kind, number, payload in frames.split_frames(self.incoming):
            self._obey(kind, number, payload)
        return bool(data)

    def _obey(self, kind: int, number: int, payload: bytes) -> None:
        if kind == frames.OPEN_SHELL:
            self._open_shell(number, payload)
        elif kind == frames.WRITE:
            self.typed += payload
        elif kind == frames.ASK_FOREGROUND:
            self.send(frames.FOREGROUND, *self._foreground_words())
        elif kind == frames.KILL_FOREGROUND and (group := self._foreground()):
            kill_group(group)
        elif kind == frames.KILL_ALL:
            self._kill_all()
        elif kind == frames.EXECUTE:
            self._execute(number, payload)
        elif kind == frames.KILL and number in self.programs:
            kill_group(self.programs[number].pid)
        elif kind == frames.SEAL:
            self.prints = take_prints()
        elif kind == frames.ASK_SEAL:
            before, self.prints = self.prints, take_prints()
            self.send(frames.BROKEN, 0, frames.pack_list(show(differences(before, self.prints))))

    def _open_shell(self, number: int, payload: bytes) -> None:
        """Open a terminal and a shell on it; there is none at this time."""
        self.shell_number = number
        self.terminal, side = os.openpty()
        os.set_blocking(self.terminal, False)
        mode, *arguments = frames.unpack_list(payload)
        if mode == b"clean":
            attributes = termios.tcgetattr(side)
            attributes[1] &= ~termios.ONLCR
            attributes[3] &= ~termios.ECHO
            termios.tcsetattr(side, termios.TCSANOW, attributes)
        fcntl.ioctl(side, termios.TIOCSWINSZ, b"".join(n.to_bytes(2, sys.byteorder) for n in (24, 80, 0, 0)))
        self.typed = b""
        self.shell = self._fork()
        if self.shell == 0:
            become(arguments, (side, side, side), self.privileges, terminal=True)
        os.close(side)
        if self.shell < 0:
            self._shell_ended()

    def _execute(self, number: int, payload: bytes) -> None:
        data, *arguments = frames.unpack_list(payload)
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3)]
        pid = self._fork()
        if pid == 0:
            become(arguments, (pipes[0][0], pipes[1][1], pipes[2][1]), self.privileges, terminal=False)
        for descriptor in (pipes[0][0], pipes[1][1], pipes[2][1]):
            os.close(descriptor)
        for descriptor in (pipes[0][1], pipes[1][0], pipes[2][0]):
            os.set_blocking(descriptor, False)
        outputs = {pipes[1][0]: frames.STDOUT, pipes[2][0]: frames.STDERR}
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
            while len(pieces) < _PIECES and (data := read_some(self.terminal)):
                pieces.append(data)
            if pieces:
                self.send(frames.SHELL_OUTPUT, self.shell_number, b"".join(pieces))
            elif data is not None and self.shell:  # it has closed its terminal: nobody can talk to it any more
                os.kill(self.shell, signal.SIGKILL)

    def _close_terminal(self) -> None:
        os.close(self.terminal)
        self.terminal = -1
        self.send(frames.SHELL_ENDED, self.shell_number)

    def _serve_pipe(self, descriptor: int) -> None:
        for program in self.programs.values():
            if descriptor == program.stdin:
                program.feed()
                return
            if descriptor in program.outputs:
                data = read_some(descriptor)
                if data:
                    self.send(program.outputs[descriptor], program.number, data)
                elif data is not None:
                    os.close(descriptor)
                    del program.outputs[descriptor]
                return

    def _reap(self) -> None:
        read_some(self.wake)
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
                self._program_ended(program, exit_code(status))

    def _shell_ended(self) -> None:
        """Read what is left; descendants that hold the terminal do not keep it open for us."""
        self.shell = 0
        while data := read_some(self.terminal):
            self.send(frames.SHELL_OUTPUT, self.shell_number, data)
            if len(self.outgoing) > 16 * _QUEUE:
                break
        self._close_terminal()

    def _program_ended(self, program: Program, code: int) -> None:
        for descriptor, kind in program.outputs.items():
            for _ in range(64):
                if data := read_some(descriptor):
                    self.send(kind, program.number, data)
                else:
                    break
            os.close(descriptor)
        if program.stdin >= 0:
            os.close(program.stdin)
        del self.programs[program.number]
        self.send(frames.ENDED, program.number, code.to_bytes(2, "big"))

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
            return group, read(f"/proc/{group}/cmdline") if group else b""
        except OSError:
            return 0, b""

    def _kill_all(self) -> None:
        """Kill everything inside at once: nothing can fork its way out of this signal."""
        try:
            if os.getpid() == 1:
                os.kill(-1, signal.SIGKILL)
            else:
                kill_descendants()
        except ProcessLookupError:
            return


def main() -> None:
    """Wait for the settings, settle, serve; standard input and output are the way to the outside."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Python's own handler is one that a signal from inside would reach
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])  # folders of the host, left by the start
    source, sink = (fcntl.fcntl(standard, fcntl.F_DUPFD_CLOEXEC, 3) for standard in (0, 1))
    buffer = bytearray()
    received: list[tuple[int, int, bytes]] = []
    while not received:
        data = os.read(source, _CHUNK)
        if not data:
            return
        buffer += data
        received = frames.split_frames(buffer)
    parts = frames.unpack_list(received[0][2])
    settings = dict(zip(parts[::2], parts[1::2], strict=True))
    privileges = Privileges(settings)
    privileges.settle(settings)
    nothing = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1):
        os.dup2(nothing, standard)
    os.close(nothing)
    for descriptor in (source, sink):
        os.set_blocking(descriptor, False)
    try:
        Supervisor(source, sink, privileges).run()
    finally:
        if os.getpid() != 1:
            kill_descendants()


if __name__ == "__main__":
    main()
    os._exit(0)

"""The few system calls that Python 3.11 does not offer."""

from __future__ import annotations

import ctypes
import os


class Kernel:
    """What the start of a sandbox asks of it."""

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
        for capability in range(int(read("/proc/sys/kernel/cap_last_cap")) + 1):
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


def read(path: str) -> bytes:
    """Return the first 64 KiB of a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, 1 << 16)
    finally:
        os.close(descriptor)


def read_some(descriptor: int) -> bytes | None:
    """Return what is there, an empty string at the end, None when nothing is there yet."""
    try:
        return os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return None
    except OSError:
        return b""

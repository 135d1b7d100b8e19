"""The second wall: a filter over system calls, assembled here as classic BPF.

It denies what no task needs and what has been the way out of other sandboxes: mounting, new namespaces, tracing, keys,
kernel modules, performance counters, io_uring, userfaultfd, handles of files, foreign limits, odd socket families and
input pushed into terminals. It is a list of denials and not of permissions: tasks run any program of the image. What it
denies is mostly denied by capabilities or namespaces too; what it takes away is the kernel's surface for attacks.
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass
from typing import Final

_LOAD: Final = 0x20
_JUMP_EQUAL: Final = 0x15
_JUMP_AT_LEAST: Final = 0x35
_JUMP_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_NUMBER: Final = 0
_MACHINE: Final = 4
_ARGUMENTS: Final = 16
"""Offsets in `struct seccomp_data`; every argument is 8 bytes, low half first on the machines below."""
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_DENIED: Final = _ERRNO | errno.EPERM
_ABSENT: Final = _ERRNO | errno.ENOSYS
_NAMESPACES: Final = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET."""
_FAMILIES: Final = (0, 1, 2, 10, 16)
"""Unspecified, local, IPv4, IPv6, netlink."""
_TERMINAL_REQUESTS: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX type into a terminal."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The numbers of one architecture."""

    audit: int
    denied: dict[str, int]
    clone: int
    socket: int
    ioctl: int
    prlimit: int
    shared_memory: tuple[int, ...]
    """memfd_create, memfd_secret, shmget: memory that only a cgroup counts."""
    foreign: int | None
    """First number of a second table of calls (x32), closed as a whole."""


_COMMON: Final = {
    "clone3": 435,  # its flags are behind a pointer; absent, the C library falls back to clone
    "fsconfig": 431,
    "fsmount": 432,
    "fsopen": 430,
    "fspick": 433,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "io_uring_setup": 425,
    "mount_setattr": 442,
    "move_mount": 429,
    "open_tree": 428,
    "open_tree_attr": 467,
    "pidfd_getfd": 438,
    "process_madvise": 440,
}
_X86_64: Final = {
    "_sysctl": 156,
    "acct": 163,
    "add_key": 248,
    "bpf": 321,
    "clock_adjtime": 305,
    "clock_settime": 227,
    "create_module": 174,
    "delete_module": 176,
    "finit_module": 313,
    "get_kernel_syms": 177,
    "init_module": 175,
    "ioperm": 173,
    "iopl": 172,
    "kcmp": 312,
    "kexec_file_load": 320,
    "kexec_load": 246,
    "keyctl": 250,
    "lookup_dcookie": 212,
    "mount": 165,
    "move_pages": 279,
    "name_to_handle_at": 303,
    "nfsservctl": 180,
    "open_by_handle_at": 304,
    "perf_event_open": 298,
    "pivot_root": 155,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "ptrace": 101,
    "query_module": 178,
    "quotactl": 179,
    "reboot": 169,
    "request_key": 249,
    "setdomainname": 171,
    "sethostname": 170,
    "setns": 308,
    "settimeofday": 164,
    "swapoff": 168,
    "swapon": 167,
    "syslog": 103,
    "umount2": 166,
    "unshare": 272,
    "uselib": 134,
    "userfaultfd": 323,
    "ustat": 136,
    "vhangup": 153,
}
_AARCH64: Final = {
    "acct": 89,
    "add_key": 217,
    "bpf": 280,
    "clock_adjtime": 266,
    "clock_settime": 112,
    "delete_module": 106,
    "finit_module": 273,
    "init_module": 105,
    "kcmp": 272,
    "kexec_file_load": 294,
    "kexec_load": 104,
    "keyctl": 219,
    "lookup_dcookie": 18,
    "mount": 40,
    "move_pages": 239,
    "name_to_handle_at": 264,
    "nfsservctl": 42,
    "open_by_handle_at": 265,
    "perf_event_open": 241,
    "pivot_root": 41,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "ptrace": 117,
    "quotactl": 60,
    "reboot": 142,
    "request_key": 218,
    "setdomainname": 162,
    "sethostname": 161,
    "setns": 268,
    "settimeofday": 170,
    "swapoff": 225,
    "swapon": 224,
    "syslog": 116,
    "umount2": 39,
    "unshare": 97,
    "userfaultfd": 282,
    "vhangup": 58,
}
MACHINES: Final = {
    "x86_64": Machine(
        audit=0xC000003E,
        denied=_COMMON | _X86_64,
        clone=56,
        socket=41,
        ioctl=16,
        prlimit=302,
        shared_memory=(319, 447, 29),
        foreign=0x40000000,
    ),
    "aarch64": Machine(
        audit=0xC00000B7,
        denied=_COMMON | _AARCH64,
        clone=220,
        socket=198,
        ioctl=29,
        prlimit=261,
        shared_memory=(279, 447, 194),
        foreign=None,
    ),
}


def assemble(*, count_memory: bool, machine: str | None = None) -> bytes:
    """Return the filter for this machine, or an empty string where its numbers are not known.

    Args:
        count_memory: a cgroup counts all memory; without one, memory that no limit of a process counts is denied too.
        machine: name as `platform.machine` gives it; None is this one.
    """
    numbers = MACHINES.get(machine or platform.machine())
    if numbers is None:
        return b""
    code = [_statement(_LOAD, _MACHINE), _jump(_JUMP_EQUAL, numbers.audit, 1, 0), _statement(_RETURN, _ABSENT)]
    code.append(_statement(_LOAD, _NUMBER))
    if numbers.foreign is not None:
        code += [_jump(_JUMP_AT_LEAST, numbers.foreign, 0, 1), _statement(_RETURN, _ABSENT)]
    for name, number in sorted(numbers.denied.items(), key=lambda entry: entry[1]):
        code += _deny(number, _ABSENT if name == "clone3" else _DENIED)
    for number in () if count_memory else numbers.shared_memory:
        code += _deny(number, _ABSENT)
    code += _when(numbers.clone, [_argument(0), _jump(_JUMP_ANY_BIT, _NAMESPACES, 0, 1), _statement(_RETURN, _DENIED)])
    allowed = [_jump(_JUMP_EQUAL, family, len(_FAMILIES) - at, 0) for at, family in enumerate(_FAMILIES)]
    refused = _statement(_RETURN, _ERRNO | errno.EAFNOSUPPORT)
    code += _when(numbers.socket, [_argument(0), *allowed, refused])
    typing = [step for request in _TERMINAL_REQUESTS for step in _deny(request, _DENIED)]
    code += _when(numbers.ioctl, [_argument(1), *typing])
    code += _when(numbers.prlimit, [_argument(0), _jump(_JUMP_EQUAL, 0, 1, 0), _statement(_RETURN, _DENIED)])
    code.append(_statement(_RETURN, _ALLOW))
    return b"".join(code)


def _statement(operation: int, value: int) -> bytes:
    return struct.pack("<HBBI", operation, 0, 0, value)


def _jump(operation: int, value: int, matched: int, otherwise: int) -> bytes:
    return struct.pack("<HBBI", operation, matched, otherwise, value)


def _argument(position: int) -> bytes:
    return _statement(_LOAD, _ARGUMENTS + 8 * position)


def _deny(value: int, answer: int) -> list[bytes]:
    return [_jump(_JUMP_EQUAL, value, 0, 1), _statement(_RETURN, answer)]


def _when(number: int, steps: list[bytes]) -> list[bytes]:
    """Run the steps for one call and allow what they let pass."""
    return [_jump(_JUMP_EQUAL, number, 0, len(steps) + 1), *steps, _statement(_RETURN, _ALLOW)]

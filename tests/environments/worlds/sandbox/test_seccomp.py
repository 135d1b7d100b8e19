"""The filter, run by an interpreter of its own: what it denies on every machine it knows."""

import errno
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.sandbox.seccomp import MACHINES, assemble

ALLOW = 0x7FFF0000
NUMBERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def _decide(program: bytes, machine: int, number: int, *arguments: int) -> int:
    """Run classic BPF over `struct seccomp_data`."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, machine, 0, *padded)
    at = value = 0
    while True:
        operation, matched, otherwise, k = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        if operation == 0x20:
            (value,) = struct.unpack_from("<I", data, k)
        elif operation == 0x06:
            return k
        else:
            true = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[operation]
            at += matched if true else otherwise


def _errno(code: int) -> int:
    return code & 0xFFFF if code >> 16 == 5 else 0


@pytest.mark.parametrize("name", MACHINES)
def test_every_listed_call_is_denied(name: str) -> None:
    machine = MACHINES[name]
    program = assemble(count_memory=True, machine=name)
    for call, number in machine.denied.items():
        assert _errno(_decide(program, machine.audit, number)) == (errno.ENOSYS if call == "clone3" else errno.EPERM)


@given(number=st.integers(0, 500))
@pytest.mark.parametrize("name", MACHINES)
def test_every_other_call_passes(name: str, number: int) -> None:
    machine = MACHINES[name]
    special = {machine.clone, machine.socket, machine.ioctl, machine.prlimit}
    if number not in special | set(machine.denied.values()):
        assert _decide(assemble(count_memory=True, machine=name), machine.audit, number) == ALLOW


@pytest.mark.parametrize("name", MACHINES)
def test_arguments_decide_about_some_calls(name: str) -> None:
    machine = MACHINES[name]
    program = assemble(count_memory=True, machine=name)
    for family in range(64):
        expected = 0 if family in (0, 1, 2, 10, 16) else errno.EAFNOSUPPORT
        assert _errno(_decide(program, machine.audit, machine.socket, family, 1)) == expected
    assert _decide(program, machine.audit, machine.clone, 0x01200011) == ALLOW
    for bit in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert _errno(_decide(program, machine.audit, machine.clone, bit | 17)) == errno.EPERM
    assert _errno(_decide(program, machine.audit, machine.ioctl, 0, 0x5412)) == errno.EPERM
    assert _decide(program, machine.audit, machine.ioctl, 0, 0x5413) == ALLOW
    assert _decide(program, machine.audit, machine.prlimit, 0, 7) == ALLOW
    assert _errno(_decide(program, machine.audit, machine.prlimit, 1, 7)) == errno.EPERM


def test_other_tables_of_calls_are_closed() -> None:
    program = assemble(count_memory=True, machine="x86_64")
    assert _errno(_decide(program, 0x40000003, 1)) == errno.ENOSYS
    assert _errno(_decide(program, MACHINES["x86_64"].audit, 0x40000000 | 39)) == errno.ENOSYS


@pytest.mark.parametrize("name", MACHINES)
def test_uncounted_memory_is_denied_where_nothing_counts_it(name: str) -> None:
    machine = MACHINES[name]
    for number in machine.shared_memory:
        assert _errno(_decide(assemble(count_memory=False, machine=name), machine.audit, number)) == errno.ENOSYS
        assert _decide(assemble(count_memory=True, machine=name), machine.audit, number) == ALLOW


def test_a_machine_without_numbers_gets_no_filter() -> None:
    assert assemble(count_memory=True, machine="riscv64") == b""


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_the_kernel_headers(name: str) -> None:
    if not NUMBERS[name].exists():
        pytest.skip(f"no {NUMBERS[name]}; install linux-libc-dev")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", NUMBERS[name].read_text())
    header = {call: int(number) for call, number in found}
    machine = MACHINES[name]
    assert {call: number for call, number in machine.denied.items() if header.get(call, number) != number} == {}
    named = (machine.clone, machine.socket, machine.ioctl, machine.prlimit)
    assert named == tuple(header[call] for call in ("clone", "socket", "ioctl", "prlimit64"))

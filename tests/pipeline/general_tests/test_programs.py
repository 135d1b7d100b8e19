from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.general_tests import files

from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings
from agenttuning.pipeline.general_tests.items import Programming, read_humaneval
from agenttuning.pipeline.general_tests.programs import passes, program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")

HOSTILE = {
    "leaves with success": "import os\nos._exit(0)",
    "exits with success": "import sys\nsys.exit(0)",
    "prints that all is well": "print('ok passed')\nraise SystemExit",
    "redefines check": "def check(candidate): pass\ndef add_0(x): return 5",
    "loops for ever": "while True: pass",
    "eats memory": "x = bytearray(1 << 40)",
    "forks without end": "import os\nwhile True: os.fork()",
    "floods the output": "import sys\nwhile True: sys.stdout.write('x' * 65536)",
    "reads the host's users": "assert 'root' not in open('/etc/shadow').read()",
    "asks the network": "import socket\nsocket.create_connection(('127.0.0.1', 80), 1)",
    "writes to the host": "open('/usr/own', 'w').write('x')",
    "kills everybody": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "closes its output": "import os\nos.close(1); os.close(2)",
    "recurses": "def f(): return f()\nf()",
    "is no Python": "def add_0(x:\n  return",
    "deletes its files": "import shutil\nshutil.rmtree('/', ignore_errors=True)",
    "replaces print": "import builtins\nbuiltins.print = lambda *a: None\ndef add_0(x): return 1",
    "fills the disk": "f = open('/tmp/f', 'wb')\nwhile True: f.write(b'x' * 1048576)",
    "traces": "import ctypes\nassert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
    "hides a NUL": "x = '\x00'",
}


def run(programs: Sequence[tuple[Programming, str]]) -> list[bool]:
    return asyncio.run(passes(programs, SandboxSettings()))


def test_a_right_program_passes_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    item = read_humaneval(files.humaneval(tmp_path))[1]
    right = program_of(item, item.canonical_solution, fenced=False)
    assert run([(item, right), (item, right.replace("x + 1", "x - 1")), (item, item.prompt)]) == [True, False, False]


def test_a_whole_function_keeps_the_imports_of_the_prompt(tmp_path: Path) -> None:
    item = read_humaneval(files.humaneval(tmp_path))[0]
    answer = "def add_0(x):\n    return math.floor(x)\n"
    assert run([(item, program_of(item, answer, fenced=True))]) == [True]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_fail_and_leave_nothing(name: str, tmp_path: Path) -> None:
    item = read_humaneval(files.humaneval(tmp_path))[0]
    assert run([(item, HOSTILE[name])]) == [False]


def test_official_solutions_pass(official_data: Callable[[str], Path]) -> None:
    """Every tenth; `benchmarks/humaneval_sandbox.py` runs all 164."""
    items = read_humaneval(official_data("humaneval"))[::10]
    assert all(run([(item, program_of(item, item.canonical_solution, fenced=False)) for item in items]))
    fenced = [program_of(item, item.prompt + item.canonical_solution, fenced=True) for item in items[:4]]
    assert all(run(list(zip(items, fenced, strict=False))))

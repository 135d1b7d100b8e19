"""HumanEval's programs, run in the project's sandbox.

A program passes when its tests ran to their end: the driver then prints a word that was drawn for this program alone.
Leaving early, printing "passed" or redefining `check` does not do. A program that searches the driver's frames for the
word could still find it; nothing in one interpreter hides from its own code.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sandbox.opening import open_sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings
    from agenttuning.pipeline.general_tests.items import Programming

SECONDS = 12.0
_AT_ONCE = 2
_DRIVER = """\
import json, sys
told = json.loads(sys.stdin.read())
space = {"__name__": "solution"}
exec(compile(told["code"], "solution", "exec"), space)
function = space[told["entry"]]
tests = dict(space)
exec(compile(told["test"], "tests", "exec"), tests)
tests["check"](function)
print(told["word"])
"""


async def passes(programs: Sequence[tuple[Programming, str]], settings: SandboxSettings) -> list[bool]:
    """Run (item, code) pairs, each in a sandbox of its own; code that fails, hangs or breaks out of time is False.

    Raises:
        MissingExtraError: the sandbox's program is not installed.
        WorldError: no sandbox can be made on this machine; nothing is judged then.
    """
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Programming, code: str) -> bool:
        async with gate:
            return await _passes(item, code, settings)

    return list(await asyncio.gather(*(one(item, code) for item, code in programs)))


async def _passes(item: Programming, code: str, settings: SandboxSettings) -> bool:
    word = secrets.token_hex(16)
    told = json.dumps({"code": code, "entry": item.entry_point, "test": item.test, "word": word})
    sandbox = open_sandbox(settings)
    try:
        await sandbox.start()
        done = await sandbox.execute(
            ("python3", "-I", "-c", _DRIVER), stdin=told.encode("utf-8", "replace"), timeout_seconds=SECONDS
        )
    finally:
        await sandbox.close()
    return done.exit_code == 0 and done.stdout.strip().endswith(word.encode())


def program_of(item: Programming, answer: str, *, fenced: bool) -> str:
    """Return the whole program: a fenced answer that defines the function stands alone, others continue the prompt."""
    defines = f"def {item.entry_point}(" in answer
    return f"{_imports(item)}\n{answer}" if fenced and defines else item.prompt + answer


def _imports(item: Programming) -> str:
    """Return what stands before the function in the prompt: imports, and helpers that the solution may call."""
    return item.prompt[: item.prompt.rfind(f"def {item.entry_point}(")]

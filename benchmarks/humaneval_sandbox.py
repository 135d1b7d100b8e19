"""Run the 164 canonical solutions of HumanEval in the sandbox, and beside it in bare processes of this user.

    python benchmarks/humaneval_sandbox.py FOLDER_WITH_HUMANEVAL

The ratio is what confinement costs; all solutions must pass.
"""

import asyncio
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings
from agenttuning.pipeline.general_tests.items import Programming, read_humaneval
from agenttuning.pipeline.general_tests.programs import passes, program_of


def main() -> None:
    """Print both times and the ratio."""
    items = read_humaneval(Path(sys.argv[1]))
    programs = [(item, program_of(item, item.canonical_solution, fenced=False)) for item in items]
    began = time.perf_counter()
    passed = asyncio.run(passes(programs, SandboxSettings()))
    confined = time.perf_counter() - began
    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        bare = list(pool.map(lambda pair: _bare(*pair), programs))
    free = time.perf_counter() - began
    print(f"sandbox: {sum(passed)} of {len(items)} pass, {confined:.1f} s; bare: {sum(bare)}, {free:.1f} s")
    print(f"confinement costs {confined / free:.1f} times, {1000 * (confined - free) / len(items):.0f} ms a program")


def _bare(item: Programming, code: str) -> bool:
    program = f"{code}\n{item.test}\ncheck({item.entry_point})\n"
    return subprocess.run((sys.executable, "-I", "-c", program), capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    main()

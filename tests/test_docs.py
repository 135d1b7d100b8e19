"""The pages made from the code are up to date, and no link leads nowhere."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_pages_say_what_the_code_says() -> None:
    done = subprocess.run(
        (sys.executable, "docs/build.py", "--check"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run `make docs`; stale or broken:\n{done.stderr}"

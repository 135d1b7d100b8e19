"""`agenttuning new ID`: the skeleton of an environment, ready for `check`."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.core.store import write_atomic
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from argparse import Namespace


def main(arguments: Namespace) -> int:
    """Write `<id>.py` into the current folder and say what to do next."""
    name = arguments.id
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise RecipeError(f"an id is a Python module name in lower case, for example my_world; got {name!r}")
    path = Path(f"{name}.py")
    if path.exists():
        raise RecipeError(f"{path} exists already; choose another id, or move it away")
    class_name = "".join(word.capitalize() for word in name.split("_"))
    skeleton = resources.files("agenttuning.cli").joinpath("skeleton.py.txt").read_text()
    write_atomic(path, skeleton.replace("MY_ID", name).replace("MyWorld", class_name))
    print(f"{path} is ready; prove it with: PYTHONPATH=. agenttuning check {name}:{class_name}")
    return 0

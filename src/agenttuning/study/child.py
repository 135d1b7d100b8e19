"""One stage of one run in a process of its own, which ends with its parent.

python -m agenttuning.study.child STAGE RECIPE
"""

from __future__ import annotations

import sys
from pathlib import Path

from agenttuning.core.run import Run
from agenttuning.errors import AgentTuningError
from agenttuning.pipeline import load_stage
from agenttuning.pipeline.children import end_with_parent
from agenttuning.recipe import read_recipe


def main(stage: str, path: Path) -> int:
    """Do or finish the stage; return the exit code, with one sentence on stderr where it failed."""
    end_with_parent()
    try:
        recipe = read_recipe(path)
        run = Run(recipe.folder, seed=recipe.seed, resume=True)
        with run.lock():
            load_stage(stage).run(recipe.stage(stage), run)
    except AgentTuningError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))

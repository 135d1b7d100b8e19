"""A study of two variants that differ in what is kept."""

from pathlib import Path

RECIPE = """
name = "small"

[construct.environments.database]
tasks = { train = 6, test = 2 }
difficulty = "tiny"

[construct.environments.chat]
tasks = { train = 6, test = 2 }
difficulty = "tiny"

[mix]
examples = 10

[study]
seeds = [0, 1]
stages = ["mix", "construct", "collect", "filter", "decontaminate"]

[study.variants.mixed]
about = "as the paper"

[study.variants.agent-only]
set.mix.agent_share = 1.0
"""


def write(folder: Path, text: str = RECIPE) -> Path:
    """Write the recipe and return its path."""
    path = folder / "small.toml"
    path.write_text(text.replace('name = "small"', f'name = "small"\nruns = "{folder / "runs"}"'))
    return path

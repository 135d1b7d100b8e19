"""`merge`: make one stage of its shards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from agenttuning.cli.summaries import print_summary
from agenttuning.core.run import Run
from agenttuning.errors import RunError
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.evaluate import EvaluateConfig
from agenttuning.pipeline.merge import merge, sharded_stages
from agenttuning.recipe import read_recipe

if TYPE_CHECKING:
    from argparse import Namespace


def main(arguments: Namespace) -> int:
    """Merge every stage of a run folder that was played in shards."""
    stages = sharded_stages(Run(arguments.run))
    if not stages:
        raise RunError(
            f"{arguments.run} has no shards; it must be a run folder with a stage played by "
            "`agenttuning collect RECIPE --shard 0/4` and its like"
        )
    manifests = []
    for stage in stages:
        shards = Run(arguments.run).shards_folder(stage)
        recipe = read_recipe(next(iter(sorted(shards.glob("*.toml"))), shards / "0-of-1.toml"), ())
        config = recipe.stage(stage)
        assert isinstance(config, CollectConfig | EvaluateConfig)
        run = Run(arguments.run, seed=recipe.seed, resume=True)
        with run.lock():
            manifests.append(merge(stage, config, run))
        if not arguments.json:
            print(f"{stage}: {run.stage_folder(stage)}")
            print_summary(manifests[-1], run)
    if arguments.json:
        print(json.dumps([manifest.model_dump(mode="json") for manifest in manifests]))
    return 0

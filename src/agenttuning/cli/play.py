"""`agenttuning play ID`: play one task yourself, or watch its oracle."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.cli.settings import configure_world
from agenttuning.cli.show import print_trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.errors import RecipeError
from agenttuning.policies.human import human_player
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from argparse import Namespace


def main(arguments: Namespace) -> int:
    """Play one task in the terminal and print the score."""
    kind = load_environment(arguments.id)
    config = configure_world(kind, arguments.overrides)
    splits = kind.splits(config)
    if arguments.split not in splits:
        raise RecipeError(f"{kind.id} has no split {arguments.split!r}; its splits: {', '.join(splits)}")
    task = next(islice(kind.load(arguments.split, config), max(arguments.task, 0), None), None)
    if task is None or arguments.task < 0:
        raise RecipeError(f"split {arguments.split!r} has no task {arguments.task}; it has {splits[arguments.split]}")
    player = oracle_player if arguments.oracle else human_player
    trajectory = asyncio.run(rollout(kind(task), player, split=arguments.split))
    console = Console(highlight=False)
    if arguments.oracle:
        print_trajectory(trajectory, console, mask=False)
    else:
        score = trajectory.score
        console.print(f"\nstop {trajectory.stop.value}, reward {score.reward:g}, success {score.success}")
    return 0

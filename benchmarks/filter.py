"""Trajectories per second of the filter, and of each rule by itself, on one core.

    python benchmarks/filter.py [TRAJECTORIES]

Trajectories are the oracle's of `database` at difficulty `standard`, about five messages each, so that everything is
judged to the end. The peer of near-duplicate search is comparing every pair.
"""

from __future__ import annotations

import asyncio
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING

from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.pipeline.filter import FilterConfig, judge
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

SETTINGS: dict[str, dict[str, object]] = {
    "default": {},
    "thoughts": {"min_thought_share": 0.5},
    "equal replies": {"max_equal_replies": 2},
    "repeated phrases": {"max_repeated_phrases": 0.5},
    "cut observations": {"max_cut_share": 0.9},
    "scripts": {"scripts": ("latin",)},
    "refusals": {"drop_refusals": True},
    "escape codes": {"clean_escapes": True},
    "near duplicates": {"near_duplicates": 0.9},
}
PAIRS = 300
"""Trajectories whose pairs are all compared."""


async def play(count: int) -> list[Trajectory]:
    """Return the oracle's trajectories."""
    kind = load_environment("database")
    tasks = islice(kind.load("train", kind.config_type.model_validate({"difficulty": "standard"})), count)
    return [await rollout(kind(task), oracle_player) for task in tasks]


def all_pairs(played: list[Trajectory]) -> float:
    """Return the seconds that comparing every pair takes, for one pair."""
    texts = [" ".join(message.content for message in one.messages).split() for one in played[:PAIRS]]
    shingles = [{tuple(text[place : place + 5]) for place in range(len(text) - 4)} for text in texts]
    began = time.process_time()
    pairs = [len(one & other) / len(one | other) for place, one in enumerate(shingles) for other in shingles[:place]]
    return (time.process_time() - began) / len(pairs)


def main(count: int) -> None:
    """Print the figures."""
    played = asyncio.run(play(count))
    size = sum(len(message.content) for one in played for message in one.messages)
    print(f"{count:,} trajectories, {size / 1e6:.1f} MB of text")
    for name, setting in SETTINGS.items():
        config = FilterConfig.model_validate(setting)
        list(judge(played[:10], config))
        began = time.process_time()
        kept = sum(one.verdict.kept for one in judge(played, config))
        spent = time.process_time() - began
        told = f"{name:18} {count / spent:9,.0f} trajectories/s, {kept:,} kept"
        pairs = all_pairs(played) * count * (count - 1) / 2 if name == "near duplicates" else 0.0
        print(f"{told}; {pairs / spent:,.0f} times faster than all pairs" if pairs else told)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)

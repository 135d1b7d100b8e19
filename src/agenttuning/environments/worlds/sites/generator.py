"""The embedded samples: one seeded action on one generated page, each made alone from its seed, split and index."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sites.goal import draw_goal
from agenttuning.environments.worlds.sites.layout import lay_out
from agenttuning.environments.worlds.sites.markup import write
from agenttuning.environments.worlds.sites.ranking import Bm25Ranker, rank_sample
from agenttuning.environments.worlds.sites.sample import Sample
from agenttuning.environments.worlds.sites.site import SETTINGS, draw_site, in_test
from agenttuning.environments.worlds.sites.tournament import TOP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.core.records import Difficulty

_RANKER: Final = Bm25Ranker()


def samples(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[Sample]:
    """Yield the first `count` samples of a split lazily."""
    return (draw_sample(difficulty, seed=seed, test=test, index=index) for index in range(count))


def draw_sample(difficulty: Difficulty, *, seed: int, test: bool, index: int) -> Sample:
    """Return one action; the same arguments give the same one, and no other is drawn for it.

    A page on which BM25 misses the right element is drawn again: every embedded sample can be solved.
    """
    draw = random.Random(f"{difficulty}/{seed}/{test}/{index}")
    while True:
        sample = _draw(draw, difficulty=difficulty, seed=seed, test=test)
        best = None if sample is None else rank_sample(sample, _RANKER).best
        if sample is not None and best is not None and best < TOP:
            return sample


def _draw(draw: random.Random, *, difficulty: Difficulty, seed: int, test: bool) -> Sample | None:
    setting = SETTINGS[difficulty]
    site = draw_site(draw, difficulty=difficulty, seed=seed, test=test)
    goal = draw_goal(site, setting, draw)
    if in_test(goal.sentence) != test:
        return None
    done = draw.randrange(len(goal.actions))
    action = goal.actions[done]
    markup = write(lay_out(site, goal, setting, done=done, draw=draw), draw)
    return Sample(
        website=site.name,
        task=goal.sentence,
        previous=tuple(earlier.told for earlier in goal.actions[:done]),
        html=markup.html,
        positives=(markup.nodes[action.key],),
        negatives=tuple(node for key, node in markup.nodes.items() if key != action.key),
        operation=action.operation,
        value=action.value,
        aim=action.aim,
    )

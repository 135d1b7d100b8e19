"""The embedded tasks: each scene is made alone from its seed, split and index.

Which split a scene belongs to is decided by what it asks and shows, so that no page is in both, whatever the seeds.
"""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import digest
from agenttuning.environments.worlds.forms.makers import Draw, makers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.forms.scene import Scene

_TEST_SHARE: Final = 10
"""One scene in so many belongs to `test`."""


def draw_scene(difficulty: Difficulty, *, seed: int, test: bool, index: int) -> Scene:
    """Return one scene; the same arguments give the same scene."""
    kinds = makers(difficulty)
    for attempt in count():
        drawn = random.Random(f"forms/{difficulty}/{seed}/{test}/{index}/{attempt}")
        scene = kinds[index % len(kinds)](Draw(drawn, difficulty))
        if (int(digest(scene.html + scene.utterance), 16) % _TEST_SHARE == 0) == test:
            return scene
    raise AssertionError("unreachable")


def scenes(difficulty: Difficulty, *, seed: int, test: bool, count: int) -> Iterator[Scene]:
    """Yield the first scenes of a split lazily."""
    return (draw_scene(difficulty, seed=seed, test=test, index=index) for index in range(count))

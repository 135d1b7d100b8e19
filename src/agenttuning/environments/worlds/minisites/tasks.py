"""The tasks of webarena-mini: templates filled from scenes, as records of the raw schema, each with its oracle."""

from __future__ import annotations

import random
from itertools import count, islice
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Difficulty, Record
from agenttuning.environments.worlds.minisites.assignments import admin, code, forum, shop, tiny, two_sites, wiki
from agenttuning.environments.worlds.minisites.scene import make_scene
from agenttuning.environments.worlds.webarena.raw_task import SEVERAL, Evaluation, EvaluationType, RawTask
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.environments.worlds.minisites.assignments.draft import Draft, Template
    from agenttuning.environments.worlds.minisites.scene import Scene
    from agenttuning.environments.worlds.minisites.site import SiteName

SPLITS: Final = {"train": 20_000, "test": 1_000}
TEMPLATES: Final[Sequence[Template]] = (
    *shop.TEMPLATES,
    *admin.TEMPLATES,
    *forum.TEMPLATES,
    *code.TEMPLATES,
    *wiki.TEMPLATES,
    *two_sites.TEMPLATES,
    *tiny.TEMPLATES,
)
_ATTEMPTS: Final = 20
_IDS_PER_SCENE: Final = 1_000


class MiniTask(Record):
    """One task, the scene it is about, and how it is done."""

    id: str
    """Template, split, seed and scene, such as `shop-price-test-0-3`."""
    difficulty: Difficulty
    seed: int
    """What `open_sites` is given: the scene's number."""
    raw: RawTask
    oracle: tuple[tuple[str, str], ...]
    """Thought and action of each turn; elements are named by role and accessible name, as in `click [link 'Cart']`."""


def mini_tasks(split: str, difficulty: Difficulty, seed: int) -> Iterator[MiniTask]:
    """Yield the tasks of a split lazily: every template on one scene, then on the next.

    Args:
        split: `train` or `test`; their scenes share no name of a product, person, post, project or article.
        difficulty: how much there is on the sites.
        seed: another seed gives other scenes.

    Raises:
        DataError: there is no such split.
    """
    if split not in SPLITS:
        raise DataError(f"webarena-mini has no split {split!r}{nearest(split, SPLITS)}; known: {', '.join(SPLITS)}")
    return islice(_all_tasks(split, difficulty, seed), SPLITS[split])


def _all_tasks(split: str, difficulty: Difficulty, seed: int) -> Iterator[MiniTask]:
    known = [(place, each) for place, each in enumerate(TEMPLATES) if difficulty in each.difficulties]
    for number in count():
        scene_seed = 2 * (seed * SPLITS["train"] + number) + (split == "test")
        order = random.Random(f"minitasks/{split}/{seed}/{number}").sample(known, len(known))
        for place, template in order:
            draft = _draw(template, make_scene(difficulty, seed=scene_seed))
            if draft is not None:
                yield MiniTask(
                    id=f"{template.name}-{split}-{seed}-{number}",
                    difficulty=difficulty,
                    seed=scene_seed,
                    raw=_record(draft, template, place=place, number=number),
                    oracle=draft.oracle,
                )


def _draw(template: Template, scene: Scene) -> Draft | None:
    """Return a draft, or None where the scene is too unlucky for the template."""
    draw = random.Random(f"{template.name}/{scene.difficulty}/{scene.seed}")
    return next(filter(None, (template.make(scene, draw) for _ in range(_ATTEMPTS))), None)


def _record(draft: Draft, template: Template, *, place: int, number: int) -> RawTask:
    sites: tuple[SiteName, ...] = draft.sites or (template.site,)
    kinds: list[EvaluationType] = []
    if draft.answers is not None:
        kinds.append("string_match")
    if draft.reference_url:
        kinds.append("url_match")
    if draft.pages:
        kinds.append("program_html")
    with_login = sorted(site for site in sites if site != "wikipedia")
    logged_in = draft.logged_in and bool(with_login)
    names = {name: f"{{{{{name}}}}}" for name in draft.values}
    return RawTask(
        sites=sites,
        task_id=number * _IDS_PER_SCENE + place,
        require_login=logged_in,
        storage_state=f"./.auth/{'.'.join(with_login)}_state.json" if logged_in else None,
        start_url=SEVERAL.join(f"__{site.upper()}__" for site in sites),
        geolocation=None,
        intent_template=draft.intent.format(**names),
        instantiation_dict=dict(draft.values),
        intent=draft.intent.format(**draft.values),
        require_reset=bool(draft.pages),
        eval=Evaluation(
            eval_types=tuple(kinds),
            reference_answers=draft.answers,
            reference_url=draft.reference_url,
            program_html=draft.pages,
            url_note=draft.url_note or ("GOLD in PRED" if draft.reference_url else None),
            string_note=draft.note or None,
        ),
        intent_template_id=place,
    )

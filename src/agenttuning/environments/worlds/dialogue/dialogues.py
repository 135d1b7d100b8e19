"""Dialogues of one to three exchanges, a pure function of (seed, split, index).

Every topic carries a key, its content without its wording. A checksum of the key decides which split may use it, so
that train and test share no instance, whatever the seeds. Facts and small talk are closed sets and belong to both.
"""

from __future__ import annotations

import itertools
from random import Random
from typing import TYPE_CHECKING
from zlib import crc32

from agenttuning.environments.worlds.dialogue import figures, formats, lookup, talk, wording
from agenttuning.environments.worlds.dialogue.topic import SIZES, Exchange, Maker, Sizes, Topic

if TYPE_CHECKING:
    from agenttuning.core.records import Difficulty

MAKERS: dict[Maker, int] = {
    **wording.MAKERS,
    **lookup.MAKERS,
    **figures.MAKERS,
    **formats.MAKERS,
    **talk.MAKERS,
}
"""Every kind of topic with its weight."""
MOST_EXCHANGES = 3
PLAIN_MAKERS: dict[Maker, int] = {
    wording.repeat: 8,
    wording.dictation: 2,
    wording.quote: 2,
    wording.reverse: 3,
    wording.position: 3,
    wording.count: 2,
    wording.join: 1,
    lookup.where: 8,
    lookup.contents: 3,
    lookup.listing: 4,
    lookup.remaining: 5,
    lookup.record: 3,
    figures.plus: 3,
    formats.template: 3,
    formats.lines: 3,
    formats.json_list: 4,
    formats.two_parts: 5,
    talk.small_talk: 1,
    talk.fact: 4,
    talk.introduction: 3,
}
"""The kinds that a model of a million parameters learns in minutes, for `tiny` dialogues."""
_WEIGHTED = {
    name: (tuple(makers), tuple(itertools.accumulate(makers.values())))
    for name, makers in (("plain", PLAIN_MAKERS), ("all", MAKERS))
}
_TEST_SHARE = 8


def is_test(key: str) -> bool:
    """Tell whether an instance is kept for the test split: one in eight, by its checksum."""
    return crc32(key.encode()) % _TEST_SHARE == 0


def make_dialogue(seed: int, *, split: str, index: int, difficulty: Difficulty) -> tuple[Exchange, ...]:
    """Return dialogue number `index`; no state is kept, so any index costs the same."""
    random = Random(f"{seed}/{split}/{index}/{difficulty}")
    sizes = SIZES[difficulty]
    wanted = random.choices((1, 2, 3), sizes.turns)[0]
    exchanges: tuple[Exchange, ...] = ()
    while len(exchanges) < wanted:
        topic = _topic(random, sizes, test=split == "test")
        if len(exchanges) + len(topic.exchanges) > MOST_EXCHANGES:
            continue
        if _wants_pause(topic) and wanted == MOST_EXCHANGES and not exchanges:
            told, recall = topic.exchanges
            between = _topic(random, sizes, test=split == "test")
            if _wants_pause(between):  # two things to recall would leave open which is asked for
                continue
            exchanges = (told, between.exchanges[0], recall)
        else:
            exchanges += topic.exchanges
    return exchanges


def _topic(random: Random, sizes: Sizes, *, test: bool) -> Topic:
    while True:
        makers, weights = _WEIGHTED["plain" if sizes.everyday else "all"]
        maker = random.choices(makers, cum_weights=weights)[0]
        topic = maker(random, sizes)
        if topic.key is None or is_test(topic.key) == test:
            return topic


def _wants_pause(topic: Topic) -> bool:
    return topic.exchanges[0].kind in talk.RECALLED

"""Which texts count as the same task."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.pipeline.construction.near_duplicates import KnownTexts, similarity

SEED = "How many files in /srv/inbox end in .txt? Folders do not count."
TEXTS = st.text(alphabet="ab ", max_size=30)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        (SEED, True),
        (SEED.upper(), True),
        ("How many files in /srv/outbox end in .txt? Folders do not count.", True),
        ("How many of the files in /srv/inbox end in .txt? Folders do not count", True),
        ("count not do Folders ?txt. in end inbox/srv/ in files many How", False),
        ("Which user owns /etc/hosts?", False),
        ("", False),
    ],
)
def test_small_changes_are_near_and_other_tasks_are_not(text: str, near: bool) -> None:
    known = KnownTexts(["Delete every log.", SEED], similarity=0.6)
    assert known.nearest(text) == (SEED if near else None)


@given(TEXTS, TEXTS)
def test_the_index_is_symmetric_and_one_for_equal_texts(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= similarity(one, one) == 1

"""Shards: the merged index is the one built in memory, however the documents are cut and the merge is ranged."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.search import shards as module
from agenttuning.environments.worlds.search.bm25 import Bm25Index
from agenttuning.environments.worlds.search.shards import merge_shards, write_shard

WORDS = st.sampled_from(("red", "blue", "lamp", "shirt", "shirts", "the", "running", "灯", "don't", "3.5", "a", "b"))
DOCUMENTS = st.lists(st.lists(WORDS, max_size=10).map(" ".join), max_size=12)


def build(folder: Path, cut: list[list[str]]) -> Bm25Index:
    folders = [folder / f"shard-{number}" for number in range(len(cut))]
    for place, texts in zip(folders, cut, strict=True):
        write_shard(place, texts)
    seen = list(merge_shards(folders, folder / "index"))
    assert all(total == seen[-1][0] for _, total in seen)
    return Bm25Index.load(folder / "index")


@settings(max_examples=15, deadline=None)
@given(st.lists(DOCUMENTS, max_size=4), st.integers(1, 20))
def test_merged_shards_score_as_one_index_in_memory(cut: list[list[str]], postings: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "POSTINGS_AT_ONCE", postings)
        merged = build(Path(folder), cut)
        whole = Bm25Index.build(text for texts in cut for text in texts)
        assert merged.documents == whole.documents
        for query in ("red", "lamp shirts", "don't 灯 3.5", "a b ünder running red red"):
            np.testing.assert_allclose(merged.scores(query), whole.scores(query), rtol=1e-6)
            assert [n for n, _ in merged.search(query, 5)] == [n for n, _ in whole.search(query, 5)]


def test_an_interrupted_shard_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "shard-0.part").mkdir()
    (tmp_path / "shard-0.part" / "counts.npy").write_bytes(b"torn")
    assert build(tmp_path, [["red lamp"], ["red shirt"]]).search("shirt", 5)[0][0] == 1

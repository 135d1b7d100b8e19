"""How much of an observation is shown."""

from pathlib import Path

import pytest

from agenttuning.environments.worlds.webarena.ruler import TOKENS, open_ruler
from agenttuning.errors import DataError


def test_four_characters_stand_for_a_token() -> None:
    ruler = open_ruler(None)
    assert ruler.cut("x" * 10_000) == "x" * 4 * TOKENS
    assert ruler.cut("short") == "short"
    assert ruler.name == "4 characters a token"


def test_a_tokenizer_counts_its_own(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    path = tmp_path / "tokenizer.json"
    words.save(str(path))
    ruler = open_ruler(path)
    assert ruler.name == f"tokens of {tmp_path.name}/tokenizer.json"
    assert ruler.cut("word " * 3_000) == ("word " * TOKENS).rstrip()
    assert ruler.cut("three short words") == "three short words"


def test_a_missing_tokenizer_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`tokenizer` names a tokenizer\.json"):
        open_ruler(tmp_path / "none.json")

"""The training set is tokenised once; a resume, or another process, finds the tokens."""

from pathlib import Path

import pytest
from tests.models.tokenizers import bytelevel_tokenizer, compact_tokenizer

from agenttuning.core.records import Message
from agenttuning.models.chat_template import Llama2Template
from agenttuning.models.compact_template import CompactTemplate
from agenttuning.pipeline.mix_sources import Example
from agenttuning.pipeline.tokens import TrainingSet, prepare_tokens
from agenttuning.pipeline.training_set import write_training_set
from agenttuning.training.mask import tokenize_dialogues
from agenttuning.training.token_store import TokenStore


def _training_set(folder: Path, *, answer: str = "yes") -> TrainingSet:
    examples = []
    for number in (0, 1, 0, 2):
        turns = (
            Message(role="user", content=f"open {number}"),
            Message(role="assistant", content=answer * (1 + number)),
        )
        examples.append(("agent", Example(environment="alfworld", task=str(number), messages=turns)))
    write_training_set(folder / "train.parquet", examples)
    return TrainingSet(folder / "train.parquet")


def _prepare(data: TrainingSet, folder: Path, *, max_length: int = 100) -> TokenStore:
    template = CompactTemplate(compact_tokenizer())
    return prepare_tokens(data, compact_tokenizer(), template, max_length=max_length, folder=folder / "tokens")


def _written_at(folder: Path) -> int:
    return (folder / "tokens" / "manifest.json").stat().st_mtime_ns


def test_the_rows_are_those_of_the_dialogues_and_the_plan_is_the_files(tmp_path: Path) -> None:
    data = _training_set(tmp_path)
    store = _prepare(data, tmp_path)
    pairs = [(dialogue.messages, dialogue.environment) for dialogue in data.dialogues]
    expected = tokenize_dialogues(CompactTemplate(compact_tokenizer()), pairs, max_length=100).rows
    assert [row.input_ids.tolist() for row in store] == [row.input_ids.tolist() for row in expected]
    assert [row.labels.tolist() for row in store] == [row.labels.tolist() for row in expected]
    assert [store.plan(draw) for draw in range(4)] == [0, 1, 0, 2]


def test_the_same_is_found_again_without_reading_the_text(tmp_path: Path) -> None:
    _prepare(_training_set(tmp_path), tmp_path)
    before = _written_at(tmp_path)
    again = TrainingSet(tmp_path / "train.parquet")
    assert len(_prepare(again, tmp_path)) == 3
    assert _written_at(tmp_path) == before
    assert "_read" not in vars(again)


def test_anything_else_is_made_anew(tmp_path: Path) -> None:
    identities = [_prepare(_training_set(tmp_path), tmp_path).about.identity]
    identities.append(_prepare(_training_set(tmp_path, answer="no"), tmp_path).about.identity)
    identities.append(_prepare(_training_set(tmp_path), tmp_path, max_length=50).about.identity)
    other, template = bytelevel_tokenizer(), Llama2Template(bytelevel_tokenizer())
    store = prepare_tokens(_training_set(tmp_path), other, template, max_length=50, folder=tmp_path / "tokens")
    assert len({*identities, store.about.identity}) == 4


def test_a_damaged_store_is_named_and_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = _training_set(tmp_path)
    expected = [row.input_ids.tolist() for row in _prepare(data, tmp_path)]
    (tmp_path / "tokens" / "labels.bin").write_bytes(b"torn")
    assert [row.input_ids.tolist() for row in _prepare(data, tmp_path)] == expected
    told = " ".join(capsys.readouterr().err.split())
    assert "is damaged in labels.bin; it is written anew" in told

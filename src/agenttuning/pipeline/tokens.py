"""The training set as tokens: made once, found again by every later call that would make the same."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from rich.console import Console

from agenttuning.core.records import digest
from agenttuning.core.store import content_digest
from agenttuning.errors import DataError
from agenttuning.models.chat_template import backend
from agenttuning.pipeline.progress import progress
from agenttuning.pipeline.training_set import TrainingExample, read_training_set
from agenttuning.training.mask import tokenized
from agenttuning.training.token_store import TokenStore, write_token_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from agenttuning.core.records import Message
    from agenttuning.models.chat_template import ChatTemplate

_FORMAT = "tokens/1"


class TrainingSet:
    """`train.parquet`, which is read only when its text is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def dialogues(self) -> list[TrainingExample]:
        """The distinct dialogues."""
        return self._read[0]

    @property
    def order(self) -> list[int]:
        """The dialogue of each draw."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[list[TrainingExample], list[int]]:
        found: dict[str, int] = {}
        dialogues: list[TrainingExample] = []
        order: list[int] = []
        for example in read_training_set(self.path):
            index = found.setdefault(example.key, len(dialogues))
            if index == len(dialogues):
                dialogues.append(example)
            order.append(index)
        return dialogues, order


def prepare_tokens(
    data: TrainingSet, tokenizer: PreTrainedTokenizerBase, template: ChatTemplate, *, max_length: int, folder: Path
) -> TokenStore:
    """Open the store in `folder` when it holds exactly this, else write it; a damaged one is named and written anew."""
    encoder = digest(backend(tokenizer).to_str())
    identity = digest(f"{_FORMAT} {content_digest(data.path)} {encoder} {template.digest} {max_length}")
    if folder.exists():
        try:
            store = TokenStore(folder)
        except DataError as error:
            Console(stderr=True).print(f"{error}; it is written anew")
        else:
            if store.about.identity == identity:
                return store
    _write(data, template, max_length=max_length, folder=folder, identity=identity)
    return TokenStore(folder)


def _write(data: TrainingSet, template: ChatTemplate, *, max_length: int, folder: Path, identity: str) -> None:
    with progress("tokenise", len(data.dialogues)) as advance:

        def pairs() -> Iterator[tuple[tuple[Message, ...], str]]:
            for dialogue in data.dialogues:
                yield dialogue.messages, dialogue.environment
                advance()

        found = tokenized(template, pairs(), max_length=max_length)
        write_token_store(folder, found, draws=data.order, identity=identity)

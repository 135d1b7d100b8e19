"""Assistant-only loss: which tokens of a dialogue are trained, and where a long one may be cut."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from agenttuning.errors import DataError
from agenttuning.models.chat_template import IGNORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from agenttuning.core.records import Message
    from agenttuning.models.chat_template import ChatTemplate, TokenizedDialogue

_AT_ONCE = 256


class DropReason(StrEnum):
    """Why a dialogue gives no training row."""

    TOO_LONG = "first_exchange_too_long"
    """Not even its first answer fits."""
    UNTRAINED = "no_trained_token"
    """Every answer that fits is marked `train = false`, or there is none."""
    ROLES = "roles_out_of_order"
    """The chat template has no form for this order of roles."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One dialogue, cut to length."""

    input_ids: NDArray[np.int32]
    """Shape (length,)."""
    labels: NDArray[np.int32]
    """Shape (length,); -100 where the loss does not look, the first position always."""
    source: str

    @property
    def trained(self) -> int:
        """Number of tokens that the loss sees."""
        return int((self.labels != IGNORED).sum())

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True, slots=True)
class Corpus:
    """Tokenised dialogues."""

    rows: list[TrainingRow]
    kept: list[int]
    """Index of the dialogue that each row was made from."""
    dropped: dict[str, int]
    """`DropReason` to number of dialogues."""
    cut: int
    """Rows that lost trailing turns to the length limit."""


@dataclass(frozen=True, slots=True)
class Tokenized:
    """What became of one dialogue."""

    row: TrainingRow | DropReason
    cut: bool = False
    """It lost trailing turns to the length limit."""


def tokenize_dialogues(
    template: ChatTemplate, dialogues: Iterable[tuple[Sequence[Message], str]], *, max_length: int
) -> Corpus:
    """Turn (messages, source) pairs into rows of at most `max_length` tokens, in memory."""
    corpus = Corpus([], [], {}, 0)
    dropped: Counter[str] = Counter()
    cut = 0
    for index, found in enumerate(tokenized(template, dialogues, max_length=max_length)):
        if isinstance(found.row, DropReason):
            dropped[found.row] += 1
        else:
            corpus.rows.append(found.row)
            corpus.kept.append(index)
            cut += found.cut
    return Corpus(corpus.rows, corpus.kept, dict(dropped), cut)


def tokenized(
    template: ChatTemplate, dialogues: Iterable[tuple[Sequence[Message], str]], *, max_length: int
) -> Iterator[Tokenized]:
    """Yield what becomes of each (messages, source) pair, in order; as many at a time as a tokenizer likes."""
    pairs = iter(dialogues)
    while batch := list(islice(pairs, _AT_ONCE)):
        found = template.training_batch([messages for messages, _ in batch])
        for (_, source), dialogue in zip(batch, found, strict=True):
            if isinstance(dialogue, DataError):
                yield Tokenized(DropReason.ROLES)
                continue
            row = training_row(dialogue, source=source, max_length=max_length)
            yield Tokenized(row, cut=not isinstance(row, DropReason) and len(row) < dialogue.turn_ends[-1])


def training_row(dialogue: TokenizedDialogue, *, source: str, max_length: int) -> TrainingRow | DropReason:
    """Cut at the last assistant turn that fits; an answer is kept whole, with its end mark, or not at all."""
    end = max((length for length in dialogue.turn_ends if length <= max_length), default=0)
    if end == 0:
        return DropReason.TOO_LONG if dialogue.turn_ends else DropReason.UNTRAINED
    labels = np.array(dialogue.labels[:end], dtype=np.int32)
    labels[0] = IGNORED
    if not (labels != IGNORED).any():
        return DropReason.UNTRAINED
    return TrainingRow(np.array(dialogue.input_ids[:end], dtype=np.int32), labels, source)

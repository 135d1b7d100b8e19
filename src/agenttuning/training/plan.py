"""The arithmetic of a run before it begins: steps, tokens, and how often each source is expected to be gone through.

The paper's way to count: N = steps x batch sequences are drawn, a source of n dialogues with a share s of the draws is
gone through N s / n times, and packing is ignored. With packing several dialogues share a sequence, so the real count
is higher by their number; both are told where the dialogues' mean length is known.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Side = Literal["agent", "general"]
Origin = Literal["the mix stage", "its file", "the paper", "not yet known"]

PUBLISHED_SIZES = {
    "os.parquet": 195,
    "db.parquet": 538,
    "alfworld.parquet": 336,
    "webshop.parquet": 351,
    "kg.parquet": 324,
    "mind2web.parquet": 122,
    "sharegpt-gpt4.jsonl": 3_670,
    "sharegpt-gpt35.jsonl": 57_096,
}
"""Dialogues in AgentInstruct's six splits (data card) and in the paper's two parts of ShareGPT, by the file names that
the shipped recipes give them: what a plan is made with where the files are not."""


class Volume(Record):
    """How much a run trains on."""

    steps: int
    batch_tokens: int
    """Real tokens per step."""
    max_length: int
    """Tokens of a sequence."""
    dialogue_tokens: float | None = None
    """Mean length of a drawn dialogue; None before the mix stage has counted."""

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.steps * self.batch_tokens

    @property
    def sequences(self) -> int:
        """Full sequences: the draws of the paper's arithmetic."""
        return self.tokens // self.max_length

    @property
    def dialogues(self) -> int | None:
        """Dialogues that fill as many tokens."""
        return None if self.dialogue_tokens is None else round(self.tokens / self.dialogue_tokens)


class PlannedSource(Record):
    """One source of the mixture."""

    name: str
    side: Side
    size: int | None
    """Dialogues; None where nothing tells."""
    known_from: Origin
    share: float | None = None
    """Of all draws; None where it depends on sizes that are not known."""
    epochs: float | None = None
    """Expected, packing ignored."""
    epochs_packed: float | None = None
    """Expected, with as many dialogues as really fill the tokens."""


def expected_epochs(draws: int, *, share: Fraction, size: int) -> Fraction:
    """Return how often a source is gone through."""
    return draws * share / size


def planned_source(known: PlannedSource, *, share: Fraction | None, volume: Volume) -> PlannedSource:
    """Return the source with its share and what follows from it."""
    if share is None:
        return known
    found: dict[str, float] = {"share": float(share)}
    if known.size:
        found["epochs"] = float(expected_epochs(volume.sequences, share=share, size=known.size))
        if volume.dialogues is not None:
            found["epochs_packed"] = float(expected_epochs(volume.dialogues, share=share, size=known.size))
    return known.model_copy(update=found)


def inner_shares(weights: Mapping[str, float] | str, sizes: Mapping[str, int | None]) -> dict[str, Fraction] | None:
    """Return each source's share inside its side; None when sizes decide that are not known."""
    raw: dict[str, Fraction] = {}
    for name, size in sizes.items():
        if not isinstance(weights, str):
            raw[name] = Fraction(str(weights.get(name, 0)))
        elif weights == "equal" or len(sizes) == 1:
            raw[name] = Fraction(1)
        elif size is None:
            return None
        else:
            raw[name] = Fraction(size)
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()} if total else None

"""What is asked of a generator and what it gives: plain values, shared by the engine and by those who serve it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.core.records import Sampling


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One prompt and how to continue it."""

    prompt_ids: Sequence[int]
    """Ends exactly where the answer begins."""
    sampling: Sampling
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these strings."""
    top: int = 0
    """How many of the likeliest tokens to tell beside every token that has a log probability."""
    score_prompt: bool = False
    """Whether the answer carries the log probability of every token of the prompt."""
    typical_p: float = 1.0
    """Keep the tokens whose surprise is nearest to the expected one, up to this mass; 1 keeps all."""
    repetition_penalty: float = 1.0
    """By how much to weaken what prompt and answer hold already (CTRL's rule); 1 weakens nothing."""
    whole: bool = False
    """Nobody reads along: between the first token and the last a stream may be silent, and then give all at once."""


@dataclass(frozen=True, slots=True)
class Load:
    """What an engine is doing, and what it has been spared since its start."""

    running: int
    """Answers in progress."""
    waiting: int
    """Answers not begun."""
    prompt_tokens: int = 0
    """Of all prompts begun."""
    cached_tokens: int = 0
    """How many of them were not computed again, since an earlier turn or another conversation began with them."""
    cache_bytes: int = 0
    """Size of what is kept of conversations."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One token under the model: natural log probabilities before temperature and truncation of the distribution."""

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()
    """The likeliest tokens at its place, best first: id and log probability."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One finished answer."""

    token_ids: tuple[int, ...]
    """Every token drawn, the end-of-sequence token included."""
    text: str
    """Without special tokens and without the stop string."""
    finish: Literal["stop", "length"]
    stop_text: str = ""
    """The stop string that ended it, empty where the model itself did or the length ran out."""
    prompt: tuple[Scored, ...] = ()
    """Every token of the prompt but the first, which follows nothing; empty unless `score_prompt` asked for them."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a streamed answer."""

    id: int
    text: str
    """The text that became certain with this token; empty inside a character or a possible stop string."""
    logprob: float
    """Natural log probability under the model, before temperature and truncation of the distribution."""
    special: bool
    generation: Generation | None = None
    """The whole answer; only on the last token."""
    top: tuple[tuple[int, float], ...] = ()
    """As of `Scored`."""

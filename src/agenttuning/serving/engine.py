"""What the HTTP surfaces need of a model, whatever runs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agenttuning.models.generation import Load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from agenttuning.core.records import Message
    from agenttuning.models.generation import GenerationRequest, Token

__all__ = ["Engine", "EngineInfo", "Load", "TextToken"]


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What stands behind the port."""

    model: str
    dtype: str
    device: str
    max_total_tokens: int
    """Prompt and answer together."""
    vocabulary: int
    """Token ids lie below it."""
    special: frozenset[int]
    """Ids of tokens that are no text."""
    template: str
    """Digest of the chat template: two servers with unlike digests answer unlike prompts."""


@dataclass(frozen=True, slots=True)
class TextToken:
    """One token of a text."""

    id: int
    text: str
    """What it covers; nothing where it stands for no text, as BOS does."""
    start: int
    stop: int
    """Bytes of the text in UTF-8."""


class Engine(Protocol):
    """A model that continues prompts; any number of streams at once."""

    @property
    def info(self) -> EngineInfo:
        """What stands behind the port."""

    @property
    def load(self) -> Load:
        """What it is doing now."""

    def encode(self, text: str) -> list[int]:
        """Return the ids of a raw prompt, exactly one BOS in front where the model has one."""

    def text_tokens(self, text: str) -> list[TextToken]:
        """Return the tokens that `encode` gives and where in the text they stand."""

    def token_texts(self, token_ids: Sequence[int]) -> list[str]:
        """Return the text of every token as it stands inside a text; joined, they are nearly the text.

        A special token gives its name, a token that is a part of a character U+FFFD.
        """

    def prompt_ids(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of a conversation, up to where the answer begins.

        Raises:
            DataError: the chat template cannot render these roles in this order.
        """

    def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        """Yield the answer; the last token carries the whole. Leaving early stops the work.

        Raises:
            PolicyError: the model failed.
        """

    async def close(self) -> None:
        """Free the model; what is in progress fails."""

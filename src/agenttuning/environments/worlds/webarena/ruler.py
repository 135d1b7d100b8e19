"""How much of an observation the agent is shown: the first 1,920 tokens of it, as counted here."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, Protocol

from agenttuning.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

TOKENS: Final = 1_920
"""The protocol's limit."""
_CHARACTERS_PER_TOKEN: Final = 4


class Ruler(Protocol):
    """Cuts texts to a number of tokens."""

    @property
    def name(self) -> str:
        """What counts, as it stands in every number."""

    def cut(self, text: str) -> str:
        """Return as much of a text as the limit leaves."""


class CharacterRuler:
    """Takes four characters for one token."""

    name = f"{_CHARACTERS_PER_TOKEN} characters a token"

    def cut(self, text: str) -> str:
        """Cut after so many characters."""
        return text[: TOKENS * _CHARACTERS_PER_TOKEN]


class TokenizerRuler:
    """Counts with the tokenizer of a served model."""

    def __init__(self, path: Path) -> None:
        try:
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "a tokenizer file needs tokenizers; run `pip install 'agenttuning[train]'`"
            ) from error
        if not path.is_file():
            raise DataError(f"no tokenizer at {str(path)!r}; `tokenizer` names a tokenizer.json")
        self._tokenizer = Tokenizer.from_file(str(path))
        self.name = f"tokens of {path.parent.name}/{path.name}"

    def cut(self, text: str) -> str:
        """Cut after so many tokens, exactly where the last of them ends."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return text if len(offsets) <= TOKENS else text[: offsets[TOKENS - 1][1]]


@cache
def open_ruler(path: Path | None) -> Ruler:
    """Return the ruler of a tokenizer file; None counts characters.

    Raises:
        DataError: there is no such file.
        MissingExtraError: the package that reads it is not installed.
    """
    return CharacterRuler() if path is None else TokenizerRuler(path)

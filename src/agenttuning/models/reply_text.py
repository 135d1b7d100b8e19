"""The text of a reply while its tokens arrive: whole characters only, ended by the first stop string."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

_INCOMPLETE = "\ufffd"
_OVERLAP_TOKENS = 8


def decode(tokenizer: PreTrainedTokenizerBase, token_ids: Sequence[int]) -> str:
    """Return the text of a reply's tokens, special tokens left out."""
    text = tokenizer.decode(list(token_ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return cast("str", text)


def find_stop(text: str, stop: Sequence[str], *, start: int = 0) -> tuple[int, str] | None:
    """Return where the first stop string begins and which it is; the shorter one where two begin together."""
    found = [(at, len(mark), mark) for mark in stop if (at := text.find(mark, start)) >= 0]
    if not found:
        return None
    at, _, mark = min(found)
    return at, mark


def settled_length(text: str, stop: Sequence[str]) -> int:
    """Return how much of a growing text can no longer change.

    A last character whose bytes are incomplete, and an end that may become a stop string, are held back.
    """
    whole = text.rstrip(_INCOMPLETE)
    end = len(whole)
    for mark in stop:
        for size in range(min(len(mark) - 1, len(whole)), 0, -1):
            if whole.endswith(mark[:size]):
                end = min(end, len(whole) - size)
                break
    return end


class ReplyText:
    """One reply's text, fed token by token; a token costs the same in a long reply as in a short one."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, stop: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._stop = tuple(stop)
        self._longest = max(map(len, self._stop), default=1)
        self._shown = 0
        self._window = _Window(start=0, before="", overlap=0)
        self.text = ""
        """Everything so far, without the stop string."""
        self.stop_text = ""
        """The stop string that ended the reply, or empty."""

    def update(self, token_ids: Sequence[int]) -> None:
        """Read the tokens so far."""
        decoded = decode(self._tokenizer, token_ids[self._window.start :])
        searched = max(0, len(self._window.before) - self._longest)
        self.text = self._window.before + decoded[self._window.overlap :]
        found = find_stop(self.text, self._stop, start=searched)
        if found is not None:
            at, self.stop_text = found
            self.text = self.text[:at]
        elif len(token_ids) - self._window.start >= 2 * _OVERLAP_TOKENS:
            self._slide(token_ids)

    def release(self, *, last: bool) -> str:
        """Return the part that was not shown yet and will not change; all of the rest when it is the last."""
        end = len(self.text) if last or self.stop_text else settled_length(self.text, self._stop)
        shown, self._shown = self._shown, max(end, self._shown)
        return self.text[shown : self._shown]

    def _slide(self, token_ids: Sequence[int]) -> None:
        """Decode only the last tokens from now on: they begin with text, and all so far ends with a character."""
        start = len(token_ids) - _OVERLAP_TOKENS
        tail = decode(self._tokenizer, token_ids[start:])
        if tail and _INCOMPLETE not in tail and self.text.endswith(tail):
            self._window = _Window(start=start, before=self.text, overlap=len(tail))


@dataclass(frozen=True, slots=True)
class _Window:
    """The tokens that are decoded again with every new one, since a text depends on what stands before it."""

    start: int
    before: str
    """The text up to where the window was set."""
    overlap: int
    """How many characters of what the window gives are the end of `before`."""

"""Text to terms as Lucene's English analyzer does it: words, no possessive, lower case, stop words, Porter's stem."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.errors import MissingExtraError

try:
    import Stemmer
    from bm25s.stopwords import STOPWORDS_EN
except ModuleNotFoundError as error:
    raise MissingExtraError(
        f"search needs the package {error.name!r}; run `pip install 'agenttuning[search]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_WORD: Final = 255
"""Characters of a word that count; the rest is cut off."""
_INNER: Final = r"(?:(?:(?<=[^\W\d_])['\u2019.:](?=[^\W\d_])|(?<=\d)['\u2019.,;](?=\d))\w+)*"
_ASCII_WORD: Final = re.compile(rf"\w+{_INNER}", re.ASCII)
_WORD: Final = re.compile(rf"[\u3040-\u309f\u3400-\u9fff\uf900-\ufaff]|(?:(?![\u3040-\u309f\u3400-\u9fff])\w)+{_INNER}")
"""Unicode's word boundaries, nearly: an apostrophe, dot or colon joins letters, a comma or dot joins digits; an
ideograph or Hiragana sign is a word of its own."""
_POSSESSIVE: Final = ("'s", "\u2019s")
_STOP_WORDS: Final = frozenset(STOPWORDS_EN)


def words(text: str) -> list[str]:
    """Cut a text into lower-case words."""
    pattern = _ASCII_WORD if text.isascii() else _WORD
    return pattern.findall(text.lower())


def analyze(text: str) -> list[str]:
    """Return the terms of a text, in order and with repeats."""
    stem = stemmer()
    return [term for word in words(text) if (term := stem(word))]


def stemmer() -> Callable[[str], str]:
    """Return a function from a word to its term; a stop word gives the empty string.

    The function belongs to one thread.
    """
    porter = Stemmer.Stemmer("porter")

    def stem(word: str) -> str:
        bare = (word[:-2] if word.endswith(_POSSESSIVE) else word)[:LONGEST_WORD]
        return "" if bare in _STOP_WORDS else str(porter.stemWord(bare))

    return stem

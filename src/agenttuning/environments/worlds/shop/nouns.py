"""Which words of a product title are nouns: what WebShop compares titles by.

WebShop asks spaCy's `en_core_web_lg` (2023) or `en_core_web_sm` (later). `light` is our own tagger, with no model to
fetch: titles are strings of names, so a word counts as a noun unless a rule says otherwise. The name of the tagger is
part of what made a score.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Protocol

from agenttuning.environments.worlds.shop.words import words
from agenttuning.errors import MissingExtraError

LIGHT: Final = "light"
_TOKEN: Final = re.compile(r"\d[\d.,/]*(?=[^\W\d_]+(?![^\W_]))|[^\W_]+(?:[.'\u2019-]*[^\W_]+)*")
_SPLIT: Final = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_POSSESSIVE: Final = re.compile(r"['\u2019]s?$")
_NUMBER: Final = re.compile(r"\d[\d.,/x-]*(?:th|st|nd|rd)?")
_CLOSED_CLASS: Final = frozenset(
    words(
        "a about above across after against all along also although am among an and any are around as at be because "
        "been before behind being below beneath beside between beyond both but by can could did do does down during "
        "each either enough every few for from had has have he her here hers him his how i if in inside into is it its "
        "just least less like many may me might mine more most much must my near neither no nor not of off on once one "
        "only onto or other our ours out outside over per plus she should since so some such than that the their "
        "theirs them then there these they this those though through to together too toward towards two three four "
        "five six seven eight nine ten under underneath until up upon us very via was we were what when where which "
        "while who whose why will with within without would yes yet you your yours w"
    )
)
_VERBS: Final = frozenset(
    words(
        "add adds allow allows apply bring build buy carry choose come comes contain contains create enjoy ensure fit "
        "fits fix get give gives go help helps hold holds includes including keep keeps let made make makes need needs "
        "offer prevent prevents protects provide provides reduce reduces remove removes save see use used using want "
        "wear works"
    )
)
_ADJECTIVES: Final = frozenset(
    words(
        "active actual advanced african alkaline american antique aromatic artificial authentic automatic available "
        "average bad bare basic beautiful best better big black blue bold brief bright broad brown casual cheap "
        "chic chubby classic clean clear cold comfortable comfy commercial compact compatible complete convenient "
        "cool correct crisp cruel curly current custom cute daily dark decorative deep delicious dense different "
        "digital dirty double dry durable early easy eco elastic electric electronic elegant elite empty essential "
        "everyday exact excellent extra fair false famous fancy fast fat favorite fine firm fit flat flexible "
        "folding free fresh friendly full fun funny gentle genuine giant glad golden good gorgeous gothic gray "
        "great green grey half handmade happy hard healthy heavy high hot huge human ideal indoor industrial "
        "instant interior internal large late lazy lean left less light little long loose loud lovely low lower "
        "lucky luxurious mad main major male manual massive mature medium mini minor modern moisturizing multiple "
        "narrow native natural neat new nice non normal nude official old open optical orange organic original "
        "outdoor own perfect personal physical pink plain plastic plump polite poor popular portable powerful "
        "practical premium pretty private pro professional proper pure purple quick quiet rapid rare raw ready real "
        "recent red regular reliable removable resistant retro rich right rough round royal rustic safe same scenic "
        "seamless separate sexy shallow sharp short silent similar simple single skinny sleek slim slow small smart "
        "smooth soft solid special square stable standard steady sticky stiff straight strong stylish super "
        "superior sweet synthetic tall tender thermal thick thin tight tiny top traditional tropical true typical "
        "ultra unique universal unscented upper urban usual vegan versatile vertical vintage visible vivid warm "
        "waterproof weak wet white whole wide wild wireless wooden yellow young"
    )
)
_ADJECTIVE_ENDINGS: Final = ("able", "ible", "ful", "less", "ous", "ive", "ish", "proof", "ical", "free")
_NOT_ADJECTIVES: Final = frozenset(
    words(
        "adhesive cable constable dish drive fish five glove hive mouthful native olive radish sleeve spoonful table "
        "vegetable wireless"
    )
)


class NounTagger(Protocol):
    """Finds the nouns of a title."""

    def nouns(self, title: str) -> tuple[str, ...]:
        """Return the lower-cased tokens that are nouns or names, in order, with repeats."""


class LightTagger:
    """Rules and short lists: all but numbers, function words, adjectives, adverbs and inflected verbs is a noun."""

    def nouns(self, title: str) -> tuple[str, ...]:
        """Return the lower-cased tokens that are nouns or names, in order, with repeats."""
        tokens = [part for token in _TOKEN.findall(title) for part in _SPLIT.split(token)]
        return tuple(word for token in tokens if _is_noun(word := _POSSESSIVE.sub("", token).lower(), token))


def _is_noun(word: str, token: str) -> bool:
    if not word or _NUMBER.fullmatch(word) or word in _CLOSED_CLASS or word in _VERBS or word in _ADJECTIVES:
        return False
    if len(word) == 1:
        return token.isupper()
    if word.endswith("ly") and len(word) > 5:
        return False
    if token.islower() and word.endswith("ed") and len(word) > 4:
        return False
    return not (word.endswith(_ADJECTIVE_ENDINGS) and len(word) > 5 and word not in _NOT_ADJECTIVES)


class SpacyTagger:
    """WebShop's own way: the tokens that a spaCy model tags NOUN or PROPN."""

    def __init__(self, model: str) -> None:
        try:
            import spacy

            self._read = spacy.load(model)
        except (ModuleNotFoundError, OSError) as error:
            raise MissingExtraError(
                f"tagger {model!r} is no installed spaCy model: run `pip install spacy` and "
                f"`python -m spacy download {model}`, or set tagger = {LIGHT!r}"
            ) from error

    def nouns(self, title: str) -> tuple[str, ...]:
        """Return the lower-cased tokens that are nouns or names, in order, with repeats."""
        return tuple(str(token.text).lower() for token in self._read(title) if token.pos_ in {"NOUN", "PROPN"})


@cache
def load_tagger(name: str) -> NounTagger:
    """Return the tagger of that name: `light`, or an installed spaCy model such as `en_core_web_lg`.

    Raises:
        MissingExtraError: spaCy, or that model of it, is not installed.
    """
    return LightTagger() if name == LIGHT else SpacyTagger(name)

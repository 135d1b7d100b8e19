"""A model that reads task and element together and says how well they fit, as Mind2Web's own ranker does.

The texts are those that the official ranker (`osunlp/MindAct_CandidateGeneration_deberta-v3-base`) was trained on: the
element with its ancestors, and the task with the last three actions.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sites.ranking import by_score
from agenttuning.errors import MissingExtraError, RecipeError

try:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "a cross-encoder as mind2web's ranker needs transformers; run `pip install 'agenttuning[search,train]'`"
    ) from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.sites.page import Page

_BATCH: Final = 32
_LONGEST: Final = 512
_PREVIOUS: Final = 3
_WORDS_OF_ELEMENT: Final = 100
_WORDS_OF_ANCESTORS: Final = 50


class CrossEncoder:
    """Ranks by the score of a sequence classifier; its last label is the fitting one."""

    def __init__(self, name: str) -> None:
        """Load a model.

        Raises:
            RecipeError: there is no such model here, or it is no sequence classifier.
        """
        self.name = f"cross-encoder {name}"
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(name)
            self._model = AutoModelForSequenceClassification.from_pretrained(name)
        except (OSError, ValueError) as error:
            raise RecipeError(
                f"ranker = {name!r} is neither auto, bm25 or official nor a cross-encoder that transformers can load: "
                f"{error}"
            ) from error
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model.to(self._device).eval()

    def rank(self, page: Page, candidates: Sequence[str], *, task: str, previous: Sequence[str]) -> dict[str, int]:
        """Return the rank of every candidate; equal scores stay in the order given."""
        query = f"task is: {task}\nPrevious actions: {'; '.join(previous[-_PREVIOUS:])}"
        texts = [describe(page, node) for node in candidates]
        scores = [
            score
            for start in range(0, len(texts), _BATCH)
            for score in self._score(texts[start : start + _BATCH], query)
        ]
        return by_score(candidates, scores)

    def _score(self, texts: list[str], query: str) -> list[float]:
        batch = self._tokenizer(
            texts, [query] * len(texts), padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt"
        )
        with torch.inference_mode():
            logits = self._model(**batch.to(self._device)).logits
        return [float(score) for score in logits[:, -1]]


def describe(page: Page, node: str) -> str:
    """Return what the ranker is told of an element: the way to it, and its content.

    Raises:
        PageError: the node is not on the page.
    """
    above, inside = page.surroundings(node)
    way = re.sub(r"\s*\)\s*", "", re.sub(r"\s*\(\s*", "/", above))
    return (
        f"ancestors: {' '.join(way.split()[-_WORDS_OF_ANCESTORS:])}\n"
        f"target: {' '.join(inside.split()[:_WORDS_OF_ELEMENT])}"
    )

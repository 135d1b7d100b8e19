"""Answers of a chat model that are no answers: refusals, and talk about being a model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped, learned

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

_OPENING = 200
"""Characters in which a refusal shows; later such words are talked about, not said."""
_CANNOT = r"(?:can(?:no|')?t|can not|am (?:not able|unable) to|won't|will not|must decline to)"
_DOING = r"(?:help|assist|answer|comply|fulfil|provide|do that|continue|engage|discuss|support|generate|create|write)"
_MODEL = r"(?:(?:ai|artificial intelligence)(?:[,.;]| (?:language )?(?:model|assistant)\b)|(?:large )?language model\b)"
_PHRASES = re.compile(
    rf"\bas an? {_MODEL}|\bi(?:'m| am) (?:just |only )?an? {_MODEL}|"
    rf"\bi {_CANNOT} {_DOING}|\bi(?:'m| am) (?:sorry|afraid),? (?:but )?i {_CANNOT}\b|"
    r"\bi do(?:n't| not) have (?:personal (?:opinions|feelings|experiences)|access to real-?time)|"
    r"\bmy knowledge cut-?off\b|\b(?:against|violates) (?:openai'?s?|my|our) (?:content |use )?(?:policy|policies|"
    r"guidelines|programming)",
)


class Refusals:
    """No learned turn opens with a refusal or boilerplate of a chat model."""

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        refused = any(refuses(message.content) for message in learned(trajectory))
        return dropped("refusal or boilerplate") if refused else KEPT


def refuses(reply: str) -> bool:
    """Tell whether a reply opens with a refusal, or with talk about being a model."""
    return _PHRASES.search(reply[:_OPENING].lower().replace("\u2019", "'")) is not None

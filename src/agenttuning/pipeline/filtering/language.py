"""The script that a dialogue is written in: a cheap stand-in for its language.

A script tells English from Chinese or Russian, not English from French; a classifier for that would weigh more than all
the rest of the filter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agenttuning.pipeline.filtering.verdict import KEPT, Verdict, dropped, learned

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

Script = Literal["latin", "cjk", "cyrillic", "greek", "arabic", "hebrew", "devanagari", "thai"]
_LETTER = re.compile(r"[^\W\d_]")
_LETTERS: dict[str, re.Pattern[str]] = {
    "latin": re.compile(
        r"[A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a]"
    ),
    "cjk": re.compile(
        r"[\u1100-\u11ff\u3005-\u3007\u3040-\u30ff\u3105-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
        r"\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
    ),
    "cyrillic": re.compile(r"[\u0400-\u052f\u1c80-\u1c8f\u2de0-\u2dff\ua640-\ua69f]"),
    "greek": re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]"),
    "arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufeff]"),
    "hebrew": re.compile(r"[\u0590-\u05ff\ufb1d-\ufb4f]"),
    "devanagari": re.compile(r"[\u0900-\u097f\ua8e0-\ua8ff]"),
    "thai": re.compile(r"[\u0e00-\u0e7f]"),
}


@dataclass(frozen=True, slots=True)
class Scripts:
    """At least a share of the letters of the learned turns are of some scripts; without letters nothing is judged."""

    scripts: tuple[Script, ...]
    least: float

    def __call__(self, trajectory: Trajectory) -> Verdict:
        """Return whether it is kept, and why not."""
        text = "".join(message.content for message in learned(trajectory))
        if text.isascii() and "latin" in self.scripts:
            return KEPT
        letters = "".join(_LETTER.findall(text))
        expected = sum(len(_LETTERS[script].findall(letters)) for script in self.scripts)
        return dropped("other script") if expected < self.least * len(letters) else KEPT

"""One multiple-choice question in the form of Mind2Web's protocol: the page, the task, what was done, the choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.environments.worlds.sites.page import Page

_PREVIOUS: Final = 5
"""Earlier actions that are told."""
_ASK: Final = (
    "Which element comes next? Answer with its letter, or with A where none of them does:\n\nA. None of the above\n"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what its letters stand for."""

    text: str
    choices: tuple[tuple[str, str], ...]
    """(node id, text) of choice B, C, ..."""

    def letter(self, element: str) -> str:
        """Return the letter of an element among the choices."""
        return chr(ord("B") + [node for node, _ in self.choices].index(element))


def ask(page: Page, candidates: Iterable[str], *, task: str, previous: Sequence[str]) -> Question:
    """Write the question about some candidates of a page.

    Raises:
        PageError: a candidate is not on the page.
    """
    view = page.view(candidates)
    return Question(f"'''\n{view.context}\n'''\n\n{_instruct(task, previous, view.choices)}", view.choices)


def _instruct(task: str, previous: Sequence[str], choices: Sequence[tuple[str, str]]) -> str:
    done = "\n".join(previous[-_PREVIOUS:]) or "None"
    listed = "".join(f"{chr(ord('B') + number)}. {text}\n" for number, (_, text) in enumerate(choices))
    return f"Task on this page: {task}\nPrevious actions:\n{done}\n{_ASK}{listed}"

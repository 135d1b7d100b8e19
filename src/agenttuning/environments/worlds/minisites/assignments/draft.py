"""What one template makes of a scene: a question, its judgement, and the actions of an expert with their thoughts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from agenttuning.environments.worlds.webarena.raw_task import ProgramHtml, ReferenceAnswers, RequiredContents

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.minisites.scene import Scene
    from agenttuning.environments.worlds.minisites.site import SiteName

Say = tuple[str, str]
"""A thought and the action that follows from it; elements are named by role and name."""
IMPOSSIBLE: Final = "N/A"
_FRAMES: Final = (
    "{why}.",
    "Next step: {why}.",
    "From what I see, {why}.",
    "The objective is not reached yet: {why}.",
    "I go on as planned: {why}.",
)
_LAST_FRAMES: Final = (
    "{why}.",
    "That is all: {why}.",
    "I can stop here, because {why}.",
    "Nothing is left to do, since {why}.",
)


@dataclass
class Script:
    """Writes the expert's actions down."""

    scene: Scene
    random: random.Random
    steps: list[Say] = field(default_factory=list)

    def _add(self, why: str, action: str, frames: Sequence[str] = _FRAMES) -> Script:
        frame = frames[0] if self.scene.difficulty == "tiny" else self.random.choice(frames)
        thought = frame.format(why=why)
        self.steps.append((thought[0].upper() + thought[1:], action))
        return self

    def click(self, role: str, name: str, why: str) -> Script:
        """Click an element."""
        return self._add(why, f"click [{role} {name!r}]")

    def link(self, name: str, why: str) -> Script:
        """Follow a link."""
        return self.click("link", name, why)

    def button(self, name: str, why: str) -> Script:
        """Press a button."""
        return self.click("button", name, why)

    def type(self, role: str, name: str, text: str, why: str, *, enter: bool = False) -> Script:
        """Fill a field."""
        return self._add(why, f"type [{role} {name!r}] [{text}] [{int(enter)}]")

    def tab(self, number: int, why: str) -> Script:
        """Turn to another tab."""
        return self._add(why, f"tab_focus [{number}]")

    def stop(self, answer: str, why: str) -> tuple[Say, ...]:
        """End with an answer; return the whole script."""
        self._add(why, f"stop [{answer}]", _LAST_FRAMES)
        return tuple(self.steps)


@dataclass(frozen=True)
class Draft:
    """One task before it is a record."""

    intent: str
    """With `{name}` in the place of each value."""
    values: dict[str, str]
    oracle: tuple[Say, ...]
    answers: ReferenceAnswers | None = None
    reference_url: str = ""
    url_note: Literal["EXACT", "GOLD in PRED"] | None = None
    pages: tuple[ProgramHtml, ...] = ()
    note: str = ""
    """Why it cannot be done, where that is the answer."""
    sites: tuple[SiteName, ...] = ()
    """The sites of its tabs; empty for the template's own one."""
    logged_in: bool = True


@dataclass(frozen=True)
class Template:
    """A kind of task."""

    name: str
    site: SiteName
    make: Callable[[Scene, random.Random], Draft | None]
    """Returns None where the scene has nothing to ask about."""
    difficulties: tuple[Difficulty, ...] = ("standard", "hard")


def exactly(text: str) -> ReferenceAnswers:
    """Return the reference of an answer that must be equal."""
    return ReferenceAnswers(exact_match=text)


def including(*texts: str) -> ReferenceAnswers:
    """Return the reference of an answer that must hold every text."""
    return ReferenceAnswers(must_include=texts)


def meaning(*texts: str) -> ReferenceAnswers:
    """Return the reference of an answer that must mean every text."""
    return ReferenceAnswers(fuzzy_match=texts)


def nothing() -> ReferenceAnswers:
    """Return the reference of a task that cannot be done."""
    return ReferenceAnswers(fuzzy_match=IMPOSSIBLE)


def shows(url: str, *texts: str, locator: str = "") -> ProgramHtml:
    """Return a look at a page that must hold every text."""
    return ProgramHtml(url=url, locator=locator, required_contents=RequiredContents(must_include=texts))


def reads(url: str, text: str, *, locator: str, prepare: tuple[str, ...] = ()) -> ProgramHtml:
    """Return a look at a part of a page that must be equal to a text."""
    contents = RequiredContents(exact_match=text)
    return ProgramHtml(url=url, locator=locator, required_contents=contents, prep_actions=prepare)


def text_of(selector: str) -> str:
    """Return the expression that reads the text of an element."""
    return f"document.querySelector('{selector}').outerText"

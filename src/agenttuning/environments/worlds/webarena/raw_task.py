"""The raw task schema of WebArena (`test.raw.json`): one task, and what its evaluators look at.

It reads the copy of 2023, today's upstream file, and the tasks of webarena-mini. Addresses hold placeholders such as
`__SHOPPING__`, which a table of sites replaces.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agenttuning.core.records import Record

Site = Literal["shopping", "shopping_admin", "reddit", "gitlab", "map", "wikipedia"]
EvaluationType = Literal["string_match", "url_match", "program_html"]
SEVERAL = " |AND| "
"""Between the addresses of a start with several tabs."""
EITHER = " |OR| "
"""Between alternatives that are equally right."""


class ReferenceAnswers(Record):
    """What the answer of a `string_match` task is held against; all that are given must hold."""

    exact_match: str | None = None
    must_include: tuple[str, ...] | None = None
    fuzzy_match: str | tuple[str, ...] | None = None
    """Judged by a model; the string `N/A` marks a task that is impossible."""


class RequiredContents(Record):
    """What a part of a page must hold, in upstream's form."""

    exact_match: str | None = None
    must_include: tuple[str, ...] | None = None


class ProgramHtml(Record):
    """One look at one page after the episode."""

    url: str
    """An address, `last` (where the agent stopped), or `func:` and a call of a registered function."""
    locator: str
    """Empty (the whole page), a JavaScript expression, or `func:` and a call of a registered function."""
    required_contents: str | RequiredContents
    """The copy of 2023 gives one string, which must be included."""
    prep_actions: tuple[str, ...] = ()
    """JavaScript expressions that open what the locator looks at."""


class Evaluation(Record):
    """How a task is judged: every named evaluator, multiplied."""

    eval_types: tuple[EvaluationType, ...] = Field(min_length=1)
    reference_answers: ReferenceAnswers | None
    reference_url: str | None
    program_html: tuple[ProgramHtml, ...]
    url_note: Literal["GOLD in PRED", "EXACT"] | None = None
    string_note: str | None = None
    """Why a task is impossible, in an annotator's words."""
    annotation_note: str | None = None
    reference_answer_raw_annotation: str | None = None


class RawTask(Record):
    """One task of the benchmark."""

    sites: tuple[Site, ...] = Field(min_length=1)
    task_id: int = Field(ge=0)
    require_login: bool
    storage_state: str | None
    """File with the cookies of a user who is logged in, in the benchmark's own folders."""
    start_url: str
    """Addresses of the first tabs, joined by `SEVERAL`."""
    geolocation: dict[str, float] | None
    intent_template: str
    instantiation_dict: dict[str, str | int | tuple[str, ...]]
    intent: str
    """What the agent is asked to do."""
    require_reset: bool
    eval: Evaluation
    intent_template_id: int
    string_note: str | None = None
    """One official task carries its note here."""

    @property
    def start_urls(self) -> tuple[str, ...]:
        """The addresses of the first tabs, one each."""
        return tuple(self.start_url.split(SEVERAL))

    @property
    def changes_sites(self) -> bool:
        """May a right solution leave a site changed: such tasks must not run beside others on the same site."""
        return self.require_reset or "program_html" in self.eval.eval_types

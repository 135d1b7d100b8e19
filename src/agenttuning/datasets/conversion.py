"""From any format to any other, streaming; what happened is counted, and nothing is dropped in silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.checks import Checker
from agenttuning.datasets.hub import write_hub
from agenttuning.datasets.inspect_archive import pack_archive
from agenttuning.datasets.mend import mend
from agenttuning.datasets.parts import trained
from agenttuning.datasets.problems import BadRowError, Problem
from agenttuning.datasets.row_writer import write_rows
from agenttuning.datasets.rows import kind
from agenttuning.errors import DataError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agenttuning.datasets.dialogue import Dialogue, Row
    from agenttuning.datasets.format import Format
    from agenttuning.datasets.row_writer import Unwritable

_EXAMPLES: Final = 5


@dataclass
class Findings:
    """Problems by rule: how many, and where the first ones are."""

    counts: Counter[str] = field(default_factory=Counter)
    severity: dict[str, str] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def __call__(self, place: str, problem: Problem) -> None:
        """Count one."""
        rule = problem.rule
        self.counts[rule] += 1
        self.severity[rule] = problem.severity
        kept = self.examples.setdefault(rule, [])
        if len(kept) < _EXAMPLES:
            kept.append(f"{place} {problem}")

    @property
    def errors(self) -> int:
        """Findings that make a row unfit."""
        return sum(count for rule, count in self.counts.items() if self.severity[rule] == "error")


@dataclass
class Outcome:
    """What a conversion did."""

    read: int = 0
    written: int = 0
    rows: int = 0
    left_behind: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    refused: Findings = field(default_factory=Findings)
    """Dialogues kept out, by reason; rows that could not be read are added by the reader."""
    beside: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Conversion:
    """How to write."""

    form: Format
    fix: bool = False
    drop: bool = False
    """Keep out dialogues in which `Checker` finds an error."""

    def run(self, dialogues: Iterable[tuple[str, Dialogue]], target: Path, outcome: Outcome) -> None:
        """Write all dialogues; the target appears when all is done.

        Raises:
            DataError: a trajectory of a test set, and a format that is trained on.
            RecipeError: the format is not written to such a file.
        """
        self.accepts(target)
        rows = self._rows(dialogues, outcome)
        write = {"": self._hub, ".eval": self._archive}.get(target.suffix, self._file)
        outcome.rows = write(rows, target, outcome)
        outcome.beside = [str(path) for path in self.form.finish(target)]

    def accepts(self, target: Path) -> None:
        """Refuse a target that the format is not written to.

        Raises:
            RecipeError: with the suffixes that would do.
        """
        form = self.form
        known = ", ".join(form.suffixes)
        if not form.writable:
            raise RecipeError(f"{form.name} is only read; choose another format with --to")
        if target.suffix == "" and form.name == "agentinstruct":
            return
        if target.suffix == "" or (target.suffix != ".eval" and kind(target) not in form.suffixes):
            raise RecipeError(f"{form.name} is not written to {target.name}; known: {known}")
        if target.suffix == ".eval" and ".eval" not in form.suffixes:
            raise RecipeError(f"{form.name} is not written to {target.name}; known: {known}, or add --to inspect")

    def _rows(self, dialogues: Iterable[tuple[str, Dialogue]], outcome: Outcome) -> Iterator[Row]:
        checker = Checker()
        for number, (place, found) in enumerate(dialogues):
            outcome.read += 1
            dialogue = mend(found, self.form, outcome.mended) if self.fix else found
            errors = [p for p in checker.check(dialogue) if p.severity == "error"] if self.drop else []
            for problem in errors[:1]:
                outcome.refused(place, problem)
            if errors:
                continue
            try:
                lost = self._admit(dialogue)
                rows = list(self.form.rows(dialogue, number=number))
            except BadRowError as error:
                outcome.refused(place, error.problem)
                continue
            outcome.left_behind.update(lost)
            outcome.written += 1
            yield from rows

    def _admit(self, dialogue: Dialogue) -> Counter[str]:
        header = dialogue.extra.get("trajectory")
        if self.form.training and isinstance(header, dict):
            if header.get("never_train"):
                raise DataError(
                    f"{header.get('environment')} task {header.get('task')!r} is test data, which its owners keep for "
                    f"evaluation and which is never trained on; convert a training split, or --to atif to look at it"
                )
            if not trained(dialogue):
                raise BadRowError(Problem("untrained", "", "nothing in it is trained", "nothing to do"))
        try:
            "".join([turn.content for turn in dialogue.turns]).encode()
        except UnicodeEncodeError as error:
            raise BadRowError(_surrogate(error)) from error
        return self.form.check(dialogue)

    def _unwritable(self, outcome: Outcome) -> Unwritable:
        def count(row: Row, error: UnicodeEncodeError) -> None:
            outcome.written -= 1
            outcome.refused(f"row {row.get('id')!r}", _surrogate(error))

        return count

    def _file(self, rows: Iterator[Row], target: Path, outcome: Outcome) -> int:
        parquet = kind(target) == ".parquet"
        return write_rows(
            target,
            map(self.form.column_row, rows) if parquet else rows,
            schema=self.form.schema() if parquet else None,
            around=self.form.around(),
            unwritable=self._unwritable(outcome),
        )

    def _hub(self, rows: Iterator[Row], target: Path, outcome: Outcome) -> int:
        return write_hub(target, rows, schema=self.form.schema(), unwritable=self._unwritable(outcome))

    def _archive(self, rows: Iterator[Row], target: Path, outcome: Outcome) -> int:
        log = target.with_name(f".{target.name}.json")
        try:
            count = self._file(rows, log, outcome)
            pack_archive(log, target)
        finally:
            log.unlink(missing_ok=True)
        return count


def _surrogate(error: UnicodeEncodeError) -> Problem:
    value = f"holds text that UTF-8 cannot: {error.reason}"
    return Problem("lone_surrogate", "", value, "--fix replaces it in turns; correct the row elsewhere")

"""The seven sets of questions of the original evaluation, 50 rows of each, as far as the rows are here.

Four sets come as CSV with the numbers of the rows that are asked. Of gsm8k, HotpotQA and TriviaQA there are the numbers
alone: the rows are read from files that the user has, the train splits of the hub's data sets of these names.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from agenttuning.environments.worlds.rewoo.question import Question, written_plan
from agenttuning.environments.worlds.rewoo.rows import Row, TriviaAnswer, read_rows
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agenttuning.environments.worlds.rewoo.scoring import Match
    from agenttuning.environments.worlds.rewoo.toolbox import ToolName

SetName = Literal[
    "hotpot_qa", "trivia_qa", "gsm8k", "strategy_qa", "physics_question", "sports_understanding", "sotu_qa"
]
INDEX_FILE: Final = "agenttuning_sample_indices_seed2024_n50.json"
SPEECH_FILE: Final = "state_of_the_union.txt"
_GENERAL: Final[tuple[ToolName, ...]] = ("Wikipedia", "LLM", "WolframAlpha", "Calculator", "Google")
_ANNOTATION: Final = re.compile(r"<<([^<>=]+)=[^<>]*>>")
_ONE_OF: Final = re.compile(r"\s*Can be one of (\[.*\])\s*", re.DOTALL)
_TOPIC: Final = "Based on State of the Union Address 2023:"


class QuestionSet(NamedTuple):
    """One of the seven."""

    key: str
    """Of its row numbers in the index file."""
    whole: int
    """Rows that the numbers were drawn from."""
    match: Match
    tools: tuple[ToolName, ...]
    """What the original offers to the planner."""
    file: str = ""
    """Beside the index file; empty where the user brings the rows."""


SETS: Final[Mapping[SetName, QuestionSet]] = {
    "hotpot_qa": QuestionSet("hotpot_qa_fullwiki_train", 90_447, "exact", ("Wikipedia", "LLM")),
    "trivia_qa": QuestionSet("trivia_qa_rc_nocontext_train", 138_384, "exact", ("Wikipedia", "LLM")),
    "gsm8k": QuestionSet("gsm8k_train", 7_473, "number", ("LLM", "WolframAlpha", "Calculator")),
    "strategy_qa": QuestionSet("strategy_qa", 2_290, "exact", _GENERAL, "strategy_qa.csv"),
    "physics_question": QuestionSet("physics_question", 53, "quantity", _GENERAL, "physics_question.csv"),
    "sports_understanding": QuestionSet("sports_understanding", 1_000, "exact", _GENERAL, "sports_understanding.csv"),
    "sotu_qa": QuestionSet("sotu_qa", 74, "exact", ("LLM", "Calculator", "Google", "SearchSOTU"), "SOTU_QA.csv"),
}
"""In the order of the original."""


class Rows(NamedTuple):
    """Where the rows lie."""

    folder: Path
    """With the index file."""
    given: tuple[tuple[SetName, Path], ...] = ()
    """Rows that the user brings."""

    def path(self, name: SetName) -> Path | None:
        """Return the file with the rows of a set; None where there is none."""
        if (told := dict(self.given).get(name)) is not None:
            return told
        file, beside = SETS[name].file, self.folder.parent / name
        places = [self.folder / file] if file else [beside / "train.jsonl", beside / "train.jsonl.gz"]
        return next((place for place in places if place.exists()), None)

    def present(self) -> list[SetName]:
        """Return the sets whose rows are here."""
        return [name for name in SETS if self.path(name) is not None]


def read_set(name: SetName, rows: Rows) -> tuple[tuple[int, Question], ...]:
    """Return the questions of a set with their row numbers, in the order of the original.

    Raises:
        DataError: the rows are missing, or of another format.
    """
    path = rows.path(name)
    if path is None:
        wanted = f"the {SETS[name].whole:,} rows of its train split (JSON lines or Parquet)"
        where = SETS[name].file or f"{name} = PATH of {wanted}"
        raise DataError(f"the rows of {name!r} are not in {rows.folder}: it needs {where}")
    return _read(name, path, rows.folder / INDEX_FILE)


def interleaved(names: list[SetName], rows: Rows) -> list[tuple[SetName, int, Question]]:
    """Return the questions of several sets in turns, so that every part of the list is of all."""
    columns = [[(name, number, question) for number, question in read_set(name, rows)] for name in names]
    return [entry for entry in chain.from_iterable(zip_longest(*columns)) if entry is not None]


@lru_cache(maxsize=16)
def _read(name: SetName, path: Path, index_file: Path) -> tuple[tuple[int, Question], ...]:
    numbers = _numbers(index_file)[SETS[name].key]
    rows = read_rows(path, numbers, whole=SETS[name].whole)
    return tuple((number, _question(name, row)) for number, row in zip(numbers, rows, strict=True))


def _numbers(path: Path) -> dict[str, list[int]]:
    try:
        found = TypeAdapter(dict[str, list[int]]).validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(f"cannot read the row numbers, {path}: {error}") from error
    missing = [kept.key for kept in SETS.values() if kept.key not in found]
    if missing:
        raise DataError(f"{path} has no row numbers of {', '.join(missing)}")
    return found


def _question(name: SetName, row: Row) -> Question:
    text = row.question.strip()
    return Question(text, _golds(name, row), SETS[name].match, name, _plan(name, text, row))


def _golds(name: SetName, row: Row) -> tuple[str, ...]:
    if isinstance(row.answer, TriviaAnswer):
        return tuple(dict.fromkeys((row.answer.value, *row.answer.aliases, *row.answer.normalized_aliases)))
    if name == "gsm8k":
        return (row.answer.rpartition("####")[2].strip(),)
    if name != "physics_question":
        return (row.answer.strip(),)
    listed = _ONE_OF.fullmatch(row.answer)
    try:
        return tuple(TypeAdapter(list[str]).validate_python(ast.literal_eval(listed[1] if listed else "")))
    except (SyntaxError, ValueError) as error:
        raise DataError(f"no answer can be read from {row.answer!r}: {error}") from error


def _plan(name: SetName, text: str, row: Row) -> str:
    """Write the plan of an expert who knows the set: the published arithmetic, or one search."""
    if name == "gsm8k" and isinstance(row.answer, str):
        found = _ANNOTATION.findall(row.answer)
        return written_plan([(f"Work out {formula}.", f"Calculator[{formula}]") for formula in found])
    tool = "SearchSOTU" if name == "sotu_qa" else "Wikipedia"
    words = text.removeprefix(_TOPIC).strip().replace("[", "(").replace("]", ")")
    return written_plan([("Search for what the question is about.", f"{tool}[{words}]")])

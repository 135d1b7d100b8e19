"""MT-Bench's own files: questions, references, and the judge's prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from agenttuning.core.records import Record
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

References = Literal["gpt4", "inflection"]
Pair = tuple[str, str]
RowT = TypeVar("RowT", bound=BaseModel)


class Question(Record):
    """One question of two turns."""

    id: int
    category: str
    turns: Pair
    reference: Pair | None = None
    """Reference answers, where the judge is shown some."""


class _Row(BaseModel):
    question_id: int
    category: str
    turns: Pair
    reference: Pair | None = None


class _Choice(BaseModel):
    turns: Pair


class _Reference(BaseModel):
    question_id: int
    choices: list[_Choice]


class JudgePrompt(Record):
    """One prompt of the judge."""

    system: str
    template: str
    """With `{question_1}`, `{answer_1}` and the like; single-turn prompts call them `{question}`, `{answer}`."""


class _Prompt(BaseModel):
    name: str
    type: str
    system_prompt: str
    prompt_template: str


def read_questions(folder: Path, references: References) -> list[Question]:
    """Read the questions in their own order, each with the chosen reference answers.

    `gpt4`: the published questions, and GPT-4's answers to 30 of them (some are wrong). `inflection`: the corrected
    set, whose questions differ in four places.

    Raises:
        DataError: a file is missing or of another form.
    """
    if references == "inflection":
        return [_question(row, row.reference) for row in _rows(folder / "mt_bench_inf.jsonl", _Row)]
    answers = {
        row.question_id: row.choices[0].turns for row in _rows(folder / "reference_answer_gpt-4.jsonl", _Reference)
    }
    return [_question(row, answers.get(row.question_id)) for row in _rows(folder / "question.jsonl", _Row)]


def _question(row: _Row, reference: Pair | None) -> Question:
    return Question(id=row.question_id, category=row.category, turns=row.turns, reference=reference)


def read_judge_prompts(folder: Path) -> dict[str, JudgePrompt] | None:
    """Return the published judge's prompts by name; None where the folder has none.

    Raises:
        DataError: the file is of another form.
    """
    path = folder / "judge_prompts.jsonl"
    if not path.exists():
        return None
    rows = [row for row in _rows(path, _Prompt) if row.type == "single"]
    return {row.name: JudgePrompt(system=row.system_prompt, template=row.prompt_template) for row in rows}


def _rows(path: Path, kind: type[RowT]) -> list[RowT]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}; name the folder with MT-Bench's own files") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(kind.model_validate_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "line"
            raise DataError(f"{path}:{number} is not MT-Bench's: {where}: {first['msg']}") from error
    return found

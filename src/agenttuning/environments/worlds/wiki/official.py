"""The readers of HotpotQA's files: questions with their paragraphs, in any form they are passed around in, and pages.

Questions: the authors' JSON lists (`hotpot_dev_distractor_v1.json` ...), the same as JSON lines, Hugging Face's
columns, and AgentTuning's 300 questions as JSON lines. Pages: the paragraphs of any of these, or JSON lines with
`title` and `text` (a string, sentences, or paragraphs of sentences), such as HotpotQA's Wikipedia abstracts. Gzip is
recognised by its first bytes. All is held in memory: about three times the size of the text.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, Field, ValidationError

from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.environments.worlds.wiki.explorer import clean
from agenttuning.environments.worlds.wiki.questions import Support
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SPLITS: Final = {
    "agenttuning_300_distractor.jsonl": "test",
    "hotpot_dev_distractor_v1.json": "dev",
    "hotpot_dev_fullwiki_v1.json": "dev_fullwiki",
    "hotpot_train_v1.1.json": "train",
}
"""What a folder is searched for, each also with `.gz`; a file of any other name is the split `test`."""
_GZIP: Final = b"\x1f\x8b"
EntryT = TypeVar("EntryT", bound=BaseModel)
Line = Annotated[str, AfterValidator(clean)]
"""A text without line breaks, control characters and lone surrogates, which JSON lets through."""


def _pairs(columns: object) -> object:
    """Turn Hugging Face's two parallel lists into a list of pairs."""
    if not isinstance(columns, dict) or not all(isinstance(column, list) for column in columns.values()):
        return columns
    titles = columns.get("title", [])
    others = [column for name, column in columns.items() if name != "title"]
    return [list(pair) for pair in zip(titles, *others, strict=False)]


class OfficialQuestion(BaseModel):
    """One question of HotpotQA."""

    id: str = Field(default="", validation_alias=AliasChoices("_id", "id"))
    """Empty in files that have none."""
    question: Line
    answer: Line
    level: str | None = None
    """`easy`, `medium` or `hard`."""
    type: str = "bridge"
    supporting_facts: Annotated[list[tuple[Line, int]], BeforeValidator(_pairs)] = []
    """Title and number of the sentence, from 0."""
    context: Annotated[list[tuple[Line, list[str]]], BeforeValidator(_pairs)] = []
    """Title and sentences of the paragraphs that come with it."""

    def supports(self) -> tuple[Support, ...]:
        """Return the supporting sentences that there are, page by page; the data name a few that do not exist."""
        sizes = {title: len(sentences) for title, sentences in self.context}
        order = list(dict.fromkeys(title for title, _ in self.supporting_facts))
        facts = [(title, place) for title, place in self.supporting_facts if 0 <= place < sizes.get(title, place + 1)]
        return tuple(Support(title=title, paragraph=place) for one in order for title, place in facts if title == one)


class _PageLine(BaseModel):
    title: Line
    text: str | list[str | list[str]]

    def page(self) -> Page:
        if isinstance(self.text, str):
            return Page(title=self.title, paragraphs=tuple(line for line in self.text.split("\n") if line.strip()))
        if any(isinstance(part, list) for part in self.text):
            joined = ("".join(part).strip() for part in self.text)
            return Page(title=self.title, paragraphs=tuple(text for text in joined if text))
        return _lead_page(self.title, [part for part in self.text if isinstance(part, str)])


def _lead_page(title: str, sentences: list[str]) -> Page:
    """Make a page of one paragraph, which a search shows whole, as the first paragraph was in 2023."""
    return Page(title=title, paragraphs=tuple(one.strip() for one in sentences), lead=len(sentences))


def find_files(path: Path) -> Mapping[str, Path]:
    """Return split -> file for a folder or for one file.

    Raises:
        DataError: there is no such file, or none of HotpotQA's in the folder.
    """
    if path.is_file():
        return {SPLITS.get(path.name.removesuffix(".gz"), "test"): path}
    found: dict[str, Path] = {}
    for name, split in SPLITS.items():
        for file in (path / name, path / f"{name}.gz"):
            if file.is_file():
                found.setdefault(split, file)
    if not found:
        raise DataError(
            f"no HotpotQA questions at {str(path)!r}; name a file of any name, or a folder with {', '.join(SPLITS)} "
            "(each may end in .gz)"
        )
    return found


def count_questions(path: Path) -> dict[str, int]:
    """Return the number of questions of every split found."""
    return {split: len(read_questions(file)) for split, file in find_files(path).items()}


def split_file(path: Path, split: str) -> Path:
    """Return the file of a split.

    Raises:
        DataError: no file holds such a split.
    """
    files = find_files(path)
    if split not in files:
        raise DataError(
            f"hotpotqa has no split {split!r}{nearest(split, files)} at {str(path)!r}; found: {', '.join(files)}"
        )
    return files[split]


def read_questions(file: Path) -> list[OfficialQuestion]:
    """Return the questions of a file in order; the file is read once while it stays as it is.

    Raises:
        DataError: the file cannot be read, or an entry is no question (the text names the line or entry).
    """
    return _questions(file, _state(file))


def read_pages(file: Path) -> tuple[tuple[Page, ...], str]:
    """Return the pages of a file in order, and a name for them: the file's and a digest of its text.

    Raises:
        DataError: the file cannot be read, holds no page, or an entry is neither a page nor a question.
    """
    return _pages(file, _state(file))


def _state(file: Path) -> tuple[int, int]:
    try:
        known = file.stat()
    except OSError as error:
        raise DataError(f"cannot read {file}: {error.strerror}; name a HotpotQA file") from error
    return known.st_mtime_ns, known.st_size


@lru_cache(maxsize=4)
def _questions(file: Path, state: tuple[int, int]) -> list[OfficialQuestion]:  # noqa: ARG001  part of the key
    return [_checked(OfficialQuestion, entry, where) for where, entry in _entries(file, _text(file))]


@lru_cache(maxsize=2)
def _pages(file: Path, state: tuple[int, int]) -> tuple[tuple[Page, ...], str]:  # noqa: ARG001  part of the key
    text = _text(file)
    pages: dict[str, Page] = {}
    for where, entry in _entries(file, text):
        if isinstance(entry, dict) and "text" in entry:
            page = _checked(_PageLine, entry, where).page()
            pages.setdefault(page.title, page)
            continue
        for title, sentences in _checked(OfficialQuestion, entry, where).context:
            if title not in pages:
                pages[title] = _lead_page(title, sentences)
    if not pages:
        raise DataError(f"{file} holds questions without paragraphs; name a file with pages as `corpus`")
    name = file.name.removesuffix(".gz").rpartition(".")[0] or file.name
    return tuple(pages.values()), f"{name} {hashlib.sha256(text).hexdigest()[:8]}"


def _text(file: Path) -> bytes:
    try:
        data = file.read_bytes()
        return gzip.decompress(data) if data.startswith(_GZIP) else data
    except (OSError, EOFError) as error:  # a torn gzip file is either
        raise DataError(f"cannot read {file}: {error}; fetch the file again") from error


def _entries(file: Path, text: bytes) -> Iterator[tuple[str, object]]:
    """Yield the entries of a JSON list, or of JSON lines, each with the place for an error's text."""
    if text.lstrip()[:1] == b"[":
        for number, entry in enumerate(_parsed(text, str(file))):
            yield f"{file}, entry {number + 1}", entry
        return
    for number, line in enumerate(text.split(b"\n")):
        if line.strip():
            where = f"{file}:{number + 1}"
            yield where, _parsed(line, where)


def _parsed(text: bytes, where: str) -> list[object]:
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where} is no JSON: {error}; fetch the file again") from error


def _checked(kind: type[EntryT], entry: object, where: str) -> EntryT:
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "entry"
        raise DataError(f"{where} is no entry of HotpotQA: {place}: {first['msg']}; fetch the file again") from error

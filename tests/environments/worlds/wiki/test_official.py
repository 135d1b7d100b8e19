"""HotpotQA's files: every form they come in, and those that are broken."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.environments.worlds.wiki.official import count_questions, find_files, read_pages, read_questions
from agenttuning.environments.worlds.wiki.questions import Support
from agenttuning.errors import DataError

CONTEXT = [["Oslo", ["Oslo is a city.", " It lies on a fjord."]], ["Bergen", ["Bergen rains."]]]
FACTS = [["Bergen", 0], ["Oslo", 1], ["Bergen", 5], ["Oslo", 0]]
QUESTION = {"question": "Where?", "answer": "Oslo", "type": "bridge", "level": "hard"}
AUTHORS = {"_id": "a1", **QUESTION, "supporting_facts": FACTS, "context": CONTEXT}
COLUMNS = {
    "id": "a1",
    **QUESTION,
    "supporting_facts": {"sent_id": [place for _, place in FACTS], "title": [title for title, _ in FACTS]},
    "context": {"title": [title for title, _ in CONTEXT], "sentences": [sentences for _, sentences in CONTEXT]},
}


def _lines(*entries: object) -> bytes:
    return b"\n".join(json.dumps(entry).encode() for entry in entries)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([AUTHORS]).encode(),
        b"\n " + json.dumps([AUTHORS], indent=1).encode(),
        _lines(AUTHORS),
        _lines({**AUTHORS, "extra": 1}) + b"\n\n",
        _lines(COLUMNS),
        gzip.compress(_lines(COLUMNS)),
        gzip.compress(json.dumps([AUTHORS]).encode()),
    ],
)
def test_every_form_gives_the_same_questions_and_pages(text: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(text)
    (question,) = read_questions(file)
    assert (question.id, question.question, question.answer, question.level) == ("a1", "Where?", "Oslo", "hard")
    assert question.supports() == (
        Support(title="Bergen", paragraph=0),
        Support(title="Oslo", paragraph=1),
        Support(title="Oslo", paragraph=0),
    )
    pages, name = read_pages(file)
    assert pages == (
        Page(title="Oslo", paragraphs=("Oslo is a city.", "It lies on a fjord."), lead=2),
        Page(title="Bergen", paragraphs=("Bergen rains.",), lead=1),
    )
    assert name.startswith("mine ")


@pytest.mark.parametrize(
    ("text", "paragraphs", "lead"),
    [
        ("First.\n\nSecond.\n", ("First.", "Second."), 1),
        (["One.", " Two."], ("One.", "Two."), 2),
        ([["One.", " Two."], ["Three."], []], ("One. Two.", "Three."), 1),
    ],
)
def test_a_dump_of_pages_is_a_corpus(text: object, paragraphs: tuple[str, ...], lead: int, tmp_path: Path) -> None:
    file = tmp_path / "wiki.jsonl"
    file.write_bytes(_lines({"id": "1", "url": "u", "title": "Oslo", "text": text}, AUTHORS))
    pages, _ = read_pages(file)
    assert pages[0] == Page(title="Oslo", paragraphs=paragraphs, lead=lead)
    assert [page.title for page in pages] == ["Oslo", "Bergen"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (_lines(AUTHORS) + b"\n{", r"bad.json:2 is no JSON"),
        (_lines(AUTHORS) + b"\n\xff", r"bad.json:2 is no JSON"),
        (_lines(AUTHORS, {"question": "q"}), r"bad.json:2 is no entry of HotpotQA: answer: Field required"),
        (_lines({**COLUMNS, "context": {"title": ["a"]}}), r"bad.json:1 is no entry of HotpotQA: context.0"),
        (_lines(AUTHORS, 7), r"bad.json:2 is no entry of HotpotQA: entry"),
        (b"[1, 2", r"bad.json is no JSON: .*line 1 column"),
        (json.dumps([AUTHORS, {**AUTHORS, "context": [["Oslo", "text"]]}]).encode(), r"entry 2 .*context.0.1"),
        (b"[" * 100_000, r"bad.json is no JSON"),
        (gzip.compress(_lines(AUTHORS) * 100)[:-30], r"cannot read .*bad.json"),
        (b"\x1f\x8bnonsense", r"cannot read .*bad.json"),
    ],
)
def test_broken_files_are_told_with_the_place(text: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(text)
    with pytest.raises(DataError, match=told):
        read_questions(file)
    with pytest.raises(DataError, match=told if "question" not in told else "."):
        read_pages(file)


def test_controls_and_lone_surrogates_are_taken_out_of_questions_and_titles(tmp_path: Path) -> None:
    file = tmp_path / "odd.jsonl"
    facts, context = [["O\ud800slo", 0]], [["O\ud800slo", ["A \ud800 city."]]]
    file.write_bytes(_lines({**AUTHORS, "question": "Wh\x00\nere?", "supporting_facts": facts, "context": context}))
    (question,) = read_questions(file)
    assert (question.question, question.supports()) == ("Wh  ere?", (Support(title="O slo", paragraph=0),))
    assert read_pages(file)[0][0].title == "O slo"


def test_a_page_line_of_another_form_is_told(tmp_path: Path) -> None:
    file = tmp_path / "wiki.jsonl"
    file.write_bytes(_lines({"title": "Oslo", "text": 7}))
    with pytest.raises(DataError, match=r"wiki.jsonl:1 is no entry of HotpotQA: text"):
        read_pages(file)


def test_questions_without_paragraphs_are_no_corpus(tmp_path: Path) -> None:
    file = tmp_path / "simplified.json"
    file.write_text(json.dumps([{"question": "q", "answer": "a", "type": "bridge"}]))
    (question,) = read_questions(file)
    assert question.supports() == ()
    with pytest.raises(DataError, match="name a file with pages as `corpus`"):
        read_pages(file)


def test_a_folder_is_searched_for_known_names_and_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "hotpot_dev_distractor_v1.json").write_bytes(_lines(AUTHORS))
    (tmp_path / "agenttuning_300_distractor.jsonl.gz").write_bytes(gzip.compress(_lines(AUTHORS, AUTHORS)))
    (tmp_path / "other.json").write_bytes(_lines(AUTHORS))
    assert count_questions(tmp_path) == {"test": 2, "dev": 1}
    assert find_files(tmp_path / "other.json") == {"test": tmp_path / "other.json"}
    assert list(find_files(tmp_path / "hotpot_dev_distractor_v1.json")) == ["dev"]
    with pytest.raises(DataError, match="no HotpotQA questions at"):
        find_files(tmp_path / "nowhere")


def test_a_file_that_changes_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_bytes(_lines(AUTHORS))
    first = read_pages(file)[1]
    file.write_bytes(_lines(AUTHORS, {**AUTHORS, "_id": "a2"}))
    assert len(read_questions(file)) == 2
    assert read_pages(file)[1] != first


def test_a_paragraph_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    file = tmp_path / "large.jsonl"
    file.write_bytes(_lines({**AUTHORS, "context": [["Oslo", ["x" * 10_000_000]]]}))
    ((page,), _) = read_pages(file)
    assert len(page.paragraphs[0]) == 10_000_000


def test_the_300_questions_are_as_counted(official_data: Callable[[str], Path]) -> None:
    folder = official_data("hotpotqa")
    assert count_questions(folder) == {"test": 300}
    (file,) = find_files(folder).values()
    asked = read_questions(file)
    assert Counter(question.level for question in asked) == {"easy": 100, "medium": 100, "hard": 100}
    assert Counter((question.level, question.type) for question in asked)["hard", "comparison"] == 15
    assert sum(question.answer in ("yes", "no") for question in asked) == 16
    pages, name = read_pages(file)
    titles = {page.title for page in pages}
    assert len(titles) == len(pages) == 2958
    assert name == "agenttuning_300_distractor 07709db5"
    assert all(support.title in titles for question in asked for support in question.supports())
    assert len(read_questions(folder / "hotpot_dev_v1_simplified.json.gz")) == 7405

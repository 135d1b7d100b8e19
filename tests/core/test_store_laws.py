"""Laws of the store: what is written comes back, and a digest stands for the content and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Message, Score, Trajectory, Usage, digest
from agenttuning.core.store import Appender, content_digest, drop_torn_line, read_records, write_atomic, write_records
from agenttuning.errors import DataError, RunError

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
messages = st.builds(
    Message,
    role=st.sampled_from(("system", "user", "assistant")),
    content=text,
    train=st.sampled_from((None, True, False)),
)
names = st.text("abc", min_size=1, max_size=3)
files = st.dictionaries(names, st.binary(max_size=20), min_size=1, max_size=4)
few = settings(max_examples=40, deadline=None)


@few
@given(st.lists(messages, max_size=8))
def test_what_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, held: list[Message]) -> None:
    folder = tmp_path_factory.mktemp("store")
    assert write_records(folder / "whole.jsonl", held) == len(held)
    with Appender[Message](folder / "grown.jsonl") as appender:
        for message in held:
            appender.append(message)
    assert list(read_records(folder / "whole.jsonl", Message)) == held
    assert (folder / "whole.jsonl").read_bytes() == (folder / "grown.jsonl").read_bytes()


@few
@given(st.lists(messages, max_size=8), st.randoms(use_true_random=False))
def test_the_digest_of_lines_is_that_of_the_bag(
    tmp_path_factory: pytest.TempPathFactory, held: list[Message], draw: random.Random
) -> None:
    folder = tmp_path_factory.mktemp("store")
    write_records(folder / "a.jsonl", held)
    write_records(folder / "b.jsonl", draw.sample(held, len(held)))
    write_records(folder / "c.jsonl", [*held, Message(role="user", content="one more")])
    write_records(folder / "d.jsonl", [*held, *held[:1]])
    assert content_digest(folder / "a.jsonl") == content_digest(folder / "b.jsonl")
    assert content_digest(folder / "a.jsonl") != content_digest(folder / "c.jsonl")
    assert (content_digest(folder / "a.jsonl") == content_digest(folder / "d.jsonl")) == (not held)


@few
@given(files, st.data())
def test_the_digest_of_a_folder_knows_names_and_contents(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, bytes], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("store")

    def fill(name: str, held: dict[str, bytes]) -> str:
        for file, payload in sorted(held.items(), reverse=name == "b"):
            (folder / name / "inner").mkdir(parents=True, exist_ok=True)
            (folder / name / "inner" / f"{file}.bin").write_bytes(payload)
        return content_digest(folder / name)

    first = fill("a", content)
    assert fill("b", content) == first
    changed = data.draw(st.sampled_from(sorted(content)))
    assert fill("c", {**content, changed: content[changed] + b"!"}) != first
    assert fill("d", {name + "x" * (name == changed): held for name, held in content.items()}) != first


@few
@given(st.lists(messages, min_size=1, max_size=4), st.binary(min_size=1, max_size=40).filter(lambda b: b"\n" not in b))
def test_dropping_a_torn_line_is_exact_and_done_once(
    tmp_path_factory: pytest.TempPathFactory, held: list[Message], torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("store") / "a.jsonl"
    write_records(path, held)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    assert list(read_records(path, Message)) == held
    assert drop_torn_line(path) == len(torn)
    assert path.read_bytes() == whole
    assert drop_torn_line(path) == 0


def test_a_file_without_any_newline_is_all_torn(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"role":"user"')
    assert list(read_records(path, Message)) == []
    assert drop_torn_line(path) == 14
    assert path.read_bytes() == b""


def test_records_are_read_lazily_up_to_the_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"role":"user","content":"a"}\n{}\n{"role":"user","content":"b"}\n')
    reading = read_records(path, Message)
    assert next(reading).content == "a"
    with pytest.raises(DataError, match=r"a\.jsonl:2 is no Message: role: Field required; remove the line"):
        next(reading)


@pytest.mark.parametrize(
    "line", ["", "null", "[]", '{"role":"user","content":"a","loss":1}', '{"role":"user","content":"a"', "\x00"]
)
def test_what_is_no_record_is_never_skipped(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"{line}\n")
    with pytest.raises(DataError, match=r"a\.jsonl:1 is no Message"):
        list(read_records(path, Message))


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_records(path, [Message(role="user", content="old")])

    def breaks() -> Iterator[Message]:
        yield Message(role="user", content="new")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_records(path, breaks())
    assert [held.content for held in read_records(path, Message)] == ["old"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_file_where_a_folder_should_be_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file")
    for write in (
        lambda path: write_atomic(path, "x"),
        lambda path: write_records(path, []),
        Appender[Message],
    ):
        with pytest.raises(RunError, match="cannot write"):
            write(tmp_path / "runs" / "a.jsonl")


def test_closing_twice_is_harmless_and_a_closed_appender_writes_nothing(tmp_path: Path) -> None:
    appender = Appender[Message](tmp_path / "a.jsonl")
    appender.append(Message(role="user", content="a"))
    appender.close()
    appender.close()
    with pytest.raises(ValueError, match="closed"):
        appender.append(Message(role="user", content="b"))
    assert len(list(read_records(tmp_path / "a.jsonl", Message))) == 1


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_usage_adds_up(a: int, b: int, c: int, d: int) -> None:
    added = Usage(prompt_tokens=a, completion_tokens=b) + Usage(prompt_tokens=c, completion_tokens=d)
    assert added == Usage(prompt_tokens=a + c, completion_tokens=b + d)


@pytest.mark.parametrize("reward", [-0.01, 1.01, float("nan")])
def test_a_reward_outside_of_the_unit_range_is_no_score(reward: float) -> None:
    with pytest.raises(ValueError, match="reward"):
        Score(reward=reward, success=False)


@given(st.lists(text, min_size=2, max_size=2, unique=True))
def test_digests_are_short_and_tell_texts_apart(pair: list[str]) -> None:
    first, second = map(digest, pair)
    assert first != second
    assert len(first) == 16
    assert digest(pair[0].encode()) == first


def test_a_record_cannot_be_changed_behind_its_digest() -> None:
    made = Message(role="user", content="a")
    with pytest.raises(ValueError, match="frozen"):
        made.content = "b"  # type: ignore[misc]
    with pytest.raises(ValueError, match="extra"):
        Trajectory.model_validate({"environment": "x", "extra": 1})

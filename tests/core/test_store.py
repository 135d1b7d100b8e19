"""Files that survive a kill, a torn line and a full disk."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.core.records import Message
from agenttuning.core.store import (
    Appender,
    content_digest,
    drop_torn_line,
    read_records,
    write_atomic,
    write_records,
)
from agenttuning.errors import DataError, RunError


def message(text: str) -> Message:
    return Message(role="user", content=text)


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), max_size=5), st.integers(0, 400))
def test_cutting_the_file_anywhere_loses_at_most_the_last_record(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], cut: int
) -> None:
    path = tmp_path_factory.mktemp("store") / "records.jsonl"
    with Appender[Message](path) as appender:
        for text in texts:
            appender.append(message(text))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - min(cut, len(whole))])
    complete = path.read_bytes().count(b"\n")
    assert [held.content for held in read_records(path, Message)] == texts[:complete]
    with Appender[Message](path) as appender:
        appender.append(message("after"))
    assert [held.content for held in read_records(path, Message)] == [*texts[:complete], "after"]


def test_a_torn_line_longer_than_a_block_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"role":"user","content":"a"}\n' + b"x" * 3_000_000)
    assert drop_torn_line(path) == 3_000_000
    assert path.read_bytes().endswith(b"}\n")


def test_a_foreign_line_is_named_with_its_number(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text('{"role":"user","content":"a"}\n{"role":"wizard","content":"b"}\n')
    with pytest.raises(DataError, match=r"records.jsonl:2 is no Message: role"):
        list(read_records(path, Message))
    with pytest.raises(DataError, match="no such file"):
        list(read_records(tmp_path / "none.jsonl", Message))


def test_digest_of_lines_knows_no_order_but_every_content(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.jsonl" for name in "abc")
    write_records(first, [message("x"), message("y")])
    write_records(second, [message("y"), message("x")])
    write_records(third, [message("y"), message("y")])
    assert content_digest(first) == content_digest(second) != content_digest(third)


def test_kill_9_while_appending_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    script = textwrap.dedent("""
        import itertools, sys
        from pathlib import Path
        from agenttuning.core.records import Message
        from agenttuning.core.store import Appender
        with Appender(Path(sys.argv[1])) as appender:
            for number in itertools.count():
                appender.append(Message(role="user", content=str(number) * 500))
    """)
    with subprocess.Popen((sys.executable, "-c", script, str(path))) as process:
        while not path.exists() or path.stat().st_size < 200_000:
            assert process.poll() is None
        process.kill()
    held = [record.content for record in read_records(path, Message)]
    assert held == [str(number) * 500 for number in range(len(held))]


def test_a_full_disk_is_one_sentence_and_leaves_whole_lines(tmp_path: Path) -> None:
    """A file size limit stands in for the full disk: the kernel refuses the rest of a write in the same way."""
    path = tmp_path / "records.jsonl"
    script = textwrap.dedent("""
        import resource, signal, sys
        from pathlib import Path
        from agenttuning.core.records import Message
        from agenttuning.core.store import Appender, write_atomic
        from agenttuning.errors import RunError
        path = Path(sys.argv[1])
        write_atomic(path.with_name("small.toml"), "old")
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            write_atomic(path.with_name("small.toml"), "n" * 20_000)
        except RunError as error:
            print(error)
        with Appender(path) as appender:
            try:
                for _ in range(100):
                    appender.append(Message(role="user", content="x" * 300))
            except RunError as error:
                print(error)
    """)
    told = subprocess.run((sys.executable, "-c", script, str(path)), capture_output=True, text=True, check=True)
    sentences = told.stdout.splitlines()
    assert len(sentences) == 2
    assert all("cannot write" in line and "nothing finished is lost" in line for line in sentences)
    assert path.read_bytes().endswith(b"}\n")
    assert len(list(read_records(path, Message))) == 10_000 // len(path.read_bytes().splitlines(keepends=True)[0])
    assert (tmp_path / "small.toml").read_text() == "old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["records.jsonl", "small.toml"]


def test_a_place_that_cannot_be_written_is_one_sentence() -> None:
    with pytest.raises(RunError, match="cannot write"):
        write_atomic(Path("/proc/nothing/here"), "new")

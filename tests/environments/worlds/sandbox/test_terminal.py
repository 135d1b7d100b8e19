"""What a terminal gave, in bounds and readable; and what is typed into it."""

import shlex
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.sandbox.inside import frames
from agenttuning.environments.worlds.sandbox.shell import _quoted
from agenttuning.environments.worlds.sandbox.terminal import KEPT_BYTES, Terminal, clean

TOKEN = b"\x1e" + b"0123456789abcdef" * 2 + b"\x1e"


@given(st.binary(max_size=300), st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=40))
def test_a_token_is_found_however_the_output_is_cut(before: bytes, after: bytes, cuts: list[int]) -> None:
    whole, terminal = before.replace(b"\x1e", b"") + TOKEN + after.replace(b"\x1e", b""), Terminal()
    at = 0
    for size in [*cuts, len(whole)]:
        terminal.add(whole[at : at + size])
        at += size
    assert terminal.tokens == {TOKEN}
    assert terminal.take_until(TOKEN) == before.replace(b"\x1e", b"")
    assert terminal.take() == after.replace(b"\x1e", b"")


def test_the_middle_of_long_output_is_left_out_and_counted() -> None:
    terminal = Terminal()
    for _ in range(100):
        terminal.add(b"x" * 65536)
    terminal.add(b"the end")
    taken = terminal.take()
    assert len(taken) < 4 * KEPT_BYTES
    assert taken.startswith(b"x" * KEPT_BYTES)
    assert taken.endswith(b"xthe end")
    omitted = int(taken.partition(b"\n[")[2].partition(b" ")[0])
    assert taken.count(b"x") + omitted == 100 * 65536


@given(st.binary(max_size=400))
def test_clean_text_holds_no_control_characters(output: bytes) -> None:
    assert not [c for c in clean(output) if (c < " " and c not in "\t\n") or "\x7f" <= c < "\xa0"]


def test_clean_text_holds_no_escape_sequences() -> None:
    coloured = b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07name \x1b]8;;http://x\x1b\\link \x1b(B\x1b[?2004h.\r\n"
    assert clean(coloured).replace("B", "") == "red name link .\n"


_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)


@given(_TEXTS)
def test_quoted_text_is_one_word_for_a_shell(text: str) -> None:
    typed = _quoted(text)
    if "\x16" not in text:  # with it the terminal takes the next character literally
        assert shlex.split(typed.replace("\x16", "").replace("'\\\n'", "")) == [text]


def test_no_typed_line_is_longer_than_a_terminal_takes() -> None:
    typed = _quoted("é'" * 5000 + "\n" + "漢" * 3000)
    assert max(len(line.encode()) for line in typed.split("\n")) < 4000
    done = subprocess.run(["sh", "-c", f"printf %s {typed}"], capture_output=True, check=True)
    assert done.stdout.decode() == "é'" * 5000 + "\n" + "漢" * 3000


@given(
    st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=50)), max_size=8),
    st.integers(1, 30),
)
def test_frames_survive_any_cutting(sent: list[tuple[int, int, bytes]], size: int) -> None:
    stream = b"".join(frames.pack(*frame) for frame in sent)
    buffer, received = bytearray(), []
    for at in range(0, len(stream), size):
        buffer += stream[at : at + size]
        received += frames.split_frames(buffer)
    assert (received, bytes(buffer)) == (sent, b"")


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_lists_survive_packing(parts: list[bytes]) -> None:
    assert frames.unpack_list(frames.pack_list(parts)) == parts

"""The teacher's form: what is read, and under which reason everything else falls."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.pipeline.construction.blocks import MAX_CHARACTERS, read_block
from agenttuning.pipeline.construction.rejects import Reason, Refusal

PARTS = ("TASK", "SOLUTION")
GOOD = "@@ TASK\nCount.\n@@ SOLUTION\nls | wc -l\n@@ END"


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"Let me think first.\n\n{GOOD}\n\nI hope that helps! @@ TASK",
        "@@ TASK\n\nCount.\n@@ SOLUTION\n```bash\nls | wc -l\n```\n@@ END\n",
        "@@TASK\nCount.\n@@SOLUTION\nls | wc -l\n@@END",
        f"{GOOD}\n{GOOD}",
    ],
)
def test_parts_are_read_whatever_stands_around_the_block(text: str) -> None:
    assert read_block(text, required=PARTS) == {"TASK": "Count.", "SOLUTION": "ls | wc -l"}


def test_scripts_keep_their_indentation_and_their_own_fences() -> None:
    script = "if true; then\n    cat <<'E'\n```\nE\nfi"
    assert read_block(f"@@ TASK\nx\n@@ SOLUTION\n{script}\n@@ END", required=PARTS) == {"TASK": "x", "SOLUTION": script}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.EMPTY),
        (" \n\t", Reason.EMPTY),
        ("<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>", Reason.HTML),
        ('{"name": "bash", "arguments": {"cmd": "ls"}}', Reason.TOOL_CALL),
        ('<tool_call>{"name": "x"}</tool_call>', Reason.TOOL_CALL),
        ('[{"type": "function", "function": {}}]', Reason.TOOL_CALL),
        ("I'm sorry, but I can't help with that.", Reason.REFUSAL),
        ("Here is a nice problem: count the files.", Reason.NO_BLOCK),
        ("@@ TASK\nCount.\n@@ SOLUTION\nls |", Reason.UNFINISHED),
        ("@@ TASK\nCount.\n@@ SOLU", Reason.UNFINISHED),
        ("@@ TASK\nCount.\n@@ END", Reason.MALFORMED),
        ("@@ TASK\n\n@@ SOLUTION\nls\n@@ END", Reason.MALFORMED),
        (GOOD.replace("@@ END", "@@ HINT\nx\n@@ END"), Reason.MALFORMED),
        (GOOD.replace("@@ END", "@@ TASK\nx\n@@ END"), Reason.MALFORMED),
        (GOOD.replace("ls", "l\0s"), Reason.MALFORMED),
        (GOOD.replace("ls", "l\ud800s"), Reason.MALFORMED),
        ("word " * 100_000, Reason.OVERLONG),
    ],
)
def test_everything_else_falls_under_a_reason(text: str, reason: Reason) -> None:
    refusal = read_block(text, required=PARTS)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason


@given(
    st.text(max_size=300) | st.lists(st.sampled_from(["@@ TASK\n", "@@ SOLUTION\n", "@@ END\n", "x\n"])).map("".join)
)
def test_no_text_raises(text: str) -> None:
    read = read_block(text, required=PARTS)
    assert isinstance(read, Refusal) or set(read) == set(PARTS)


def test_the_longest_answer_that_is_read() -> None:
    padding = "a" * (MAX_CHARACTERS - len(GOOD))
    assert not isinstance(read_block(GOOD.replace("Count.", f"Count.{padding}"), required=PARTS), Refusal)

"""The benchmark's five comparisons by their documented behaviour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.linux.comparisons import ComparisonName, compare, refutes

VERDICTS: list[tuple[ComparisonName, str, str, bool]] = [
    ("integer", "7", "7\n", True),
    ("integer", " 07 ", "7", True),
    ("integer", "-3", "-3", True),
    ("integer", "7.0", "7", False),
    ("integer", "None", "None", False),
    ("integer", "__import__('os').getpid()", "7", False),
    ("integer", "7", "", False),
    ("integer", "9" * 5000, "9" * 5000, False),
    ("string", "a b\r\n", "a b", True),
    ("string", "a\rb", "a\nb\n", True),
    ("string", "A", "a", False),
    ("containing", "it is in /usr/TOOLS.", "/usr/TOOLS\n", True),
    ("containing", "/usr", "/usr/TOOLS", False),
    ("in", "/usr", "/usr/TOOLS", True),
    ("in", "/usr/TOOLS", "/usr", False),
    ("size", "10K", "10240", True),
    ("size", "10240B", "10K", True),
    ("size", "3Byte", "3", True),
    ("size", "2M", "2048K", True),
    ("size", "1P", "1024T", True),
    ("size", "1KB", "1KB", False),
    ("size", "4.0K", "4.0K", False),
    ("size", "much", "much", False),
]


@pytest.mark.parametrize(("name", "answer", "expected", "verdict"), VERDICTS)
def test_verdict(name: ComparisonName, answer: str, expected: str, verdict: bool) -> None:
    assert compare(name, answer=answer, expected=expected) is verdict


@given(st.sampled_from(["integer", "string", "containing", "in", "size"]), st.text(), st.text())
def test_what_is_refuted_never_holds(name: ComparisonName, answer: str, expected: str) -> None:
    assert not (refutes(name, answer=answer) and compare(name, answer=answer, expected=expected))


@given(st.integers(), st.sampled_from(["integer", "size", "string", "containing", "in"]))
def test_the_right_integer_always_holds(value: int, name: ComparisonName) -> None:
    assert compare(name, answer=f" {value}\n", expected=f"{value}\n")

"""Every format: what it says it holds comes back equal, what it says it leaves behind is exactly what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Stop
from agenttuning.datasets.dialogue import Dialogue, ToolCall, Turn
from agenttuning.datasets.format import EVERYTHING, TRANSCRIPT, Format, features
from agenttuning.datasets.parts import TAIL
from agenttuning.datasets.problems import BadRowError
from agenttuning.datasets.registry import FORMATS, detect
from agenttuning.datasets.row_writer import write_rows
from agenttuning.datasets.rows import read_rows

if TYPE_CHECKING:
    from pathlib import Path

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=3,
)
FURTHER = st.dictionaries(TEXT.map(lambda text: f"x{text}"), VALUES, max_size=2)
FLAGS = st.sampled_from([None, True, True, True, False])
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=2).map(lambda value: json.dumps(value, ensure_ascii=False))
CALLS = st.builds(ToolCall, TEXT, OBJECTS | TEXT, st.none() | st.text("abc", min_size=1, max_size=2))
PLAIN = st.builds(Turn, st.just("user"), TEXT) | st.builds(Turn, st.just("assistant"), TEXT, FLAGS)
RICH = st.one_of(
    st.builds(Turn, st.just("system"), TEXT, extra=FURTHER),
    st.builds(Turn, st.just("user"), TEXT, st.sampled_from([None, None, False]), name=st.none() | TEXT, extra=FURTHER),
    st.builds(Turn, st.just("tool"), TEXT, call_id=st.none() | st.text("abc", min_size=1), name=st.none() | TEXT),
    st.builds(
        Turn, st.just("assistant"), TEXT, FLAGS, st.lists(CALLS, max_size=2).map(tuple),
        reasoning=st.none() | TEXT, extra=FURTHER,
    ),
)  # fmt: skip
FUNCTIONS = st.builds(lambda name: {"type": "function", "function": {"name": name}}, TEXT)


def dialogues(turns: st.SearchStrategy[Turn]) -> st.SearchStrategy[Dialogue]:
    return st.builds(
        Dialogue,
        st.none() | st.text("abc", min_size=1),
        st.lists(turns, max_size=5).map(tuple),
        st.lists(FUNCTIONS, max_size=2).map(tuple),
        st.none() | st.floats(0, 1),
        st.none() | st.booleans(),
        st.none() | st.sampled_from([stop.value for stop in Stop]),
        FURTHER,
    )


ANY = dialogues(PLAIN) | dialogues(RICH)
WRITABLE = [name for name, form in FORMATS.items() if form.writable]


def held(dialogue: Dialogue, form: Format) -> Dialogue:
    """What the format says it holds of a dialogue."""
    kept = form.holds
    further = dialogue.extra if "further fields" in kept else {}
    return replace(
        dialogue,
        turns=tuple(_held(turn, kept) for turn in dialogue.turns),
        tools=dialogue.tools if "tool definitions" in kept else (),
        reward=dialogue.reward if "reward" in kept else None,
        success=dialogue.success if "success" in kept else None,
        stop=dialogue.stop if "stop" in kept else None,
        extra=further,
    )


def _held(turn: Turn, kept: frozenset[str]) -> Turn:
    train, usual = turn.train, True if turn.role == "assistant" else None
    flag = (
        "flags of other turns" if turn.role != "assistant" else "context flags" if train is False else "unknown flags"
    )
    return replace(
        turn,
        train=train if train is usual or flag in kept else usual,
        call_id=turn.call_id if "call ids" in kept else None,
        name=turn.name if "names" in kept else None,
        reasoning=turn.reasoning if "reasoning" in kept else None,
        extra=turn.extra if "further fields of turns" in kept else {},
    )


def there_and_back(form: Format, written: list[Dialogue], path: Path) -> list[Dialogue]:
    rows = [row for number, one in enumerate(written) for row in form.rows(one, number=number)]
    if path.suffix == ".parquet":
        rows = [form.column_row(row) for row in rows]
    write_rows(path, rows, schema=form.schema(), around=form.around())
    return [one for number, (_, row) in enumerate(read_rows(path)) for one in form.read(row, number=number)]


@pytest.mark.parametrize("name", WRITABLE)
@settings(max_examples=40)
@given(one=ANY)
def test_what_is_held_comes_back_and_the_rest_is_named(
    name: str, one: Dialogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    form = FORMATS[name]
    suffix = form.suffixes[len(repr(one)) % len(form.suffixes)]
    path = tmp_path_factory.mktemp("formats") / f"rows{'.json' if suffix == '.eval' else suffix}"
    try:
        lost = form.check(one)
        (found,) = there_and_back(form, [one], path)
    except BadRowError as error:
        assume(refusable(one, form, error))
        return
    expected = held(one, form)
    expected = replace(expected, turns=expected.turns[: len(expected.turns) - lost.pop(TAIL, 0)])
    if name == "trajectory":
        found = replace(found, id=one.id, extra={})  # its own header names it
    assert found == (replace(expected, id=found.id) if one.id is None else expected)
    assert lost == features(one) - features(held(one, form))


def refusable(one: Dialogue, form: Format, error: BadRowError) -> bool:
    """A refusal has a reason that can be seen in the dialogue."""
    assert error.problem.fix
    rule = error.problem.rule
    if rule in {"tool_calls", "tool_turns", "system_turns"}:
        assert TRANSCRIPT & features(one).keys() - form.holds
    elif rule == "untrained":
        assert not any(turn.role == "assistant" and turn.train is not False for turn in one.turns)
    elif rule == "no_outcome":
        assert None in (one.reward, one.success, one.stop)
    else:
        assert rule in {"alternation", "role"}, error
        assert form.name in {"fastchat", "llamafactory", "llamafactory-whole"}
    return True


@pytest.mark.parametrize("name", WRITABLE)
def test_what_is_written_is_recognized(name: str) -> None:
    form = FORMATS[name]
    call = ToolCall("look", "{}", "a")
    turns = (Turn("user", "Look."), Turn("assistant", "OK", train=False), Turn("user", "Now."))
    ends = (
        Turn("assistant", "I look.", True, (call,)),
        Turn("tool", "A desk.", call_id="a"),
        Turn("assistant", "Done", True),
    )
    one = Dialogue("a_1", (*turns, *ends), reward=1.0, success=True, stop="done")
    if "tool calls" not in form.holds:
        one = replace(one, turns=(*turns, Turn("assistant", "Done", train=True)))
    if name == "trajectory":
        one = replace(one, turns=(*turns, Turn("assistant", "Done", train=True)))
    row = next(iter(form.rows(one, number=0)))
    if name == "inspect":
        row = {"eval": {}, "samples": [row]}
    found = detect(row)
    assert found is not None
    family = {"fastchat": "sharegpt", "llamafactory-whole": "llamafactory", "atif-1.8": "atif", "trl": "axolotl"}
    assert found.name == family.get(name, name)


def test_every_feature_is_held_somewhere() -> None:
    assert frozenset().union(*(form.holds for form in FORMATS.values())) == EVERYTHING

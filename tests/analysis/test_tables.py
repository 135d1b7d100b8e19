"""Scores as text: what a reader compares stands side by side, with its doubt and what made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.episodes import broken, episode

from agenttuning.analysis.scores import WorldScore, compare, score_worlds
from agenttuning.analysis.tables import Table, before_after, full_scores, p_value, percent, points
from agenttuning.core.records import Stop

if TYPE_CHECKING:
    from agenttuning.analysis.statistics import PairedChange

Cells = dict[str, dict[str, WorldScore]]
TASKS = [f"t{number}" for number in range(10)]


def played(**models: float) -> Cells:
    """Ten tasks of one world; each model wins the first so many of them."""
    return {
        model: score_worlds(
            [episode(task=task, policy=model, reward=float(place < 10 * won)) for place, task in enumerate(TASKS)]
        )
        for model, won in models.items()
    }


def changed(before: float, after: float) -> PairedChange:
    both = [
        [episode(task=task, policy="m", reward=float(place < 10 * won)) for place, task in enumerate(TASKS)]
        for won in (before, after)
    ]
    return compare(*both)


def test_two_models_stand_side_by_side_with_the_change() -> None:
    table = before_after(played(base=0.1, tuned=0.8), {"tuned": {"rooms": changed(0.1, 0.8)}})
    assert table.headings == ("world", "made by", "n", "base", "tuned", "change", "p")
    (row,) = table.rows
    assert row[:3] == ("rooms", "synthetic-v1, tiny", "10")
    assert row[3].startswith("10.0 % (")
    assert row[4].startswith("80.0 % (")
    assert row[5:] == ("+70.0", "0.016")


def test_a_loss_is_a_loss() -> None:
    ((*_, change, _),) = before_after(played(base=0.8, tuned=0.5), {}).rows
    assert change == "-30.0"


def test_three_models_name_what_each_change_is_from() -> None:
    table = before_after(played(base=0.1, small=0.5, large=0.8), {})
    assert table.headings[3:] == (
        "base", "small", "large", "change base to small", "p", "change base to large", "p",
    )  # fmt: skip
    assert [table.rows[0][column] for column in (6, 8)] == ["+40.0", "+70.0"]


def test_a_world_that_one_model_did_not_play_is_no_zero() -> None:
    scores = played(base=0.1, tuned=0.8)
    scores["tuned"]["streets"] = scores["tuned"]["rooms"]
    streets = before_after(scores, {}).rows[1]
    assert (streets[0], streets[3], streets[5]) == ("streets", "not played", "")
    assert streets[4].startswith("80.0 %")


def test_one_model_alone_has_no_change() -> None:
    assert before_after(played(tuned=0.8), {}).headings == ("world", "made by", "n", "tuned")
    assert before_after({}, {}).rows == []


def test_every_number_of_a_cell_is_in_the_full_table() -> None:
    plays = [episode(task="a"), episode(task="b", reward=0.0, stop=Stop.TURNS), broken(task="c")]
    (row,) = full_scores({"base": score_worlds(plays)}).rows
    assert row[:3] == ("rooms", "base", "3")
    assert row[3].startswith("33.3 % (")
    assert row[4].startswith("0.333 (")
    assert row[5] == "0.0 %"
    assert set(row[7].split(", ")) == {"done 1", "turns 1", "error 1"}
    assert row[8:] == ("policy 1", "synthetic-v1, tiny")
    (untouched,) = full_scores({"base": score_worlds([broken(task="c")])}).rows
    assert (untouched[5], untouched[7]) == ("none taken", "error 1")


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_no_text_breaks_out_of_its_cell(rows: list[tuple[str, str]]) -> None:
    lines = Table(("a", "b"), rows).markdown().split("\n")
    assert len(lines) == len(rows) + 3
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines[:-1])


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.6125), "61.3 %"),
        (percent(0.0), "0.0 %"),
        (percent(1.0), "100.0 %"),
        (points(0.05, 0.631), "+58.1"),
        (points(0.5, 0.5), "+0.0"),
        (p_value(changed(0.0, 1.0)), "0.002"),
        (p_value(changed(0.5, 0.5)), "1.000"),
    ],
)
def test_figures_as_they_are_printed(written: str, expected: str) -> None:
    assert written == expected

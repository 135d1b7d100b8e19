from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import pytest
from tests.analysis.episodes import episode

from agenttuning.analysis.overall import PublishedScores, read_published
from agenttuning.analysis.scores import score_worlds
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

PUBLISHED = read_published()
CELLS = [(group, model) for group in PUBLISHED.groups for model in PUBLISHED.models]


@pytest.mark.parametrize(("group", "model"), CELLS)
def test_all_published_overall_scores_follow_from_the_published_scores(group: str, model: str) -> None:
    printed = PUBLISHED.groups[group].overall[PUBLISHED.models.index(model)]
    assert round(PUBLISHED.overall(group, PUBLISHED.scores(group, model)), 2) == printed


def test_there_are_twenty_four() -> None:
    assert len(CELLS) == 24


@pytest.mark.parametrize("group", PUBLISHED.groups)
def test_the_baselines_average_one(group: str) -> None:
    overall = [PUBLISHED.overall(group, PUBLISHED.scores(group, model)) for model in PUBLISHED.baselines]
    assert fmean(overall) == pytest.approx(1.0)


def test_a_missing_task_is_no_overall_score() -> None:
    scores = PUBLISHED.scores("held_in", "agentlm-7b")
    del scores["webshop"]
    with pytest.raises(DataError, match="missing: webshop"):
        PUBLISHED.overall("held_in", scores)


def test_official_worlds_enter_in_the_unit_of_the_table() -> None:
    official = [
        episode(task=str(k), environment="alfworld", source="alfworld-official", reward=float(k < 3)) for k in range(4)
    ]
    rewards = [
        episode(task=str(k), environment="webshop", source="webshop-official", reward=0.5, success=False)
        for k in range(4)
    ]
    assert PUBLISHED.measured(score_worlds([*official, *rewards])) == {"alfworld": 75.0, "webshop": 50.0}


@pytest.mark.parametrize("source", ["synthetic-v1", "webarena-mini"])
def test_generated_tasks_never_enter(source: str) -> None:
    played = [episode(environment="alfworld", source=source)]
    assert PUBLISHED.measured(score_worlds(played)) == {}


def test_a_world_that_the_table_does_not_have_never_enters() -> None:
    assert PUBLISHED.measured(score_worlds([episode(environment="rooms", source="rooms-official")])) == {}


def test_a_figure_that_was_not_measured_is_left_out() -> None:
    without_kinds = [episode(environment="database", source="dbbench-official")]
    assert PUBLISHED.measured(score_worlds(without_kinds)) == {}


def test_a_table_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "mine"\nsource = "my page"\nmodels = ["a", "b"]\nbaselines = ["a"]\n'
        '[groups.held_in.tasks]\nalfworld = { figure = "success", scores = [50.0, 75.0] }\n'
    )
    mine = read_published(path)
    assert mine.overall("held_in", mine.scores("held_in", "b")) == 1.5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = ", "cannot read"),
        ('name = "x"', "is no table of published scores"),
        (
            (
                'name = "x"\nsource = "x"\nmodels = ["a"]\nbaselines = ["c"]\n[groups.g.tasks]\n'
                't = { figure = "success", scores = [1.0] }'
            ),
            r"baselines \['c'\]",
        ),
        (
            (
                'name = "x"\nsource = "x"\nmodels = ["a", "b"]\nbaselines = ["a"]\n[groups.g.tasks]\n'
                't = { figure = "success", scores = [1.0] }'
            ),
            "1 scores for 2 models",
        ),
        (
            (
                'name = "x"\nsource = "x"\nmodels = ["a"]\nbaselines = ["a"]\n[groups.g.tasks]\n'
                't = { figure = "success", scores = [0.0] }'
            ),
            "above 0",
        ),
    ],
)
def test_a_faulty_table_is_named(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "faulty.toml"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read_published(path)


def test_the_published_bars_are_of_known_categories() -> None:
    assert [panel.worlds for panel in PUBLISHED.errors] == [("alfworld", "webshop"), ("knowledge_graph",)]
    assert PUBLISHED.errors[0].shares["refusal"] == (0.47, 0.0, 0.0, 0.0)


def test_the_table_survives_json() -> None:
    assert PublishedScores.model_validate_json(PUBLISHED.model_dump_json()) == PUBLISHED

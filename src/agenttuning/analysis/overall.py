"""The overall score of the paper (section 3.1): a group's mean of scores, each divided by its task's weight.

    overall(model, group) = mean over the group's tasks t of score_t(model) / weight_t

A weight is the mean of the task's scores over five baselines, so that the baselines average 1. The table of published
scores is data (`assets/published`), and so is a table of your own. A model enters a group only with every task of it,
measured on the benchmarks' own data: generated tasks are not the published ones, whatever their score.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError, model_validator

from agenttuning.analysis.errors import ErrorCategory
from agenttuning.core.records import Record
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agenttuning.analysis.scores import WorldScore

Figure = Literal["success", "reward", "reward_by_category", "rating"]
"""What a benchmark prints: a share in per cent; a `rating` keeps its scale of 1 to 10."""


class PublishedTask(Record):
    """One line of a table of published scores."""

    figure: Figure
    """The figure of ours that is measured like it."""
    scores: tuple[float, ...]
    """One per model, in per cent or as a rating."""


class PublishedGroup(Record):
    """One part of a table."""

    tasks: dict[str, PublishedTask] = Field(min_length=1)
    """World or general test to its scores."""
    overall: tuple[float, ...] = ()
    """The overall scores as printed, one per model; empty where none are."""


class PublishedErrors(Record):
    """One panel of a published error figure."""

    worlds: tuple[str, ...] = Field(min_length=1)
    models: tuple[str, ...] = Field(min_length=1)
    shares: dict[ErrorCategory, tuple[float, ...]]
    """Share of episodes, one per model, in [0, 1]."""

    @model_validator(mode="after")
    def _is_whole(self) -> PublishedErrors:
        for category, shares in self.shares.items():
            if len(shares) != len(self.models):
                raise ValueError(f"{category!r} has {len(shares)} shares for {len(self.models)} models")
        return self


class PublishedAblation(Record):
    """Overall scores of one size by what it was trained on."""

    model: str
    certainty: str
    """Where the numbers are from; the paper prints its ablation as a figure only."""
    overall: dict[str, tuple[float, float, float]]
    """Variant to its overall held-in, held-out and general score."""


class PublishedScores(Record):
    """A table of published scores, and the weights that it gives."""

    name: str
    source: str
    models: tuple[str, ...] = Field(min_length=1)
    baselines: tuple[str, ...] = Field(min_length=1)
    """The models whose mean is a task's weight."""
    groups: dict[str, PublishedGroup]
    errors: tuple[PublishedErrors, ...] = ()
    ablations: tuple[PublishedAblation, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> PublishedScores:
        if unknown := set(self.baselines) - set(self.models):
            raise ValueError(f"baselines {sorted(unknown)} are not among the models")
        lines = {
            **{task: line.scores for group in self.groups.values() for task, line in group.tasks.items()},
            **{f"overall {name}": group.overall for name, group in self.groups.items() if group.overall},
        }
        for name, scores in lines.items():
            if len(scores) != len(self.models):
                raise ValueError(f"{name} has {len(scores)} scores for {len(self.models)} models")
        return self

    @model_validator(mode="after")
    def _has_weights(self) -> PublishedScores:
        for name in self.groups:
            for task, weight in self.weights(name).items():
                if weight <= 0:
                    raise ValueError(f"{task} has the weight {weight:g}; some baseline must score above 0")
        return self

    def weights(self, group: str) -> dict[str, float]:
        """Return task to weight, in the unit of its scores."""
        chosen = [self.models.index(name) for name in self.baselines]
        return {task: fmean(line.scores[index] for index in chosen) for task, line in self.groups[group].tasks.items()}

    def scores(self, group: str, model: str) -> dict[str, float]:
        """Return task to score of a published model."""
        index = self.models.index(model)
        return {task: line.scores[index] for task, line in self.groups[group].tasks.items()}

    def overall(self, group: str, scores: Mapping[str, float]) -> float:
        """Return the overall score of a group.

        Raises:
            DataError: a task of the group is missing: a mean over fewer tasks is another number.
        """
        weights = self.weights(group)
        if missing := [task for task in weights if task not in scores]:
            raise DataError(f"an overall {group} score needs every task of the group; missing: {', '.join(missing)}")
        return fmean(scores[task] / weight for task, weight in weights.items())

    def measured(self, cells: Mapping[str, WorldScore]) -> dict[str, float]:
        """Return task to our score in the table's unit, for the worlds that may stand in it.

        Left out are worlds that the table does not have, generated tasks, and figures that a cell does not hold.
        """
        found: dict[str, float] = {}
        for group in self.groups.values():
            for task, line in group.tasks.items():
                cell = cells.get(task)
                if cell is not None and not is_synthetic(cell):
                    value = _figure(cell, line.figure)
                    found |= {} if value is None else {task: value}
        return found


def is_synthetic(cell: WorldScore) -> bool:
    """Tell whether a number was made on generated tasks or sites."""
    made = cell.made_by
    return "synthetic" in made.source or "-mini" in made.source


def _figure(cell: WorldScore, figure: Figure) -> float | None:
    if figure == "success":
        return 100 * cell.success
    if figure == "reward":
        return 100 * cell.reward
    if figure == "rating":
        return _rating(cell)
    return None if cell.reward_by_category is None else 100 * cell.reward_by_category


def _rating(cell: WorldScore) -> float | None:
    """Return the mean of all ratings that could be read; the two turns of a broken episode count as 1."""
    broken = sum(cell.errors.values())
    points = cell.metrics.get("points", 0.0) * cell.n + 2 * broken
    rated = cell.metrics.get("rated", 0.0) * cell.n + 2 * broken
    return points / rated if rated else None


def read_published(path: Path | None = None) -> PublishedScores:
    """Read a table of published scores; None gives the paper's.

    Raises:
        DataError: the file cannot be read or is not such a table.
    """
    source = path or resources.files("agenttuning").joinpath("assets/published/agenttuning.toml")
    try:
        return PublishedScores.model_validate(tomllib.loads(source.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"cannot read the table of published scores {source}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the table"
        raise DataError(f"{source} is no table of published scores ({where}: {first['msg']})") from error

"""Scores as rows to read: for the terminal, and for Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.analysis.scores import MadeBy, WorldScore
    from agenttuning.analysis.statistics import Interval, PairedChange


class Table(NamedTuple):
    """Headings and rows, all text; the first column is left-aligned, the others right."""

    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        """Return the table as Markdown."""
        rule = ("---", *("---:" for _ in self.headings[1:]))
        lines = (self.headings, rule, *self.rows)
        return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines) + "\n"


def before_after(
    scores: Mapping[str, Mapping[str, WorldScore]], changes: Mapping[str, Mapping[str, PairedChange]]
) -> Table:
    """Return one row per world: each model's success with its interval, and the change from the first model."""
    models = list(scores)
    worlds = list(dict.fromkeys(world for cells in scores.values() for world in cells))
    first = models[0] if models else ""
    headings = ["world", "made by", "n", *models]
    for model in models[1:]:
        headings += [f"change {first} to {model}", "p"] if len(models) > 2 else ["change", "p"]
    rows = []
    for world in worlds:
        cells = [scores[model].get(world) for model in models]
        known = next(cell for cell in cells if cell)
        row = [world, label(known.made_by), str(known.n), *(with_interval(cell) for cell in cells)]
        for model in models[1:]:
            row += _change(scores[first].get(world), scores[model].get(world), changes.get(model, {}).get(world))
        rows.append(tuple(row))
    return Table(tuple(headings), rows)


def full_scores(scores: Mapping[str, Mapping[str, WorldScore]]) -> Table:
    """Return one row per world and model with every number of the cell."""
    headings = ("world", "model", "n", "success", "reward", "invalid actions", "turns", "ended by", "broken", "made by")
    worlds = list(dict.fromkeys(world for cells in scores.values() for world in cells))
    rows = []
    for world in worlds:
        for model, cells in scores.items():
            if cell := cells.get(world):
                rows.append(_full_row(world, model, cell))
    return Table(headings, rows)


def _full_row(world: str, model: str, cell: WorldScore) -> tuple[str, ...]:
    return (
        world,
        model,
        str(cell.n),
        with_interval(cell),
        _reward(cell),
        "none taken" if cell.invalid_action is None else percent(cell.invalid_action),
        f"{cell.turns:.1f}",
        ", ".join(f"{stop} {count}" for stop, count in cell.stops.items()),
        ", ".join(f"{side} {count}" for side, count in cell.errors.items()) or "0",
        label(cell.made_by),
    )


def _reward(cell: WorldScore) -> str:
    told = f"{cell.reward:.3f} ({cell.reward_ci[0]:.3f} to {cell.reward_ci[1]:.3f})"
    return told if cell.reward_by_category is None else f"{told}, mean of kinds {cell.reward_by_category:.3f}"


def label(made_by: MadeBy) -> str:
    """Name the source and difficulty of a number: `synthetic-v1, tiny`."""
    return f"{made_by.source}, {made_by.difficulty}" if made_by.difficulty else made_by.source


def percent(share: float) -> str:
    """Write a share with one digit: `61.3 %`."""
    return f"{100 * share:.1f} %"


def interval(bounds: Interval) -> str:
    """Write an interval of shares: `51.2 to 70.4`."""
    return f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"


def with_interval(cell: WorldScore | None) -> str:
    """Write success and its 95 % interval: `61.3 % (51.2 to 70.4)`."""
    return f"{percent(cell.success)} ({interval(cell.ci)})" if cell else "not played"


def points(before: float, after: float) -> str:
    """Write a change of shares in percentage points, signed: `+58.1`."""
    return f"{100 * (after - before):+.1f}"


def p_value(change: PairedChange) -> str:
    """Write the probability of the paired test, `< 0.001` below that."""
    return "< 0.001" if change.p_value < 0.001 else f"{change.p_value:.3f}"


def _change(before: WorldScore | None, after: WorldScore | None, change: PairedChange | None) -> list[str]:
    moved = points(before.success, after.success) if before and after else ""
    return [moved, p_value(change) if change and change.tasks else ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

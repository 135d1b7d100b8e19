"""A report in words: its headline, and the whole of it as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agenttuning.analysis.errors import CATEGORIES
from agenttuning.analysis.overall import is_synthetic
from agenttuning.analysis.tables import Table, before_after, full_scores, label, percent, points
from agenttuning.pipeline.report_overall import overall_markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from agenttuning.analysis.overall import PublishedScores
    from agenttuning.core.records import Sampling
    from agenttuning.pipeline.report_facts import Facts


_SHARES = frozenset({"ratio", "mean_rate", "exact", "tolerant"})
_COMPARED = {
    "own_text": "the task's own text",
    "with_shared_text": "with the text that all samples of a world share",
}


def title(facts: Facts) -> str:
    """Name what was tuned on what: `tiny-base, tuned on alfworld and database`."""
    trained = [world for world, role in facts.roles.items() if role == "trained on"]
    base = facts.stages["train"].config.get("model") if "train" in facts.stages else None
    if not isinstance(base, str):
        return f"{listed(facts.models)} on {listed(facts.worlds)}" if facts.models else "A run without an evaluation"
    name = "random weights" if base == "fresh" else base.rstrip("/").rsplit("/", 1)[-1]
    return f"{name}, tuned on {listed(trained)}" if trained else f"{name}, tuned"


def sentence(facts: Facts) -> str:
    """Say the result in one sentence."""
    if not facts.evaluation or not facts.worlds:
        return "Nothing was evaluated."
    scores, models = facts.scores, facts.models
    before, after = scores[models[0]], scores[models[-1]]
    if len(models) == 1:
        return (
            f"{models[0]} solves {listed([f'{percent(cell.success)} of {world}' for world, cell in before.items()])}."
        )
    both = {world: (before[world].success, after[world].success) for world in before if world in after}
    told, moved = [], []
    for world, (old, new) in both.items():
        if facts.roles[world] == "general":
            moved.append(f"the general test {world} moves by {points(old, new)} points")
        else:
            told.append(f"{percent(old)} to {percent(new)} on {world}")
    parts = [f"success goes from {listed(told)}"] if told else []
    said = "; ".join([*parts, *([listed(moved)] if moved else [])])
    return f"{said[:1].upper()}{said[1:]}." if said else "No world was played by both models."


def origin(facts: Facts) -> str:
    """Name the sources and difficulties behind the numbers: `synthetic-v1, tiny`."""
    labels = dict.fromkeys(label(cell.made_by) for cells in facts.scores.values() for cell in cells.values())
    return "; ".join(labels)


def synthetic(facts: Facts) -> list[str]:
    """Return the worlds whose numbers come from our own generators instead of the benchmark's data."""
    made_up = {world for cells in facts.scores.values() for world, cell in cells.items() if is_synthetic(cell)}
    return [world for world in facts.worlds if world in made_up]


def listed(names: Sequence[str]) -> str:
    """Join names: `a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def shown(value: JsonValue) -> str:
    """Write a count as it is read: thousands apart, shares short."""
    if isinstance(value, bool) or value is None:
        return str(value).lower() if value is not None else ""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.1f}" if value == round(value, 1) else f"{value:.4g}"
    return str(value)


def rows_of(table: dict[str, dict[str, JsonValue]], first: str) -> Table:
    """Turn a table of a manifest's counts into text; columns in the order of their first appearance."""
    columns = list(dict.fromkeys(column for row in table.values() for column in row))
    rows = [(name, *(_count(column, row.get(column)) for column in columns)) for name, row in table.items()]
    return Table((first, *(column.replace("_", " ") for column in columns)), rows)


def _count(column: str, value: JsonValue) -> str:
    return percent(value) if column in _SHARES and isinstance(value, int | float) else shown(value)


def data_table(facts: Facts) -> Table:
    """Return the paper's table 1 for this run: instructions, trajectories, kept, mean turns, ratio."""
    return rows_of(facts.table("filter", "table"), "world")


class Part(NamedTuple):
    """One source of the mixture."""

    source: str
    size: int | None
    """Rows that it has."""
    examples: int | None
    """Draws that the plan gives it."""
    epochs: float | None
    """How often its rows are gone through."""
    tokens: int
    """Tokens of it that training saw."""


def mixture(facts: Facts) -> list[Part]:
    """Return the sources of the mixture, from the plan of stage mix and from what training saw."""
    counts = facts.stages["mix"].counts if "mix" in facts.stages else {}
    amounts, sizes, epochs = facts.table("mix", "amounts"), counts.get("sizes"), counts.get("epochs")
    sources = list(dict.fromkeys((*amounts, *facts.tokens)))
    return [
        Part(
            source,
            _whole(sizes.get(source) if isinstance(sizes, dict) else None),
            _whole(amounts.get(source, {}).get("examples")),
            _number(epochs.get(source) if isinstance(epochs, dict) else None),
            facts.tokens.get(source, 0),
        )
        for source in sources
    ]


def mixture_table(parts: Sequence[Part]) -> Table:
    """Return the mixture by examples and by tokens: 20 % of the one is not 20 % of the other."""
    drawn, seen = sum(part.examples or 0 for part in parts), sum(part.tokens for part in parts)
    rows = [
        (
            part.source,
            shown(part.size),
            shown(part.examples),
            percent(part.examples / drawn) if part.examples is not None and drawn else "",
            "" if part.epochs is None else f"{part.epochs:.2f}",
            shown(part.tokens) if seen else "",
            percent(part.tokens / seen) if seen else "",
        )
        for part in parts
    ]
    return Table(("source", "rows", "examples drawn", "share", "epochs", "tokens trained on", "share of tokens"), rows)


def _whole(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None


def _number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None


GENERATED_WORDS = (
    "Generated tasks reuse the same words, so the paper's rule, which bridges mismatches, finds most of them; "
    "only trajectories that hold a sample word for word are dropped, unless configured otherwise."
)


def contamination_tables(facts: Facts) -> dict[str, Table]:
    """Return the contamination rates, by what was compared: with the text that all samples share, and without."""
    tables = facts.table("decontaminate", "rates")
    return {
        _COMPARED.get(name, name): rows_of({w: row for w, row in rows.items() if isinstance(row, dict)}, "world")
        for name, rows in tables.items()
    }


def contamination_rule(facts: Facts) -> str:
    """Say what the rates were measured with; empty when unknown."""
    config: JsonValue = dict(facts.stages["decontaminate"].config) if "decontaminate" in facts.stages else None
    rule = config.get("rule") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(rule, dict):
        return ""
    n, tolerance, tokenizer = rule.get("n"), rule.get("tolerance"), config.get("tokenizer")
    unit = f"tokens of {tokenizer}" if tokenizer else "words, folded by NFKC and case"
    if rule.get("reading") == "strict":
        return f"strict reading: any {n} {unit}, with at most {tolerance} mismatches"
    return f"seed reading: {n} equal {unit}, extended over at most {tolerance} mismatches"


def offender_table(facts: Facts) -> Table:
    """Return the training trajectories that hold most of a test sample, word for word."""
    return rows_of(facts.table("decontaminate", "offenders"), "test sample")


def dropped(facts: Facts) -> str:
    """Say how many training trajectories held a test sample: `3 (alfworld 1, database 2)`; empty when unknown."""
    told = facts.stages["decontaminate"].counts.get("dropped") if "decontaminate" in facts.stages else None
    if isinstance(told, dict):
        by_world = ", ".join(f"{world} {shown(count)}" for world, count in told.items())
        return f"{sum(_whole(count) or 0 for count in told.values()):,} ({by_world})" if told else "0"
    return shown(told)


def error_table(facts: Facts) -> Table:
    """Return the share of episodes with each elementary error, by world and model."""
    rows = [
        (world, model, *(percent(facts.errors[model][world][category]) for category in CATEGORIES))
        for world in facts.worlds
        for model in facts.models
        if world in facts.errors.get(model, {})
    ]
    return Table(("world", "model", *CATEGORIES), rows)


def provenance_table(facts: Facts) -> Table:
    """Return what made each stage: configuration, inputs, outputs, code."""
    rows = [
        (stage, made.config_digest, _digests(made.inputs), _digests(made.outputs), made.git)
        for stage, made in facts.stages.items()
    ]
    return Table(("stage", "configuration", "read", "wrote", "code"), rows)


def making_table(facts: Facts) -> Table:
    """Return what made the cells: world version, source, prompt and sampling; one row for every different making."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for model, cells in facts.scores.items():
        for cell in cells.values():
            made = cell.made_by
            key = (made.environment_version, label(made), made.split, made.prompt or "none", drawn(made.sampling))
            rows.setdefault((*key, str(made.seed)), []).append(model)
    headings = ("world and version", "source", "split", "instruction", "tokens drawn", "seed", "models")
    return Table(headings, [(*key, listed(models)) for key, models in sorted(rows.items())])


def drawn(sampling: Sampling | None) -> str:
    """Say how tokens were drawn: `greedy, 128 tokens per turn`."""
    if sampling is None:
        return "no tokens"
    cut = f", top-p {sampling.top_p:g}" * (sampling.top_p < 1) + f", top-k {sampling.top_k}" * (sampling.top_k > 0)
    how = f"temperature {sampling.temperature:g}{cut}" if sampling.temperature else "greedy"
    return f"{how}, {sampling.max_new_tokens} tokens per turn"


def versions(facts: Facts) -> str:
    """Name the versions that shaped the numbers, each once."""
    pairs = dict.fromkeys((name, version) for made in facts.stages.values() for name, version in made.versions.items())
    return ", ".join(f"{name} {version}" for name, version in pairs)


def _digests(digests: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in digests.items())


def _contamination(facts: Facts) -> list[str]:
    held, offenders = dropped(facts), offender_table(facts)
    parts = (
        [f"Training trajectories dropped because they held a test sample: {held}. {GENERATED_WORDS}\n"] if held else []
    )
    for name, table in contamination_tables(facts).items():
        parts += [f"## Contamination: {name}\n", table.markdown()]
    parts += [f"Measured by the {rule}.\n"] if (rule := contamination_rule(facts)) else []
    return [*parts, "## Contamination: who holds most\n", offenders.markdown()] if offenders.rows else parts


def markdown(facts: Facts, published: PublishedScores) -> str:
    """Return the report as Markdown."""
    parts = [f"# {title(facts)}\n", f"{sentence(facts)}\n"]
    if facts.evaluation:
        if generated := synthetic(facts):
            parts.append(f"Made on generated tasks: {listed(generated)}; not comparable with published scores.\n")
        scores, changes = facts.scores, facts.evaluation.changes
        parts += ["## Before and after\n", before_after(scores, changes).markdown()]
        parts.append(
            "Success with its 95 % interval (Wilson); change in points; p is McNemar's exact test on the same tasks.\n"
        )
        parts += overall_markdown(facts, published)
        parts += ["## Every number\n", full_scores(scores).markdown()]
        parts += ["## Errors\n", "Share of episodes; categories overlap.\n", error_table(facts).markdown()]
    if facts.table("filter", "table"):
        parts += ["## Data\n", data_table(facts).markdown()]
    if parts_mixed := mixture(facts):
        parts += ["## Mixture\n", mixture_table(parts_mixed).markdown()]
    if facts.loss:
        parts += [
            "## Training\n",
            f"{len(facts.loss)} steps, loss {facts.loss[0][1]:.3f} to {facts.loss[-1][1]:.3f}.\n",
        ]
    parts += _contamination(facts)
    parts += ["## What made these numbers\n"]
    if facts.evaluation:
        parts += [making_table(facts).markdown()]
    parts += [provenance_table(facts).markdown(), f"{versions(facts)}\n"]
    return "\n".join(parts)

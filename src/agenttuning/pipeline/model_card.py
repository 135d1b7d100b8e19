"""The model card: what an exported model was made from, told by the manifests of its run.

It lies in the model's folder, so the model's digest covers it: nothing in it depends on the clock, the machine or the
place of the run. Scores come later than the model; they are in the run's report, beside the digest of this folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.pipeline.train import FRESH

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from agenttuning.core.run import Manifest, StageStart
    from agenttuning.pipeline.train import TrainConfig

_SHOWN = (
    "steps", "batch_tokens", "max_length", "optimizer", "learning_rate", "schedule", "warmup", "weight_decay", "clip",
    "precision",
)  # fmt: skip


def model_card(
    config: TrainConfig, start: StageStart, counts: Mapping[str, JsonValue], earlier: Mapping[str, Manifest]
) -> str:
    """Return the README.md of a tuned model; `earlier` are the manifests of the stages before."""
    base = _base_name(config.model)
    parts = [
        _front_matter(base),
        f"# {'A chat model trained from random weights' if base is None else f'{base}, tuned for agents'}\n",
        (
            "Trained with `agenttuning` on a mixture of agent trajectories and general chat, with the loss on the "
            "assistant's words only, after the recipe of AgentTuning (arXiv 2310.12823).\n"
        ),
        "## Made from\n",
        _table(("what", "value"), _origin(base, start, counts, earlier)),
        "## Mixture\n",
        _mixture(counts, earlier.get("mix")),
        "## Training\n",
        _table(("key", "value"), [(key, _shown(getattr(config, key))) for key in _SHOWN]),
        "## Contamination\n",
        _contamination(earlier.get("decontaminate")),
        "## Scores\n",
        (
            "None are kept here: they are measured after the model is written. The report of the run holds them, with "
            "the digest of this folder.\n"
        ),
        "## Use\n",
        (
            "The folder loads as it is in transformers, vLLM and TGI; prompts must be made with its chat template "
            f"(rendering `{counts.get('template')}`).\n"
        ),
        (
            "    agenttuning serve RECIPE serve.model=FOLDER    # as the original serves AgentLM, and an OpenAI port\n"
            "    vllm serve FOLDER\n"
        ),
        "## Licence\n",
        (
            "The weights are under the licence of the base model, where there is one, and of the data above; this tool "
            "adds no terms of its own.\n"
        ),
    ]
    return "\n".join(parts)


def _base_name(model: str) -> str | None:
    """Return a name that is the same on every machine: the last part of a path."""
    if model == FRESH:
        return None
    return Path(model).expanduser().name if Path(model).expanduser().is_dir() else model


def _front_matter(base: str | None) -> str:
    named = [f"base_model: {base}"] if base and "/" in base else []
    return "\n".join(["---", *named, "library_name: transformers", "pipeline_tag: text-generation", "---", ""])


def _origin(
    base: str | None, start: StageStart, counts: Mapping[str, JsonValue], earlier: Mapping[str, Manifest]
) -> list[tuple[str, str]]:
    rows = [("base", "random weights" if base is None else f"{base} (digest `{start.inputs['model']}`)")]
    rows.append(("parameters", _shown(counts.get("parameters"))))
    rows.append(("training set", f"digest `{start.inputs['train']}`"))
    rows += [(f"stage {name}", f"configuration `{found.config_digest}`") for name, found in earlier.items()]
    for name, found in earlier.items():
        rows += [(f"{name} read {key}", f"digest `{digest}`") for key, digest in sorted(found.start.inputs.items())]
    rows.append(("seed", str(start.seed)))
    return rows


def _mixture(counts: Mapping[str, JsonValue], mix: Manifest | None) -> str:
    tokens, trained = _numbers(counts.get("tokens")), _numbers(counts.get("trained_tokens"))
    amounts = mix.counts.get("amounts") if mix else None
    sizes = _numbers(mix.counts.get("sizes")) if mix else {}
    draws = {
        name: _numbers(amount).get("examples", 0.0)
        for name, amount in (amounts.items() if isinstance(amounts, dict) else ())
    }
    planned = sum(draws.values())
    rows = [
        (
            name,
            _shown(sizes.get(name)),
            f"{draws[name] / planned:.1%}" if name in draws and planned else "-",
            _shown(tokens.get(name, 0)),
            _shown(trained.get(name, 0)),
        )
        for name in sorted({*tokens, *draws})
    ]
    header = ("source", "dialogues", "share of draws", "tokens seen", "tokens trained")
    last = f"\n{_shown(counts.get('draws'))} draws; last loss {_shown(counts.get('loss'))}.\n"
    return _table(header, rows) + last


def _contamination(manifest: Manifest | None) -> str:
    rates = manifest.counts.get("rates") if manifest else None
    own = rates.get("own_text") if isinstance(rates, dict) else None
    if manifest is None or not isinstance(own, dict):
        return "Not checked in this run.\n"
    cells = {test: _numbers(rate) for test, rate in sorted(own.items())}
    columns = sorted({key for row in cells.values() for key in row})
    rows = [(test, *(_shown(row.get(column)) for column in columns)) for test, row in cells.items()]
    dropped = _shown(manifest.counts.get("dropped"))
    return _table(("test set", *columns), rows) + f"\nDropped for overlap with a test: {dropped}.\n"


def _numbers(value: JsonValue | None) -> dict[str, float]:
    found = value.items() if isinstance(value, dict) else ()
    return {name: number for name, number in found if isinstance(number, int | float)}


def _shown(value: object) -> str:
    if isinstance(value, float) and not value.is_integer():
        return f"{value:.4g}"
    if isinstance(value, int | float):
        return f"{int(value):,}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items()) or "none"
    return "-" if value is None else str(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

"""Mix: eta agent to 1 - eta general, as an exact plan (paper section 2.3; eta = 0.2).

Reads the decontaminated trajectories and, if told to, data files; writes every example in the order in which
training takes it. `plan.json` says what the mixture is by every measure, because 20 % of the examples are not
20 % of the tokens.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, JsonValue

from agenttuning.core.records import Record
from agenttuning.core.run import StageConfig
from agenttuning.core.store import write_atomic
from agenttuning.errors import DataError, RecipeError, StageError, nearest
from agenttuning.training.mixture import Mixture, example_share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agenttuning.core.records import Message
    from agenttuning.core.run import Manifest, Run
    from agenttuning.models.chat_template import ChatTemplate
    from agenttuning.pipeline.mix_sources import Example

Weights = Literal["equal", "size"] | dict[str, float]
AGENT: Literal["agent"] = "agent"
GENERAL: Literal["general"] = "general"


class MixConfig(StageConfig):
    """What training sees, in which proportion."""

    agent_share: float = Field(default=0.2, ge=0.0, le=1.0)
    """The paper's eta: 0.2. 1 trains on agent data alone, 0 on general data alone."""
    unit: Literal["examples", "tokens"] = "examples"
    """What `agent_share` counts. The paper's reading is examples; `tokens` needs `count_with`."""
    examples: int = Field(default=128_000, gt=0)
    """Length of the plan; 2,000 steps x 64 sequences in the paper. Training that needs more begins it again."""
    general: tuple[str, ...] = ("chat",)
    """Environments whose trajectories are general data; all others are agent data."""
    agent_files: tuple[Path, ...] = ()
    """AgentInstruct files (.json, .jsonl, .parquet), each a source named by its file name."""
    general_files: tuple[Path, ...] = ()
    """ShareGPT or `messages` files, each a source named by its file name."""
    agent_weights: Weights = "equal"
    """Inside the agent part: every source alike, by number of examples (the paper's one pool), or {source = weight}."""
    general_weights: Weights = "size"
    """Inside the general part; the paper takes GPT-4 to GPT-3.5 conversations 1 : 4 (second-hand)."""
    count_with: str | None = None
    """A model whose tokenizer and chat template count tokens; without one only characters are counted."""


class Amount(Record):
    """A part of the mixture by every measure."""

    examples: int = 0
    characters: int = 0
    trained_characters: int = 0
    tokens: int = 0
    """0 without `count_with`."""
    trained_tokens: int = 0


class _Lengths(Record):
    characters: int
    trained_characters: int
    tokens: int = 0
    trained_tokens: int = 0


def run(config: MixConfig, run: Run) -> Manifest:
    """Write `train.parquet` (messages, source, environment, task; in plan order) and `plan.json`."""
    from agenttuning.pipeline.mix_sources import existing, read_sources
    from agenttuning.pipeline.training_set import write_training_set

    files = {path.name: existing(path, stage="mix") for path in (*config.agent_files, *config.general_files)}
    inputs = {"kept": run.output("decontaminate", "kept.jsonl"), **files}
    dropped = inputs["kept"].with_name("dropped.jsonl")
    if files and dropped.exists():
        inputs["dropped"] = dropped
    stage = run.open("mix", config, inputs=inputs)
    if stage.finished:
        return stage.finished
    sources = read_sources(
        inputs["kept"], general=config.general, agent_files=config.agent_files, general_files=config.general_files
    )
    lengths = _measure(sources.agent | sources.general, config.count_with)
    mixture = build_mixture(config, sources.agent, sources.general, lengths, seed=run.seed)
    both = {**sources.agent, **sources.general}
    amounts = {name: Amount() for name in mixture.flat()}

    def planned() -> Iterator[tuple[str, Example]]:
        for index in range(config.examples):
            draw = mixture.draw(index)
            amounts[draw.source] = _plus(amounts[draw.source], lengths[draw.source][draw.row])
            yield AGENT if draw.source in sources.agent else GENERAL, both[draw.source][draw.row]

    write_training_set(stage.folder / "train.parquet", planned())
    plan = MixPlan(
        digest=mixture.digest,
        unit=config.unit,
        shares={name: str(share) for name, share in mixture.flat().items()},
        sizes=dict(mixture.sizes),
        epochs={name: float(value) for name, value in mixture.epochs(config.examples).items()},
        amounts=amounts,
        agent_share=_agent_share(amounts, set(sources.agent)),
    )
    write_atomic(stage.folder / "plan.json", plan.model_dump_json(indent=2) + "\n")
    counts: dict[str, JsonValue] = plan.model_dump(mode="json", exclude={"shares"})
    counts["unusable"] = dict(sources.unusable)
    checked = run.manifest("decontaminate")
    unchecked = [name for name in files if checked is None or name not in checked.start.inputs]
    counts["contaminated"] = {**sources.contaminated, **dict.fromkeys(unchecked, "not checked")}
    return stage.finish(outputs=("train.parquet", "plan.json"), counts=counts)


class MixPlan(Record):
    """What `plan.json` holds."""

    digest: str
    unit: str
    shares: dict[str, str]
    """Exact share of examples of every source."""
    sizes: dict[str, int]
    epochs: dict[str, float]
    """How often each source is gone through, packing ignored."""
    amounts: dict[str, Amount]
    agent_share: dict[str, float]
    """Realised share of agent data by measure."""


def build_mixture(
    config: MixConfig,
    agent: Mapping[str, list[Example]],
    general: Mapping[str, list[Example]],
    lengths: Mapping[str, list[_Lengths]],
    *,
    seed: int,
) -> Mixture:
    """Return the plan.

    Raises:
        RecipeError: weights for sources that do not exist, or tokens without a model that counts them.
        StageError: a side that must give examples has none.
    """
    share = Fraction(str(config.agent_share))
    inner = {AGENT: _weights(config.agent_weights, agent), GENERAL: _weights(config.general_weights, general)}
    for side, part in ((AGENT, share), (GENERAL, 1 - share)):
        if part > 0 and not inner[side]:
            raise StageError(
                f"the {side} part is asked for {float(part):g} of the mixture and no {side} trajectory was kept; "
                "see the drop reasons of filter and decontaminate, name a file, or change mix.agent_share"
            )
    if config.unit == "tokens" and 0 < share < 1:
        if config.count_with is None:
            raise RecipeError('mix.unit = "tokens" needs mix.count_with = "<model>" to count them')
        share = example_share(
            share,
            agent_length=_mean_length(inner[AGENT], lengths),
            general_length=_mean_length(inner[GENERAL], lengths),
        )
    shares = {AGENT: share, GENERAL: 1 - share}
    used = {side: part for side, part in shares.items() if part > 0}
    sizes = {name: len(rows) for name, rows in (*agent.items(), *general.items())}
    groups = {side: inner[side] for side in used}
    return Mixture(seed, used, {name: sizes[name] for side in used for name in inner[side]}, groups)


def _weights(weights: Weights, sources: Mapping[str, list[Example]]) -> dict[str, Fraction]:
    if isinstance(weights, dict):
        unknown = [name for name in weights if name not in sources]
        if unknown:
            known = ", ".join(sources) or "none"
            raise RecipeError(f"no source {unknown[0]!r} to weigh{nearest(unknown[0], sources)}; known: {known}")
        raw = {name: Fraction(str(value)) for name, value in weights.items()}
    else:
        raw = {name: Fraction(len(rows) if weights == "size" else 1) for name, rows in sources.items()}
    total = sum(raw.values())
    return {name: value / total for name, value in sorted(raw.items()) if value > 0}


def _mean_length(weights: Mapping[str, Fraction], lengths: Mapping[str, list[_Lengths]]) -> Fraction:
    means = (
        part * Fraction(sum(n.tokens for n in lengths[name]), len(lengths[name])) for name, part in weights.items()
    )
    return sum(means, Fraction(0))


def _measure(sources: Mapping[str, list[Example]], count_with: str | None) -> dict[str, list[_Lengths]]:
    if count_with is None:
        return {name: [_characters(example.messages) for example in rows] for name, rows in sources.items()}
    from agenttuning.models.load import choose_template, load_tokenizer, resolve_model

    template = choose_template(load_tokenizer(resolve_model(count_with)))
    return {name: list(_tokens(template, [example.messages for example in rows])) for name, rows in sources.items()}


def _tokens(template: ChatTemplate, conversations: list[tuple[Message, ...]]) -> Iterator[_Lengths]:
    for start in range(0, len(conversations), 256):
        batch = conversations[start : start + 256]
        for messages, dialogue in zip(batch, template.training_batch(batch), strict=True):
            if isinstance(dialogue, DataError):
                raise dialogue
            trained = sum(label >= 0 for label in dialogue.labels)
            counted = {"tokens": len(dialogue.input_ids), "trained_tokens": trained}
            yield _characters(messages).model_copy(update=counted)


def _characters(messages: tuple[Message, ...]) -> _Lengths:
    trained = sum(len(m.content) for m in messages if m.role == "assistant" and m.train is not False)
    return _Lengths(characters=sum(len(m.content) for m in messages), trained_characters=trained)


def _plus(amount: Amount, lengths: _Lengths) -> Amount:
    return Amount(
        examples=amount.examples + 1,
        characters=amount.characters + lengths.characters,
        trained_characters=amount.trained_characters + lengths.trained_characters,
        tokens=amount.tokens + lengths.tokens,
        trained_tokens=amount.trained_tokens + lengths.trained_tokens,
    )


def _agent_share(amounts: Mapping[str, Amount], agent: set[str]) -> dict[str, float]:
    shares = {}
    for measure in Amount.model_fields:
        values = {name: amount.model_dump()[measure] for name, amount in amounts.items()}
        total = sum(values.values())
        if total:
            shares[measure] = round(sum(value for name, value in values.items() if name in agent) / total, 6)
    return shares

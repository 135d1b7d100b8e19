"""Stage 4, decontaminate: the paper's n-gram rule between training trajectories and the tests of the run.

The tests are every test split of the recipe and every general test named under `references`. Rates are reported by the
paper's rule, twice: with the instruction that all samples of a world share, and without. By that rule templated worlds
look contaminated, since a new room in the old words differs in few tokens. So by default a trajectory is dropped when
it holds, alone and word for word, more than the dirty share of a sample's own text. `offenders.jsonl` shows which
trajectories hold most of each sample, passage by passage.

Trajectories are read once and never all held; `pip install 'agenttuning[fast]'` makes long runs many times faster.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from agenttuning.analysis.contamination import Reference, Rule
from agenttuning.analysis.contamination.boilerplate import FEWEST
from agenttuning.core.records import Trajectory
from agenttuning.core.run import StageConfig
from agenttuning.core.store import Appender, read_records, write_records
from agenttuning.errors import StageError
from agenttuning.pipeline.construct import build_environment, read_entries
from agenttuning.pipeline.filter import Dropped
from agenttuning.pipeline.mix_sources import FILE, existing, rows_of_files
from agenttuning.pipeline.offenders import Offence, Offenders, worst
from agenttuning.pipeline.progress import progress
from agenttuning.pipeline.references import GeneralTest, read_tests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

    from agenttuning.analysis.contamination import Match
    from agenttuning.analysis.contamination.tokens import Encode
    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.construct import Entry
    from agenttuning.pipeline.offenders import Show


_WORST = 5
"""Offenders that the report shows."""


class DecontaminateConfig(StageConfig):
    """What is measured, and what is dropped."""

    rule: Rule = Rule()
    """The constants; the paper's by default."""
    unit: Literal["words", "tokens"] = "words"
    """What the rule counts: words and punctuation marks after folding (NFKC, case), or ids of `tokenizer`."""
    tokenizer: str | None = None
    """A model's name or folder, whose tokenizer cuts the text when `unit` is `tokens`; text is then not folded."""
    boilerplate: float = Field(default=1.0, ge=0.0, le=1.0)
    """Text that more than this share of a test's samples have counts as no sample's own. Lines that all samples of a
    world have never count; 1 leaves it at those."""
    references: dict[str, GeneralTest] = {}
    """General tests to check against, besides the test splits of the recipe:
    `[decontaminate.references.NAME]` with `path`, `format` (mmlu, gsm8k, humaneval, mt_bench, jsonl) and, for jsonl,
    `field`."""
    agent_files: tuple[Path, ...] = ()
    """The files of `mix.agent_files`, to be checked as well."""
    general_files: tuple[Path, ...] = ()
    """The files of `mix.general_files`, to be checked as well."""
    drop: Literal["exact", "tolerant", "nothing"] = "exact"
    """Which share of one sample must exceed `rule.dirty`: of exact matches, or of matches over mismatches too;
    `nothing` only reports."""
    offenders: int = Field(default=3, ge=0)
    """Trajectories listed for each test sample, of those that hold at least the share `rule.clean` of it."""

    @model_validator(mode="after")
    def _complete(self) -> DecontaminateConfig:
        if (self.unit == "tokens") != (self.tokenizer is not None):
            raise ValueError('unit "tokens" needs `tokenizer`, and only that unit does')
        return self


@dataclass
class Sample:
    """One evaluation sample: what its episode opens with, or the question of a general test."""

    test_set: str
    """The world, or the name of the general test."""
    name: str
    shared: str
    """The user turns before the last: the instruction that the samples of a world share; may be empty."""
    own: str
    """The task's own part: the last user turn of the opening, less the lines that every sample of the world has."""


def run(config: DecontaminateConfig, run: Run) -> Manifest:
    """Write `kept.jsonl`, `dropped.jsonl`, `offenders.jsonl` and the rates per test."""
    tasks, source = run.output("construct", "tasks.jsonl"), run.output("filter", "kept.jsonl")
    files = {f"references.{name}": file.existing() for name, file in config.references.items()}
    files |= {path.name: existing(path, stage="decontaminate") for path in (*config.agent_files, *config.general_files)}
    stage = run.open("decontaminate", config, inputs={"tasks": tasks, "kept": source, **files})
    if stage.finished:
        return stage.finished
    samples = asyncio.run(_openings(read_entries(tasks, "test")))
    for name, file in config.references.items():
        samples += [Sample(name, row, "", text) for row, text in read_tests(file)]
    encode, show = _unit(config)
    reference = Reference([sample.own for sample in samples], config.rule, encode=encode)
    reference.leave_out_boilerplate([sample.test_set for sample in samples], share=config.boilerplate)
    shared = dict.fromkeys((sample.shared for sample in samples), False)
    watch = _Watch(reference, shared, Offenders(most=config.offenders, least=config.rule.clean))
    dropped = _split(source, stage.folder, watch, config)
    names = [(sample.test_set, sample.name) for sample in samples]
    write_records(stage.folder / "offenders.jsonl", watch.offenders.offences(names, reference, show))
    counts: dict[str, JsonValue] = {
        "dropped": dropped,
        "rates": {
            "own_text": _rates(samples, reference, {}),
            "with_shared_text": _rates(samples, reference, shared),
        },
        "offenders": worst(read_records(stage.folder / "offenders.jsonl", Offence), _WORST),
    }
    return stage.finish(outputs=("kept.jsonl", "dropped.jsonl", "offenders.jsonl"), counts=counts)


def _unit(config: DecontaminateConfig) -> tuple[Encode | None, Show]:
    """Return what cuts texts, None for words, and what makes tokens readable."""
    if config.tokenizer is None:
        return None, lambda tokens: [str(token) for token in tokens]
    from agenttuning.models.chat_template import plain_encoder
    from agenttuning.models.load import load_tokenizer, resolve_model

    encoder = plain_encoder(load_tokenizer(resolve_model(config.tokenizer)))

    def encode(texts: Sequence[str]) -> list[list[int]]:
        return [encoding.ids for encoding in encoder.encode_batch(texts, add_special_tokens=False)]

    return encode, lambda tokens: [encoder.decode([int(token)]) for token in tokens]


async def _openings(entries: Iterable[Entry]) -> list[Sample]:
    samples = []
    for entry in entries:
        name = str(entry.task["id"])
        async with build_environment(entry) as environment:
            opening = [message.content for message in await environment.start() if message.role == "user"]
        if not opening:
            raise StageError(f"{entry.environment} opens task {name!r} without a user turn; mend its start()")
        samples.append(Sample(entry.environment, name, "\n".join(opening[:-1]), opening[-1]))
    for world in {sample.test_set for sample in samples}:
        _leave_frame_out([sample for sample in samples if sample.test_set == world])
    return samples


def _leave_frame_out(samples: Sequence[Sample]) -> None:
    """Take from the samples of a world the lines that all of them have: a protocol's frame is no task's own text."""
    if len(samples) < FEWEST:
        return
    frame = set.intersection(*(set(sample.own.splitlines()) for sample in samples))
    for sample in samples:
        sample.own = "\n".join(line for line in sample.own.splitlines() if line not in frame)


@dataclass(frozen=True, slots=True)
class _Watch:
    """What is noted while training texts pass by."""

    reference: Reference
    shared: dict[str, bool]
    """Shared text to whether some training text holds it."""
    offenders: Offenders

    def judged(self, trajectories: Iterable[Trajectory]) -> Iterator[tuple[Trajectory, Match]]:
        """Yield every trajectory with what it holds of the samples."""
        texts = ((one, "\n".join(message.content for message in one.messages)) for one in trajectories)
        for (trajectory, text), match in self.reference.scan((pair, pair[1]) for pair in texts):
            for opening, found in self.shared.items():
                self.shared[opening] = found or opening in text
            self.offenders.note(trajectory, text, match)
            yield trajectory, match


def _split(source: Path, folder: Path, watch: _Watch, config: DecontaminateConfig) -> dict[str, JsonValue]:
    """Match all trajectories and rows, and write what is kept and what is not; return how many were dropped."""
    dropped: Counter[str] = Counter()
    aside = folder / "dropped.jsonl"
    aside.unlink(missing_ok=True)  # of a call that was killed

    def kept(writer: Appender[Dropped]) -> Iterator[Trajectory]:
        files = rows_of_files(config.agent_files, config.general_files)
        for trajectory, match in watch.judged(chain(read_records(source, Trajectory), files)):
            share = {"exact": match.exact, "tolerant": match.tolerant}.get(config.drop)
            if share is not None and share.max(initial=0.0) > config.rule.dirty:
                dropped[trajectory.environment] += 1
                writer.append(Dropped(reason="holds a test sample", trajectory=trajectory))
            elif trajectory.split != FILE:
                yield trajectory
            advance(note=f"{dropped.total()} dropped")

    with source.open("rb") as file:
        total = sum(1 for _ in file)
    with progress("decontaminate", total) as advance, Appender[Dropped](aside) as writer:
        write_records(folder / "kept.jsonl", kept(writer))
    return dict(sorted(dropped.items()))


def _rates(samples: Sequence[Sample], reference: Reference, shared: Mapping[str, bool]) -> dict[str, JsonValue]:
    """Rate the samples of each test; with `shared`, the shared text counts, as contaminated where it was found."""
    rule = reference.rule
    before = dict(zip(shared, map(len, reference.split(list(shared))), strict=True))
    rates: dict[str, list[float]] = {}
    short: Counter[str] = Counter()
    for sample, tokens, share in zip(samples, reference.lengths.tolist(), reference.shares().tolist(), strict=True):
        rates.setdefault(sample.test_set, [])
        told = before.get(sample.shared, 0)
        if tokens + told < rule.n:
            short[sample.test_set] += 1
        else:
            held = told if shared.get(sample.shared) else 0
            rates[sample.test_set].append((share * tokens + held) / (tokens + told))
    return {
        name: {
            "samples": len(shares) + short[name],
            "too_short": short[name],
            "clean": sum(share < rule.clean for share in shares),
            "between": sum(rule.clean <= share <= rule.dirty for share in shares),
            "dirty": sum(share > rule.dirty for share in shares),
            "mean_rate": round(sum(shares) / len(shares), 4) if shares else 0.0,
        }
        for name, shares in sorted(rates.items())
    }

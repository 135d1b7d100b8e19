"""What a report says, gathered from the manifests and outputs of a run; nothing here is computed from a clock.

A stage that did not run leaves its part empty: facts are read, never guessed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import ConfigDict, Field, JsonValue, ValidationError

from agenttuning.analysis.errors import ErrorCategory, error_shares
from agenttuning.core.records import Record, Trajectory
from agenttuning.core.run import STAGE_NAMES
from agenttuning.core.store import read_records
from agenttuning.environments import environment_ids, load_environment
from agenttuning.errors import DataError, MissingExtraError
from agenttuning.pipeline.evaluate import SCORES, EvaluationScores
from agenttuning.pipeline.general_tests.settings import TestName

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agenttuning.analysis.scores import WorldScore
    from agenttuning.core.run import Manifest, Run

Role = Literal["trained on", "held out", "general"]
Number = int | float
_CLOCK = ("second", "minute", "per_s", "speed", "elapsed", "wall")


class StageFacts(Record):
    """One stage, as its manifest tells it, less everything of the clock."""

    seed: int
    config: dict[str, JsonValue]
    config_digest: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    counts: dict[str, JsonValue]
    versions: dict[str, str]
    git: str


class Facts(Record):
    """Everything that a report says."""

    stages: dict[str, StageFacts]
    """The finished stages, in order."""
    evaluation: EvaluationScores | None
    roles: dict[str, Role]
    """World to its part in this run; agent worlds first."""
    errors: dict[str, dict[str, dict[ErrorCategory, float]]]
    """Model to world to the share of episodes that show an elementary error."""
    loss: list[tuple[int, float]]
    """Step and loss."""
    tokens: dict[str, int]
    """Tokens that training saw, by source."""

    @property
    def worlds(self) -> list[str]:
        """The worlds that were played, agent worlds first."""
        return list(self.roles)

    @property
    def models(self) -> list[str]:
        """The models that were evaluated; the first is what the others are compared with."""
        return list(self.evaluation.scores) if self.evaluation else []

    @property
    def scores(self) -> dict[str, dict[str, WorldScore]]:
        """Model to world to cell, worlds in the report's order."""
        played = self.evaluation.scores if self.evaluation else {}
        return {
            model: {world: cells[world] for world in self.roles if world in cells} for model, cells in played.items()
        }

    def table(self, stage: str, *keys: str) -> dict[str, dict[str, JsonValue]]:
        """Return a table from the counts of a stage: row name to cells; empty when it is not there."""
        found: JsonValue = dict(self.stages[stage].counts) if stage in self.stages else {}
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        rows = found.items() if isinstance(found, dict) else ()
        return {name: row for name, row in rows if isinstance(row, dict)}


def gather(run: Run) -> Facts:
    """Read what the finished stages of a run have left.

    Raises:
        DataError: an output is damaged.
    """
    manifests = {stage: found for stage in STAGE_NAMES if stage != "report" and (found := run.manifest(stage))}
    evaluation = _evaluation(run) if "evaluate" in manifests else None
    metrics = run.stage_folder("train") / "metrics.jsonl"
    lines = _metrics(metrics) if "train" in manifests and metrics.is_file() else []
    return Facts(
        stages={stage: _stage(manifest) for stage, manifest in manifests.items()},
        evaluation=evaluation,
        roles=_roles(evaluation, manifests.get("construct")),
        errors=_errors(run, evaluation),
        loss=[(line.step, line.loss) for line in lines],
        tokens=_total([line.tokens for line in lines]),
    )


class _Step(Record):
    """The part of a line of `metrics.jsonl` that a report shows."""

    model_config = ConfigDict(extra="ignore")

    step: int
    loss: float
    tokens: dict[str, int] = Field(default={})


def _metrics(path: Path) -> list[_Step]:
    """Read the steps in order; a step that was done again after a kill counts once, as done last."""
    return [step for _, step in sorted({step.step: step for step in read_records(path, _Step)}.items())]


def _total(parts: list[dict[str, int]]) -> dict[str, int]:
    names = sorted({name for part in parts for name in part})
    return {name: sum(part.get(name, 0) for part in parts) for name in names}


def _evaluation(run: Run) -> EvaluationScores:
    path = run.output("evaluate", SCORES)
    try:
        return EvaluationScores.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(f"{path} is damaged: {error.errors()[0]['msg']}; redo it with `--from evaluate`") from error


def played(run: Run, model: str) -> list[Trajectory]:
    """Return what a model played, in the order of the episodes' keys."""
    path = run.output("evaluate", f"{model}.jsonl")
    return sorted(read_records(path, Trajectory), key=lambda trajectory: trajectory.key)


def _errors(run: Run, evaluation: EvaluationScores | None) -> dict[str, dict[str, dict[ErrorCategory, float]]]:
    shares: dict[str, dict[str, dict[ErrorCategory, float]]] = {}
    for model, cells in evaluation.scores.items() if evaluation else ():
        trajectories = played(run, model)
        shares[model] = {
            world: error_shares(one for one in trajectories if one.environment == world) for world in cells
        }
    return shares


def _roles(evaluation: EvaluationScores | None, construct: Manifest | None) -> dict[str, Role]:
    worlds = {world for cells in evaluation.scores.values() for world in cells} if evaluation else set()
    roles = {world: _role(world, construct) for world in sorted(worlds)}
    order = ("trained on", "held out", "general")
    return dict(sorted(roles.items(), key=lambda item: order.index(item[1])))


def _role(world: str, construct: Manifest | None) -> Role:
    if _is_general(world):
        return "general"
    trained = construct.counts.get(f"{world}.train") if construct else None
    return "trained on" if isinstance(trained, dict) and trained.get("tasks") else "held out"


def _is_general(world: str) -> bool:
    if world.partition("-")[0] in get_args(TestName):
        return True
    try:
        return world in environment_ids() and load_environment(world).group == "general"
    except MissingExtraError:  # a report may be written where the world itself cannot be played
        return False


def _stage(manifest: Manifest) -> StageFacts:
    counts = _timeless(manifest.counts)
    return StageFacts(
        seed=manifest.start.seed,
        config=manifest.start.config,
        config_digest=manifest.config_digest,
        inputs=manifest.start.inputs,
        outputs=manifest.outputs,
        counts=counts,
        versions=manifest.versions,
        git=manifest.git,
    )


def _timeless(counts: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Leave out what depends on the clock: a report of the same run has the same bytes."""
    kept = {key: value for key, value in counts.items() if not any(word in key for word in _CLOCK)}
    return {key: _timeless(value) if isinstance(value, dict) else value for key, value in kept.items()}


def as_json(facts: Facts) -> str:
    """Return the report as JSON: `scores.<model>.<world>.{n, success, reward, ci ...}` first, then what made it."""
    evaluation = facts.evaluation.model_dump(mode="json") if facts.evaluation else {"scores": {}, "changes": {}}
    rest = facts.model_dump(mode="json", exclude={"evaluation", "loss"})
    loss = {"steps": len(facts.loss), "first": facts.loss[0][1], "last": facts.loss[-1][1]} if facts.loss else None
    report = {"scores": evaluation["scores"], "changes": evaluation["changes"], **rest, "loss": loss}
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"

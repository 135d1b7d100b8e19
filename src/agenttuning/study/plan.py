"""What a study is: the `[study]` section of a recipe, taken apart into one recipe per variant and seed.

    [study]
    seeds = [0, 1, 2]

    [study.variants.mixed]

    [study.variants.agent-only]
    set.mix.agent_share = 1.0

Variant `agent-only` under seed 1 becomes the run `runs/<name>/agent-only-1`: a run like any other, with a recipe of its
own. What a variant sets takes the place of the recipe's value. In its texts `{seed}` and `{runs}` become the seed and
the study's folder, so that a variant can name another one's model, and `{model}` the recipe's `train.model`.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field, JsonValue, StringConstraints, ValidationError

from agenttuning.core.records import Record, digest
from agenttuning.core.run import STAGE_NAMES
from agenttuning.errors import RecipeError, nearest
from agenttuning.recipe import Recipe, apply_overrides, build_recipe, read_toml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
_STAGES = tuple(stage for stage in STAGE_NAMES if stage not in {"serve", "report"})


class Variant(Record):
    """One way to change the recipe."""

    about: str = ""
    """One sentence for the report."""
    set: dict[str, JsonValue] = {}
    """Section to keys to values, in place of the recipe's; of `construct.environments` the worlds named here only."""
    stages: tuple[str, ...] | None = None
    """Stages to do, in the pipeline's order; None takes the study's."""
    seeds: tuple[int, ...] | None = None
    """None takes the study's."""
    after: str | None = None
    """A variant that must be finished first under the same seed, because this one uses what it made."""


class StudyPlan(Record):
    """The section `[study]`."""

    variants: dict[Name, Variant] = Field(min_length=1)
    """Name to variant."""
    seeds: tuple[int, ...] = (0,)
    """Every variant is run under each of them."""
    stages: tuple[str, ...] = _STAGES
    """Stages to do; a port and a report of every single run are left out unless named."""
    jobs: int = Field(default=2, gt=0)
    """Stages in progress at once, each in a process of its own."""


class Cell(NamedTuple):
    """One run of a study."""

    variant: str
    seed: int
    recipe: Recipe
    stages: tuple[str, ...]
    after: str | None

    @property
    def name(self) -> str:
        """Its folder inside the study's."""
        return self.recipe.name

    def key(self, stage: str) -> str:
        """Digest of everything that a stage's result depends on; cells that share it share the stage."""
        done = self.stages[: self.stages.index(stage) + 1]
        chain = [self.recipe.stage(name).model_dump(mode="json") for name in done]
        return digest(json.dumps([self.seed, done, chain], sort_keys=True))


class Study(NamedTuple):
    """All runs of a study."""

    name: str
    folder: Path
    plan: StudyPlan
    cells: tuple[Cell, ...]

    def cell(self, variant: str, seed: int) -> Cell | None:
        """Return the run of a variant under a seed, None where there is none."""
        return next((cell for cell in self.cells if (cell.variant, cell.seed) == (variant, seed)), None)


def read_study(path: Path, overrides: Sequence[str] = ()) -> Study | None:
    """Read a study; None when the recipe is of a single run.

    Raises:
        RecipeError: as `read_recipe`; or a variant, a stage or a `set` that does not fit, named.
    """
    data = read_toml(path)
    apply_overrides(data, overrides)
    section = data.pop("study", None)
    if section is None:
        return None
    try:
        plan = StudyPlan.model_validate(section)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, ("study", *first["loc"])))
        raise RecipeError(f"{path}: {key}: {first['msg']}; keys: {', '.join(StudyPlan.model_fields)}") from error
    whole = build_recipe(path, data)
    cells = tuple(
        _cell(path, data, whole, plan, name=name, seed=seed)
        for name, variant in plan.variants.items()
        for seed in variant.seeds or plan.seeds
    )
    study = Study(whole.name, whole.folder, plan, cells)
    _require_order(study)
    return study


def _cell(path: Path, data: dict[str, JsonValue], whole: Recipe, plan: StudyPlan, *, name: str, seed: int) -> Cell:
    variant = plan.variants[name]
    changed = copy.deepcopy(data)
    words = {"{seed}": str(seed), "{runs}": str(whole.folder), "{model}": whole.train.model}
    for section, keys in variant.set.items():
        _replace(changed, section, _filled(keys, words), variant=name)
    changed |= {"name": f"{name}-{seed}", "runs": str(whole.folder), "seed": seed}
    recipe = build_recipe(path, changed, told=f"study.variants.{name}.set")
    return Cell(name, seed, recipe, _stages(variant.stages or plan.stages, name), variant.after)


def _replace(data: dict[str, JsonValue], section: str, keys: JsonValue, *, variant: str) -> None:
    mine = data.setdefault(section, {})
    if not isinstance(keys, dict) or not isinstance(mine, dict):
        raise RecipeError(
            f"study.variants.{variant}.set.{section} must be a section with keys, for example set.mix.agent_share = 1.0"
        )
    for key, value in keys.items():
        worlds = mine.get(key)
        if section == "construct" and key == "environments" and isinstance(worlds, dict) and isinstance(value, dict):
            mine[key] = worlds | value
        else:
            mine[key] = value


def _filled(value: JsonValue, words: dict[str, str]) -> JsonValue:
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(word, text)
        return value
    if isinstance(value, dict):
        return {key: _filled(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, words) for inner in value]
    return value


def _stages(chosen: Sequence[str], variant: str) -> tuple[str, ...]:
    for stage in chosen:
        if stage not in STAGE_NAMES:
            raise RecipeError(
                f"variant {variant!r} names the stage {stage!r}{nearest(stage, STAGE_NAMES)}; "
                f"stages: {', '.join(STAGE_NAMES)}"
            )
    return tuple(stage for stage in STAGE_NAMES if stage in chosen)


def _require_order(study: Study) -> None:
    """Refuse a variant that waits for one that is not there, or in a circle for itself."""
    for cell in study.cells:
        waited = [cell.variant]
        following = cell
        while following.after is not None:
            found = study.cell(following.after, cell.seed)
            if found is None:
                raise RecipeError(
                    f"variant {following.variant!r} comes after {following.after!r}, which the study does not run "
                    f"under seed {cell.seed}{nearest(following.after, list(study.plan.variants))}"
                )
            if found.variant in waited:
                raise RecipeError(f"variants wait for each other: {' -> '.join((*waited, found.variant))}")
            waited.append(found.variant)
            following = found


def shared_stages(study: Study) -> dict[str, list[str]]:
    """Return for every stage to be done its key and the runs that share its result, first the one that does it."""
    found: dict[str, list[str]] = {}
    for cell in study.cells:
        for stage in cell.stages:
            found.setdefault(f"{stage} {cell.key(stage)}", []).append(cell.name)
    return found

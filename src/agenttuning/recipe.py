"""Recipe = the stage configurations composed: one strict TOML file is one run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import tomli_w
from pydantic import BaseModel, Field, JsonValue, ValidationError

from agenttuning.core.records import Record
from agenttuning.core.run import StageConfig
from agenttuning.errors import RecipeError, nearest
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig
from agenttuning.pipeline.decontaminate import DecontaminateConfig
from agenttuning.pipeline.evaluate import EvaluateConfig
from agenttuning.pipeline.filter import FilterConfig
from agenttuning.pipeline.mix import MixConfig
from agenttuning.pipeline.report import ReportConfig
from agenttuning.pipeline.serve import ServeConfig
from agenttuning.pipeline.train import TrainConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

__all__ = ["Recipe", "apply_overrides", "build_recipe", "read_recipe", "read_toml", "write_recipe"]


class Recipe(Record):
    """One run; sections in the order of the stages."""

    name: str = Field(min_length=1, pattern=r"^\w[\w.-]*$")
    """Name of the run; its folder is `<runs>/<name>`."""
    runs: Path = Path("runs")
    """Folder that holds the runs."""
    seed: int = Field(default=0, ge=0)
    """Every random choice of the run derives from it."""
    construction: ConstructConfig = Field(alias="construct")
    collect: CollectConfig = CollectConfig()
    filter: FilterConfig = FilterConfig()
    decontaminate: DecontaminateConfig = DecontaminateConfig()
    mix: MixConfig = MixConfig()
    train: TrainConfig = TrainConfig()
    serve: ServeConfig = ServeConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    report: ReportConfig = ReportConfig()

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.runs / self.name

    def stage(self, name: str) -> StageConfig:
        """Return the section of a stage."""
        sections = {key: value for key, value in self if isinstance(value, StageConfig)}
        return sections["construction" if name == "construct" else name]


def read_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply `section.key=value` overrides, values in TOML's notation or plain text.

    Raises:
        RecipeError: the file is missing or no TOML, or a key or a value does not fit; the text names it.
    """
    data = read_toml(path)
    apply_overrides(data, overrides)
    if "study" in data:
        raise RecipeError(
            f"{path} is a study of several runs; play it with `agenttuning run {path}`, "
            "or name the recipe.toml of one of its runs"
        )
    return build_recipe(path, data)


def read_toml(path: Path) -> dict[str, JsonValue]:
    """Read the tables of a TOML file; a file without a name is called as its stem.

    Raises:
        RecipeError: the file is missing or no TOML.
    """
    try:
        data = tomllib.loads(path.read_text())
    except OSError as error:
        known = ", ".join(str(found) for found in sorted(Path("recipes").glob("*.toml")))
        hint = f"; recipes here: {known}" if known else ""
        raise RecipeError(f"cannot read the recipe {str(path)!r}: {error.strerror}{hint}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is no TOML: {error}") from error
    data.setdefault("name", path.stem)
    return data


def build_recipe(path: Path, data: Mapping[str, JsonValue], *, told: str = "") -> Recipe:
    """Turn tables into a recipe; `told` says in an error from where they are, beside the file.

    Raises:
        RecipeError: a key or a value does not fit; the text names it.
    """
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        place = f"{path}, {told}" if told else str(path)
        raise RecipeError(f"{place}: " + "; ".join(_sentences(error))) from error


def write_recipe(recipe: Recipe) -> str:
    """Return the resolved recipe as TOML: every key, defaults included."""
    return tomli_w.dumps(recipe.model_dump(mode="json", by_alias=True, exclude_none=True))


def apply_overrides(data: dict[str, JsonValue], overrides: Sequence[str]) -> None:
    """Write `section.key=value` words into nested tables.

    Raises:
        RecipeError: a word without `=`, or a section that is a value.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise RecipeError(f"a setting is written key=value, for example train.learning_rate=1e-5; got {override!r}")
        *sections, last = key.split(".")
        table = data
        for section in sections:
            inner = table.setdefault(section, {})
            if not isinstance(inner, dict):
                raise RecipeError(f"{override!r}: {section!r} is a value, not a section")
            table = inner
        try:
            table[last] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            table[last] = text


def _sentences(error: ValidationError) -> Iterator[str]:
    for detail in error.errors():
        key = ".".join(map(str, detail["loc"]))
        if detail["type"] == "extra_forbidden":
            yield _unknown(detail)
        elif detail["type"] == "missing":
            yield f"{key!r} is missing"
        elif key:
            yield f"{key} = {detail['input']!r}: {detail['msg']}"
        else:
            yield detail["msg"]


def _unknown(detail: ErrorDetails) -> str:
    *sections, last = (str(part) for part in detail["loc"])
    known = _fields(sections)
    listed = f"; keys there: {', '.join(known)}" if known else ""
    return f"unknown key {'.'.join((*sections, last))!r}{nearest(last, known)}{listed}"


def _fields(sections: Sequence[str]) -> list[str]:
    """Return the keys of the record that the sections lead to; union members are named by their tag."""
    record: type[BaseModel] = Recipe
    union: dict[str, type[BaseModel]] = {}
    for section in sections:
        keys = {field.alias or name: field for name, field in record.model_fields.items()}
        if section in keys:
            inner = list(_records(keys[section].annotation))
            record = inner[0] if len(inner) == 1 else record
            union = {str(kind.model_fields["kind"].default): kind for kind in inner if "kind" in kind.model_fields}
        elif section in union:
            record = union[section]
    return [field.alias or name for name, field in record.model_fields.items()]


def _records(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _records(inner)

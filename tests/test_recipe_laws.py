"""Laws of the recipe: what is valid is written and read back equal; what is mistyped is named, wherever it stands."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agenttuning.core.run import STAGE_NAMES
from agenttuning.errors import RecipeError
from agenttuning.recipe import Recipe, apply_overrides, read_recipe, write_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import JsonValue

    Table = dict[str, JsonValue]

share = st.floats(0.0, 1.0).map(lambda value: round(value, 3))
positive = st.integers(1, 10_000)
plan = st.fixed_dictionaries(
    {},
    optional={
        "tasks": st.dictionaries(st.sampled_from(("train", "test")), st.integers(0, 99) | st.just("all"), min_size=1),
        "difficulty": st.sampled_from(("tiny", "standard", "hard")),
        "seed": st.integers(0, 9),
        "splits": st.fixed_dictionaries({"test": st.just("dev")}),
    },
)
sampling = st.fixed_dictionaries(
    {}, optional={"temperature": share, "top_k": st.integers(0, 50), "max_new_tokens": positive, "seed": positive}
)
teacher = st.one_of(
    st.fixed_dictionaries({"kind": st.just("oracle")}),
    st.builds(lambda replies: {"kind": "scripted", "replies": replies}, st.lists(st.text("ab\n\"'\\"), min_size=1)),
    st.builds(
        lambda drawn: {"kind": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m", "sampling": drawn}, sampling
    ),
    st.builds(lambda drawn: {"kind": "local", "model": "tiny-base", "sampling": drawn, "stop": ["\n"]}, sampling),
)
recipes = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"\A[a-z][a-z0-9._-]{0,8}\Z"),
        "construct": st.fixed_dictionaries(
            {"environments": st.dictionaries(st.sampled_from(("alfworld", "database", "chat")), plan, min_size=1)}
        ),
    },
    optional={
        "seed": st.integers(0, 2**31),
        "collect": st.fixed_dictionaries(
            {},
            optional={
                "samples": positive,
                "teacher": teacher,
                "temperatures": st.lists(share, max_size=2),
                "budget": st.fixed_dictionaries({}, optional={"dollars": st.floats(0.01, 9), "tokens": positive}),
            },
        ),
        "filter": st.fixed_dictionaries(
            {},
            optional={
                "threshold": share,
                "thresholds": st.fixed_dictionaries({"chat": st.just(0.5)}),
                "max_equal_replies": positive,
                "scripts": st.just(["latin", "cjk"]),
            },
        ),
        "decontaminate": st.fixed_dictionaries(
            {},
            optional={
                "rule": st.fixed_dictionaries({"n": st.just(8), "reading": st.just("strict")}),
                "drop": st.just("nothing"),
                "references": st.fixed_dictionaries({"g": st.just({"path": "g.jsonl", "format": "gsm8k"})}),
            },
        ),
        "mix": st.fixed_dictionaries({}, optional={"agent_share": share, "examples": positive}),
        "train": st.fixed_dictionaries(
            {}, optional={"steps": positive, "learning_rate": st.floats(1e-6, 1.0), "optimizer": st.just("muon")}
        ),
        "serve": st.fixed_dictionaries({}, optional={"port": st.integers(0, 65535)}),
        "evaluate": st.fixed_dictionaries({}, optional={"samples": positive, "sampling": sampling}),
        "report": st.fixed_dictionaries({}, optional={"episodes": positive}),
    },
)
few = settings(max_examples=50, deadline=None)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recipes") / "mine.toml"


def read(path: Path, table: Table) -> Recipe:
    path.write_text(tomli_w.dumps(table))
    return read_recipe(path)


@few
@given(recipes)
def test_a_valid_recipe_is_written_whole_and_reads_back_equal(path: Path, table: Table) -> None:
    recipe = read(path, table)
    written = write_recipe(recipe)
    path.write_text(written)
    assert read_recipe(path) == recipe
    assert write_recipe(read_recipe(path)) == written
    assert set(STAGE_NAMES) <= tomllib.loads(written).keys()


@few
@given(recipes)
def test_what_a_recipe_says_is_what_the_stages_get(path: Path, table: Table) -> None:
    recipe = read(path, table)
    for stage in STAGE_NAMES[1:]:
        section = recipe.stage(stage).model_dump(mode="json")
        told = table.get(stage, {})
        assert isinstance(told, dict)
        assert _holds(section, told)
    assert recipe.stage("construct") is recipe.construction


def _holds(whole: JsonValue, part: JsonValue) -> bool:
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and _holds(whole[key], value) for key, value in part.items())
    return whole == part


def _sections(table: Table, where: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """All tables in which every key is known; in the others a user names what they like."""
    free = {("filter", "thresholds"), ("construct", "environments"), ("decontaminate", "references")}
    found = [] if where in free or where[-1:] in {("tasks",), ("splits",)} else [where]
    for key, value in table.items():
        if isinstance(value, dict):
            found += _sections(value, (*where, key))
    return found


@few
@given(recipes, st.data())
def test_a_key_too_many_is_named_wherever_it_stands(path: Path, table: Table, data: st.DataObject) -> None:
    where = data.draw(st.sampled_from(_sections(table)))
    inner = table
    for key in where:
        step = inner[key]
        assert isinstance(step, dict)
        inner = step
    inner["extra_key"] = 1
    with pytest.raises(RecipeError, match="extra_key") as caught:
        read(path, table)
    assert "\n" not in str(caught.value)
    assert all(key in str(caught.value) for key in where if key != "environments")


@few
@given(recipes, st.sampled_from(("collect", "filter", "mix", "train", "evaluate", "report")), st.data())
def test_a_mistyped_key_is_named_with_the_one_that_was_meant(
    path: Path, table: Table, stage: str, data: st.DataObject
) -> None:
    fields = sorted(read(path, table).stage(stage).model_dump())
    meant = data.draw(st.sampled_from([field for field in fields if len(field) > 4]))
    at = data.draw(st.integers(0, len(meant) - 2))
    typed = meant[:at] + meant[at + 1] + meant[at] + meant[at + 2 :]
    assume(typed not in fields)
    assume(not any(meant.startswith(other) or other.startswith(meant) for other in fields if other != meant))
    table[stage] = {typed: 1}
    with pytest.raises(RecipeError) as caught:
        read(path, table)
    assert f"unknown key '{stage}.{typed}' (did you mean '{meant}'?)" in str(caught.value)


@few
@given(recipes, st.integers(1, 999), share)
def test_an_override_is_the_same_as_a_line_in_the_file(path: Path, table: Table, steps: int, part: float) -> None:
    path.write_text(tomli_w.dumps(table))
    overridden = read_recipe(path, [f"train.steps={steps}", f"mix.agent_share={part}", "name=other"])
    train, mix = table.setdefault("train", {}), table.setdefault("mix", {})
    assert isinstance(train, dict)
    assert isinstance(mix, dict)
    train["steps"], mix["agent_share"] = steps, part
    assert read(path, {**table, "name": "other"}) == overridden


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12))
def test_a_value_that_is_no_toml_is_taken_as_it_stands(value: str) -> None:
    table: Table = {}
    apply_overrides(table, [f"a.b={value}"])
    try:
        expected = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        expected = value
    inner = table["a"]
    assert isinstance(inner, dict)
    assert inner["b"] == expected or expected != expected  # noqa: PLR0124  (not a number)


def test_the_last_override_wins() -> None:
    table: Table = {"a": {"b": 1}}
    apply_overrides(table, ["a.b=2", "a.b=3", "a.c=x=y"])
    assert table == {"a": {"b": 3, "c": "x=y"}}

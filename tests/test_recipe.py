"""Recipes are strict, and mistakes are named with the nearest key."""

import tomllib
from pathlib import Path

import pytest

from agenttuning.errors import RecipeError
from agenttuning.recipe import read_recipe, write_recipe
from agenttuning.study.plan import read_study

SHIPPED = sorted((Path(__file__).parents[1] / "recipes").glob("*.toml"))
STUDIES = [path for path in SHIPPED if "\n[study]" in path.read_text()]
RECIPES = [path for path in SHIPPED if path not in STUDIES]
MINIMAL = "[construct.environments.chat]\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid_and_say_how_to_run_them(path: Path) -> None:
    recipe = read_recipe(path)
    assert path.read_text().startswith("# agenttuning run recipes/")
    assert recipe.name == path.stem


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_shipped_studies_are_valid_and_say_how_to_run_them(path: Path) -> None:
    study = read_study(path)
    assert study is not None
    assert path.read_text().startswith("# agenttuning run recipes/")
    assert study.name == path.stem


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_resolved_recipe_reads_back_equal(path: Path, tmp_path: Path) -> None:
    recipe = read_recipe(path)
    assert read_recipe(write(tmp_path, write_recipe(recipe))) == recipe


def test_the_file_name_is_the_runs_name(tmp_path: Path) -> None:
    recipe = read_recipe(write(tmp_path, MINIMAL))
    assert recipe.folder == Path("runs/mine")


def test_overrides_take_toml_values_and_plain_words(tmp_path: Path) -> None:
    path = write(tmp_path, MINIMAL)
    words = ["train.learning_rate=1e-5", "name=other", "mix.agent_share=0", "collect.teacher.kind=human", "seed=3"]
    recipe = read_recipe(path, words)
    assert (recipe.train.learning_rate, recipe.name, recipe.mix.agent_share, recipe.seed) == (1e-5, "other", 0, 3)
    assert recipe.collect.teacher.kind == "human"


@pytest.mark.parametrize(
    ("text", "overrides", "sentence"),
    [
        (MINIMAL, ["train.learnign_rate=1"], r"unknown key 'train.learnign_rate' \(did you mean 'learning_rate'\?\)"),
        (MINIMAL, ["trian.steps=1"], r"unknown key 'trian' \(did you mean 'train'\?\)"),
        (MINIMAL, ["train.steps=many"], "train.steps = 'many'"),
        (MINIMAL, ["train.steps=-1"], "train.steps = -1: Input should be greater than 0"),
        (MINIMAL, ["mix.agent_share=1.5"], "mix.agent_share = 1.5"),
        (MINIMAL, ["collect.teacher.kind=wizard"], "collect.teacher"),
        (MINIMAL, ["steps"], "written key=value"),
        (MINIMAL, ["seed=1", "seed.inner=1"], "'seed' is a value, not a section"),
        (MINIMAL, ["name=../elsewhere"], "name = '../elsewhere'"),
        ("", [], "'construct' is missing"),
        ("[construct.environments.chta]", [], r"unknown environment 'chta' \(did you mean 'chat'\?\)"),
        ("seed = [", [], "is no TOML"),
    ],
)
def test_mistakes_are_one_sentence_with_the_next_step(
    tmp_path: Path, text: str, overrides: list[str], sentence: str
) -> None:
    with pytest.raises(RecipeError, match=sentence) as caught:
        read_recipe(write(tmp_path, text), overrides)
    assert "\n" not in str(caught.value)


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot read the recipe .*none\.toml"):
        read_recipe(tmp_path / "none.toml")


def test_the_resolved_recipe_holds_every_default(tmp_path: Path) -> None:
    resolved = tomllib.loads(write_recipe(read_recipe(write(tmp_path, MINIMAL))))
    assert resolved["filter"]["thresholds"]["mind2web"] == pytest.approx(2 / 3)
    assert resolved["mix"]["agent_share"] == 0.2

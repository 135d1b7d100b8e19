"""A study is taken apart into runs; mistakes are named."""

from pathlib import Path

import pytest
from tests.study.small import RECIPE, write

from agenttuning.errors import RecipeError
from agenttuning.recipe import read_recipe
from agenttuning.study.plan import Study, read_study, shared_stages


def study(folder: Path, text: str = RECIPE) -> Study:
    found = read_study(write(folder, text))
    assert found is not None
    return found


def test_a_recipe_without_the_section_is_no_study(tmp_path: Path) -> None:
    assert read_study(write(tmp_path, RECIPE[: RECIPE.index("[study]")])) is None


def test_one_run_per_variant_and_seed(tmp_path: Path) -> None:
    cells = study(tmp_path).cells
    assert [cell.name for cell in cells] == ["mixed-0", "mixed-1", "agent-only-0", "agent-only-1"]
    assert [cell.recipe.seed for cell in cells] == [0, 1, 0, 1]
    assert [cell.recipe.mix.agent_share for cell in cells] == [0.2, 0.2, 1.0, 1.0]
    assert {cell.recipe.mix.examples for cell in cells} == {10}
    assert {cell.recipe.folder.parent for cell in cells} == {tmp_path / "runs" / "small"}
    assert cells[0].stages == ("construct", "collect", "filter", "decontaminate", "mix")


def test_stages_are_shared_up_to_the_first_that_differs(tmp_path: Path) -> None:
    cells = study(tmp_path).cells
    mixed, _, agent, _ = cells
    assert [mixed.key(stage) == agent.key(stage) for stage in mixed.stages] == [True, True, True, True, False]
    assert cells[0].key("construct") != cells[1].key("construct"), "another seed draws other tasks"
    assert sum(len(runs) == 2 for runs in shared_stages(study(tmp_path)).values()) == 8


def test_texts_name_the_seed_and_the_folder(tmp_path: Path) -> None:
    changed = (
        RECIPE + '\n[study.variants.again]\nset.train.model = "{runs}/mixed-{seed}/6-train/model"\nafter = "mixed"\n'
    )
    found = study(tmp_path, changed).cell("again", 1)
    assert found is not None
    assert found.recipe.train.model == f"{tmp_path}/runs/small/mixed-1/6-train/model"


def test_texts_name_the_recipes_model(tmp_path: Path) -> None:
    untuned = RECIPE + '\n[study.variants.untuned]\nset.evaluate.models = { base = { model = "{model}" } }\n'
    read = read_study(write(tmp_path, untuned), ["train.model=an/other"])
    found = read and read.cell("untuned", 0)
    assert found is not None
    assert found.recipe.evaluate.models["base"].model == "an/other"


def test_of_worlds_only_the_named_ones_change(tmp_path: Path) -> None:
    changed = RECIPE + "\n[study.variants.fewer]\nset.construct.environments.chat = { tasks = { train = 1 } }\n"
    found = study(tmp_path, changed).cell("fewer", 0)
    assert found is not None
    worlds = found.recipe.construction.environments
    assert {name: plan.tasks["train"] for name, plan in worlds.items()} == {"database": 6, "chat": 1}


@pytest.mark.parametrize(
    ("added", "named"),
    [
        ("[study.variants.odd]\nset.mix.agent_shar = 1.0\n", "study.variants.odd.set.*agent_share"),
        ("[study.variants.odd]\nset.mix = 3\n", "must be a section"),
        ("[study.variants.odd]\nsets.mix.agent_share = 1.0\n", "study.variants.odd.sets"),
        ('[study.variants.odd]\nstages = ["contruct"]\n', "did you mean 'construct'"),
        ('[study.variants.odd]\nafter = "mixt"\n', "did you mean 'mixed'"),
        ('[study.variants.odd]\nafter = "odd"\n', "odd -> odd"),
        ('[study.variants.odd]\nafter = "mixed"\nseeds = [7]\n', "under seed 7"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, added: str, named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        read_study(write(tmp_path, RECIPE + "\n" + added))


def test_other_verbs_say_what_a_study_is(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is a study of several runs"):
        read_recipe(write(tmp_path))

"""The task list: disjoint purposes, official data, mistakes named."""

from pathlib import Path

import pytest

from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.errors import DataError
from agenttuning.pipeline import construct
from agenttuning.pipeline.construct import ConstructConfig, Entry, build_environment, read_entries


def configure(**worlds: object) -> ConstructConfig:
    return ConstructConfig.model_validate({"environments": worlds})


def test_tasks_are_listed_by_purpose_and_rebuilt_exactly(tmp_path: Path) -> None:
    config = configure(
        alfworld={"tasks": {"train": 3, "test": 2}, "difficulty": "tiny"}, chat={"tasks": {"train": 1, "test": 0}}
    )
    run = Run(tmp_path)
    manifest = construct.run(config, run)
    path = run.output("construct", "tasks.jsonl")
    assert [(entry.environment, entry.split) for entry in read_records(path, Entry)] == [
        *[("alfworld", "train")] * 3,
        *[("alfworld", "test")] * 2,
        ("chat", "train"),
    ]
    assert manifest.counts["alfworld.test"] == {"tasks": 2, "sources": "synthetic-v1"}
    environment = build_environment(next(read_entries(path, "test")))
    assert (environment.id, environment.task.difficulty) == ("alfworld", "tiny")


def test_the_same_configuration_gives_the_same_list(tmp_path: Path) -> None:
    config = configure(alfworld={"tasks": {"train": 5}}, database={"tasks": {"train": 5}})
    first, second = (construct.run(config, Run(tmp_path / name)) for name in "ab")
    other = construct.run(configure(alfworld={"tasks": {"train": 5}, "seed": 1}), Run(tmp_path / "c"))
    assert first.outputs == second.outputs != other.outputs


def test_an_instruction_file_stands_in_for_the_worlds_own(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("My own words.")
    run = Run(tmp_path / "run")
    construct.run(configure(alfworld={"tasks": {"test": 1}, "instruction": str(text)}), run)
    entry = next(read_entries(run.output("construct", "tasks.jsonl"), "test"))
    assert build_environment(entry).task.instruction == "My own words."


@pytest.mark.parametrize(
    ("worlds", "sentence"),
    [
        ({"alfwrld": {}}, "unknown environment 'alfwrld' .did you mean 'alfworld'"),
        ({"alfworld": {"dificulty": "tiny"}}, "construct.environments.alfworld.dificulty"),
        ({"alfworld": {"difficulty": "easy"}}, "difficulty.*'tiny', 'standard' or 'hard'"),
        ({"alfworld": {"tasks": {"train": -1}}}, "must not be negative, got -1"),
        ({}, "name at least one world"),
        (
            {"alfworld": {"source": "self_instruct"}},
            "alfworld.source = 'self_instruct' is for operating_system and data",
        ),
        ({"operating_system": {"source": "task_derivation"}}, "source = 'task_derivation' is for database"),
        ({"database": {"source": "task_derivation"}}, "task_derivation is missing: it names the corpus"),
        ({"database": {"source": "self_instruct"}}, r"needs \[construct.teacher\], for example kind = \"openai\""),
        (
            {"database": {"source": "task_derivation", "task_derivation": {"questions": "x", "ways": ["reference"]}}},
            r"needs \[construct.teacher\]",
        ),
        ({"database": {"source": ["train_split", "train_split"]}}, "name each source once"),
        ({"database": {"source": "selfinstruct"}}, "self_instruct"),
        ({"database": {"self_instruct": {"proposal": 3}}}, "proposal"),
    ],
)
def test_mistakes_are_named(worlds: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        configure(**worlds)


def test_more_tasks_than_there_are_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the recipe asks for 999999"):
        construct.run(configure(alfworld={"tasks": {"test": 999_999}}), Run(tmp_path))


def test_an_unknown_split_names_the_known_ones(tmp_path: Path) -> None:
    config = configure(alfworld={"tasks": {"test": 1}, "splits": {"test": "exam"}})
    with pytest.raises(DataError, match=r"no split 'exam'; its splits: train, test"):
        construct.run(config, Run(tmp_path))


def test_a_missing_instruction_file_is_named(tmp_path: Path) -> None:
    config = configure(alfworld={"tasks": {"test": 1}, "instruction": str(tmp_path / "none.txt")})
    with pytest.raises(DataError, match="cannot read the instruction file"):
        construct.run(config, Run(tmp_path / "run"))

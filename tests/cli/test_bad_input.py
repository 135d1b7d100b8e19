"""Bad input, end to end: one sentence with the next step, an exit code, nothing on stdout, nothing lost."""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

import pytest

from agenttuning.cli import main
from agenttuning.core.records import Trajectory
from agenttuning.core.run import Run
from agenttuning.core.store import content_digest, read_records
from agenttuning.models.load import resolve_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Call

NOBODY = "collect.teacher={kind='openai', base_url='http://127.0.0.1:9', model='x'}"


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("[construct.environments.chat]\n[trian]\nsteps = 1", ["'trian'", "did you mean 'train'"]),
        ("[construct.environments.chat]\n[train]\nstep = 1", ["'train.step'", "did you mean 'steps'", "learning_rate"]),
        ("[construct.environments.chat]\n[train]\nsteps = 'many'", ["train.steps = 'many'", "integer"]),
        ("[construct.environments.chat]\n[train]\nlearning_rate = -1", ["train.learning_rate = -1", "greater than 0"]),
        ("[construct.environments.chat]\n[collect]\nsamples = 0", ["collect.samples = 0", "greater than 0"]),
        ("[construct.environments.chat]\ntasks = { train = -5 }", ["chat.tasks.train", "negative", "-5"]),
        ("[construct.environments.chat]\ntasks = { trian = 5 }", ["construct.environments.chat.tasks", "train"]),
        ("[construct.environments.chat]\nseed = -1", ["construct.environments.chat.seed", "-1"]),
        ("[construct.environments.chta]", ["unknown environment 'chta'", "did you mean 'chat'"]),
        ("[construct.environments.zzzzzz]", ["unknown environment 'zzzzzz'", "alfworld", "database"]),
        ("[construct]\nenvironments = 3", ["construct.environments"]),
        ("[construct.environments]", ["name at least one world"]),
        ("[construct.environments.chat]\n[evalute]", ["'evalute'", "did you mean 'evaluate'"]),
        ("[construct.environments.chat]\n[collect.teacher]\nkind = 'wizard'", ["collect.teacher", "'oracle'"]),
        ("[construct.environments.chat]\n[collect.teacher]\nkind = 'openai'", ["base_url", "missing"]),
        ("[construct.environments.chat]\n[mix]\nunit = 'words'", ["mix.unit = 'words'", "'examples' or 'tokens'"]),
        ("[construct.environments.chat]\n[train]\nbatching = 'big'", ["train.batching = 'big'", "'packed'"]),
        ("[construct.environments.chat]\n[serve]\nport = 99999", ["serve.port = 99999", "65535"]),
        ("[construct.environments.chat]\n[evaluate.sampling]\ntemperature = -1", ["evaluate.sampling.temperature"]),
        ("name = 'a b'\n[construct.environments.chat]", ["name = 'a b'"]),
        ("name = '..'\n[construct.environments.chat]", ["name = '..'"]),
        ("seed = -3\n[construct.environments.chat]", ["seed = -3"]),
        ("name = [\n", ["is no TOML"]),
        ("a = 1\na = 2\n", ["is no TOML"]),
        ("", ["'construct' is missing"]),
    ],
)
def test_a_recipe_that_cannot_be_run_is_refused_before_anything_is_written(
    text: str, sentences: list[str], tmp_path: Path, call: Call
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    told = call("run", path, f"runs={tmp_path}/runs")
    assert told.code == 2
    assert told.out == ""
    for sentence in sentences:
        assert sentence in told.sentence
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.mkdir(), "cannot read the recipe"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no TOML"),
        (lambda path: path.symlink_to(path.with_name("gone")), "cannot read the recipe"),
    ],
    ids=["a folder", "not text", "a dangling link"],
)
def test_a_recipe_that_is_no_file_of_text(
    make: Callable[[Path], None], sentence: str, tmp_path: Path, call: Call
) -> None:
    path = tmp_path / "odd.toml"
    make(path)
    told = call("run", path)
    assert (told.code, told.out) == (2, "")
    assert sentence in told.sentence


@pytest.mark.parametrize("words", [["trian", "RECIPE"], ["run", "RECIPE", "--until", "trian"], ["run"], []])
def test_an_unknown_stage_lists_the_known_ones(
    words: list[str], recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(recipe) if word == "RECIPE" else word for word in words])
    told = capsys.readouterr()
    assert ended.value.code == 2
    assert told.out == ""
    assert told.err.startswith("usage: agenttuning")
    if "trian" in words:
        assert "invalid choice: 'trian'" in told.err
        assert "decontaminate" in told.err


@pytest.mark.parametrize(
    ("overrides", "last", "code", "parts"),
    [
        (["construct.environments.alfworld.official=/nowhere"], "construct", 1, ["/nowhere"]),
        (["construct.environments.alfworld.instruction=/nowhere.txt"], "construct", 1, ["instruction", "/nowhere.txt"]),
        (["construct.environments.chat.tasks.train=99999999"], "construct", 1, ["asks for 99999999"]),
        (["collect.teacher={kind='tgi', base_url='http://127.0.0.1:9', model='absent'}"], "collect", 1, ["'absent'"]),
        (
            [f"{NOBODY[:-1]}, api_key_env='AGENTTUNING_NO_KEY'}}"],
            "collect",
            2,
            ["'AGENTTUNING_NO_KEY' is empty", "export it"],
        ),
        (
            ["collect.teacher={kind='openai', base_url='localhost:80', model='x'}"],
            "collect",
            2,
            ["http://", "localhost:80"],
        ),
        (["filter.max_invalid_share=0.5", "mix.agent_files=['/nowhere.json']"], "mix", 1, ["/nowhere.json", "mix."]),
        (["mix.unit=tokens"], "mix", 2, ["count_with"]),
        (["mix.general_weights={chta=1}"], "mix", 2, ["'chta'", "did you mean 'chat'"]),
        (["construct.environments.chat.tasks.train=0"], "mix", 1, ["general part", "no general trajectory was kept"]),
        (["filter.thresholds={alfworld=1.1}"], "mix", 1, ["agent part", "drop reasons"]),
        (["mix.count_with=absent"], "mix", 1, ["no model 'absent'"]),
        (["train.model=absent"], "train", 1, ["no model 'absent'"]),
        (["train.model=fresh", "train.max_length=5000"], "train", 2, ["max_length=5000 exceeds"]),
    ],
)
def test_a_stage_that_cannot_do_its_work_says_why(
    overrides: list[str], last: str, code: int, parts: list[str], *, recipe: Path, call: Call
) -> None:
    told = call("run", recipe, *overrides, "--until", last)
    assert told.code == code
    for sentence in parts:
        assert sentence in told.sentence


def test_after_a_failed_stage_the_corrected_run_goes_on(recipe: Path, call: Call) -> None:
    """A mistake in a late section costs nothing of what the early stages made."""
    assert call("run", recipe, "mix.unit=tokens", "--until", "mix").code == 2
    folder = recipe.parent / "runs" / "mine"
    made = (folder / "2-collect" / "trajectories.jsonl").stat().st_mtime_ns
    told = call("run", recipe, "--until", "mix", "--resume")
    assert "mix.unit (was 'tokens', is 'examples')" in told.sentence
    assert "redo the stage with `--from mix`" in told.sentence
    assert call("run", recipe, "--until", "mix", "--from", "mix").code == 0
    assert (folder / "2-collect" / "trajectories.jsonl").stat().st_mtime_ns == made


def test_a_model_folder_without_a_chat_template(recipe: Path, tmp_path: Path, call: Call) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(resolve_model("tiny-base"), folder)
    (folder / "chat_template.jinja").unlink()
    told = call("run", recipe, f"mix.count_with={folder}", "--until", "mix")
    assert told.code == 1
    assert "has no chat template" in told.sentence
    assert 'template = "llama2"' in told.sentence
    (folder / "tokenizer.json").unlink()
    told = call("run", recipe, f"mix.count_with={folder}", "--until", "mix", "--from", "mix")
    assert (told.code, "has no readable tokenizer" in told.sentence) == (1, True)


def test_a_run_folder_that_holds_results_is_left_as_it_is(recipe: Path, call: Call) -> None:
    assert call("run", recipe, "--until", "filter").code == 0
    folder = recipe.parent / "runs" / "mine"
    before = content_digest(folder)
    for words in (["run", recipe, "--until", "filter"], ["construct", recipe], ["filter", recipe, "seed=3"]):
        told = call(*words)
        assert (told.code, told.out) == (1, "")
        assert "already holds results; add --resume to continue, or choose another name=..." in told.sentence
    assert content_digest(folder) == before
    assert call("run", recipe, "name=other", "--until", "construct").code == 0


def test_foreign_files_in_a_stage_folder_are_not_touched(recipe: Path, call: Call) -> None:
    assert call("construct", recipe).code == 0
    stray = recipe.parent / "runs" / "mine" / "2-collect" / "notes.txt"
    stray.parent.mkdir()
    stray.write_text("mine")
    told = call("run", recipe, "--resume", "--until", "collect")
    assert (told.code, "holds files that no stage wrote" in told.sentence) == (1, True)
    assert stray.read_text() == "mine"


@pytest.mark.parametrize(("name", "damage"), [("stage.json", b'{"stage": "col'), ("manifest.json", b"{}")])
def test_a_damaged_record_of_a_stage_is_named(name: str, damage: bytes, recipe: Path, call: Call) -> None:
    assert call("run", recipe, "--until", "collect").code == 0
    (recipe.parent / "runs" / "mine" / "2-collect" / name).write_bytes(damage)
    told = call("run", recipe, "--until", "filter", "--resume")
    assert told.code == 1
    assert f"2-collect/{name} is damaged" in told.sentence
    assert call("run", recipe, "--until", "filter", "--from", "collect").code == 0


def test_a_torn_last_line_costs_one_episode(recipe: Path, call: Call) -> None:
    assert call("run", recipe, "--until", "collect").code == 0
    stage = recipe.parent / "runs" / "mine" / "2-collect"
    path, whole = stage / "trajectories.jsonl", content_digest(stage / "trajectories.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][: len(lines[-1]) // 2])
    (stage / "manifest.json").unlink()
    assert call("run", recipe, "--until", "collect", "--resume").code == 0
    assert content_digest(path) == whole
    assert path.read_bytes().splitlines(keepends=True)[:-1] == lines[:-1]


def test_a_line_that_is_no_episode_is_named_and_left_in_place(recipe: Path, call: Call) -> None:
    assert call("run", recipe, "--until", "collect").code == 0
    stage = recipe.parent / "runs" / "mine" / "2-collect"
    (stage / "manifest.json").unlink()
    path = stage / "trajectories.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b'{"half": 1}\n', *lines[2:]]))
    told = call("run", recipe, "--until", "collect", "--resume")
    assert told.code == 1
    assert f"{path}:3 is no Trajectory" in told.sentence
    assert "remove the line" in told.sentence
    path.write_bytes(b"".join(lines))
    assert call("run", recipe, "--until", "collect", "--resume").code == 0


def test_two_runs_at_once_in_one_folder(recipe: Path, call: Call) -> None:
    folder = recipe.parent / "runs" / "mine"
    with Run(folder).lock():
        told = call("run", recipe, "--until", "construct")
        assert told.code == 1
        assert "another process is working in" in told.sentence
        assert call("run", recipe, "--until", "construct", "--from", "construct").code == 1
        assert call("run", recipe, "name=other", "--until", "construct").code == 0
    assert call("run", recipe, "--until", "construct").code == 0


def test_a_teacher_that_is_not_there_is_recorded_not_raised(recipe: Path, call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    teacher = f"{{kind='openai', base_url='http://127.0.0.1:{port}/v1', model='x', max_attempts=1}}"
    told = call("run", recipe, f"collect.teacher={teacher}", "--until", "filter")
    assert told.code == 0
    folder = recipe.parent / "runs" / "mine"
    played = list(read_records(folder / "2-collect" / "trajectories.jsonl", Trajectory))
    assert len(played) == 10
    assert {one.failure.side for one in played if one.failure} == {"policy"}
    assert all(one.failure and "is the server running there?" in one.failure.message for one in played)
    assert "| alfworld | 4 | 4 | 0 | 0.00 | 0.0% |" in told.out

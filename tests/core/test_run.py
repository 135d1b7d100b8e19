"""The law of resuming."""

from pathlib import Path
from typing import Annotated

import pytest

from agenttuning.core.records import Record
from agenttuning.core.run import OPERATIONAL, Manifest, Run, StageConfig
from agenttuning.core.store import write_atomic
from agenttuning.errors import RunError


class Speed(Record):
    rate: Annotated[int, OPERATIONAL] = 1
    kind: str = "x"


class Settings(StageConfig):
    size: int = 3
    inner: dict[str, int] = {"a": 1}
    workers: Annotated[int | None, OPERATIONAL] = None
    limit: Annotated[Speed | None, OPERATIONAL] = None
    speeds: tuple[Speed, ...] = ()


def finish(run: Run, stage: str = "construct", config: Settings | None = None, text: str = "x") -> Manifest:
    begun = run.open(stage, config or Settings())
    if begun.finished:
        return begun.finished
    write_atomic(begun.folder / "out.txt", text)
    return begun.finish(outputs=("out.txt",), counts={"rows": 1})


def test_folders_are_numbered_in_pipeline_order(tmp_path: Path) -> None:
    assert Run(tmp_path).stage_folder("construct").name == "1-construct"
    assert Run(tmp_path).stage_folder("report").name == "9-report"


def test_a_finished_stage_is_never_written_into(tmp_path: Path) -> None:
    finish(Run(tmp_path))
    with pytest.raises(RunError, match="already holds results; add --resume"):
        finish(Run(tmp_path), text="y")
    resumed = finish(Run(tmp_path, resume=True), text="y")
    assert Run(tmp_path).output("construct", "out.txt").read_text() == "x"
    assert resumed == Run(tmp_path).manifest("construct")


def test_a_resume_under_another_configuration_names_what_differs(tmp_path: Path) -> None:
    finish(Run(tmp_path))
    with pytest.raises(RunError, match=r"construct\.inner\.a \(was 1, is 2\).*--from construct"):
        finish(Run(tmp_path, resume=True), config=Settings(inner={"a": 2}))
    with pytest.raises(RunError, match=r"seed \(was 0, is 7\)"):
        finish(Run(tmp_path, seed=7, resume=True))


@pytest.mark.parametrize(
    "changed",
    [
        Settings(workers=8, speeds=(Speed(),)),
        Settings(limit=Speed(kind="y"), speeds=(Speed(),)),
        Settings(speeds=(Speed(rate=9),)),
    ],
)
def test_a_resume_may_change_what_only_says_how_fast(tmp_path: Path, changed: Settings) -> None:
    before = Settings(workers=2, speeds=(Speed(),))
    finish(Run(tmp_path), config=before)
    assert finish(Run(tmp_path, resume=True), config=changed).start.config == before.model_dump(mode="json")


def test_a_resume_may_not_change_what_stands_beside_it(tmp_path: Path) -> None:
    finish(Run(tmp_path), config=Settings(speeds=(Speed(),)))
    with pytest.raises(RunError, match=r"construct\.speeds\.0\.kind \(was 'x', is 'z'\); restore"):
        finish(Run(tmp_path, resume=True), config=Settings(speeds=(Speed(kind="z", rate=4),)))
    with pytest.raises(RunError, match=r"construct\.speeds\.1\.kind \(was None, is 'x'\)"):
        finish(Run(tmp_path, resume=True), config=Settings(speeds=(Speed(), Speed())))


def test_a_resume_notices_changed_inputs(tmp_path: Path) -> None:
    run = Run(tmp_path, resume=True)
    finish(run)
    read = {"out": run.output("construct", "out.txt")}
    run.open("collect", Settings(), inputs=read)
    write_atomic(read["out"], "tampered")
    with pytest.raises(RunError, match=r"inputs\.out"):
        run.open("collect", Settings(), inputs=read)


def test_an_unfinished_stage_cannot_be_read(tmp_path: Path) -> None:
    run = Run(tmp_path)
    begun = run.open("construct", Settings())
    write_atomic(begun.folder / "out.txt", "half")
    with pytest.raises(RunError, match="is not finished; run `agenttuning construct RECIPE` first"):
        run.output("construct", "out.txt")


def test_foreign_files_are_left_alone(tmp_path: Path) -> None:
    write_atomic(tmp_path / "1-construct" / "thesis.txt", "mine")
    with pytest.raises(RunError, match="holds files that no stage wrote"):
        finish(Run(tmp_path))


def test_a_manifest_says_what_made_it(tmp_path: Path) -> None:
    manifest = finish(Run(tmp_path, seed=5))
    assert manifest.start.seed == 5
    assert manifest.start.config["size"] == 3
    assert manifest.outputs.keys() == {"out.txt"}
    assert manifest.versions["python"].startswith("3.")
    assert Manifest.model_validate_json((tmp_path / "1-construct/manifest.json").read_text()) == manifest


def test_two_processes_cannot_work_in_one_run(tmp_path: Path) -> None:
    with Run(tmp_path).lock(), pytest.raises(RunError, match="another process is working"), Run(tmp_path).lock():
        pass
    with Run(tmp_path).lock():
        pass

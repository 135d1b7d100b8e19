"""Every episode recorded, none played twice."""

from pathlib import Path

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.run import Run
from agenttuning.core.store import read_records
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig


def begin(folder: Path, *, resume: bool = False) -> Run:
    run = Run(folder, resume=resume)
    worlds = {"alfworld": {"tasks": {"train": 6}, "difficulty": "tiny"}, "chat": {"tasks": {"train": 4}}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    return run


def played(run: Run) -> list[Trajectory]:
    return list(read_records(run.stage_folder("collect") / "trajectories.jsonl", Trajectory))


def test_the_oracle_plays_every_sample_of_every_training_task(tmp_path: Path) -> None:
    run = begin(tmp_path)
    manifest = collect.run(CollectConfig(samples=2, concurrency=3), run)
    trajectories = played(run)
    assert len(trajectories) == len({trajectory.key for trajectory in trajectories}) == 20
    assert all(trajectory.score.success and trajectory.stop is Stop.DONE for trajectory in trajectories)
    assert {trajectory.provenance.policy for trajectory in trajectories} == {"oracle"}
    counts = manifest.counts["alfworld"]
    assert isinstance(counts, dict)
    assert (counts["episodes"], counts["success"]) == (12, 12)


def test_failed_episodes_are_recorded_too(tmp_path: Path) -> None:
    run = begin(tmp_path)
    config = CollectConfig.model_validate({"teacher": {"kind": "scripted", "replies": ["ACTION: look"]}})
    collect.run(config, run)
    lost = [trajectory for trajectory in played(run) if trajectory.environment == "alfworld"]
    assert len(lost) == 6
    assert {trajectory.stop for trajectory in lost} == {Stop.ERROR}
    assert {trajectory.failure.side for trajectory in lost if trajectory.failure} == {"policy"}


def test_a_resume_plays_only_what_is_missing(tmp_path: Path) -> None:
    undisturbed = collect.run(CollectConfig(), begin(tmp_path / "whole"))
    run = begin(tmp_path / "cut")
    collect.run(CollectConfig(), run)
    path = run.stage_folder("collect") / "trajectories.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:4]) + lines[4][:25])
    (run.stage_folder("collect") / "manifest.json").unlink()
    resumed = collect.run(CollectConfig(), begin(tmp_path / "cut", resume=True))
    assert path.read_bytes().splitlines(keepends=True)[:4] == lines[:4]
    assert resumed.outputs == undisturbed.outputs
    assert resumed.counts == undisturbed.counts

"""Training trajectories that hold a test sample go; the rates say how close the rest is."""

import asyncio
from pathlib import Path

from agenttuning.core.records import Message, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.pipeline import collect, construct, decontaminate
from agenttuning.pipeline import filter as filter_stage
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, build_environment, read_entries
from agenttuning.pipeline.decontaminate import DecontaminateConfig
from agenttuning.pipeline.filter import Dropped, FilterConfig


def begin(folder: Path) -> Run:
    run = Run(folder)
    worlds = {"database": {"tasks": {"train": 20, "test": 5}}, "chat": {"tasks": {"train": 20, "test": 20}}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    collect.run(CollectConfig(), run)
    return run


def opening(run: Run) -> str:
    """Return the last turn of the first test task's opening."""

    async def read() -> str:
        async with build_environment(next(read_entries(run.output("construct", "tasks.jsonl"), "test"))) as world:
            return (await world.start())[-1].content

    return asyncio.run(read())


def plant(run: Run, text: str) -> None:
    """Finish the filter stage with one more trajectory, which holds a test sample."""
    source = run.output("collect", "trajectories.jsonl")
    clean = list(read_records(source, Trajectory))
    planted = clean[0].model_copy(
        update={"task": "planted", "messages": (Message(role="user", content=f"see: {text}"), *clean[0].messages)}
    )
    begun = run.open("filter", StageConfig())
    write_records(begun.folder / "kept.jsonl", [planted, *clean])
    begun.finish(outputs=("kept.jsonl",), counts={})


def test_disjoint_splits_lose_nothing(tmp_path: Path) -> None:
    run = begin(tmp_path)
    filtered = filter_stage.run(FilterConfig(), run)
    manifest = decontaminate.run(DecontaminateConfig(), run)
    assert manifest.counts["dropped"] == {}
    assert manifest.outputs["kept.jsonl"] == filtered.outputs["kept.jsonl"]


def test_a_planted_copy_is_dropped_and_counted(tmp_path: Path) -> None:
    run = begin(tmp_path)
    plant(run, opening(run))
    manifest = decontaminate.run(DecontaminateConfig(), run)
    dropped = list(read_records(run.output("decontaminate", "dropped.jsonl"), Dropped))
    assert [row.trajectory.task for row in dropped] == ["planted"]
    rates = manifest.counts["rates"]
    assert isinstance(rates, dict)
    own = rates["own_text"]
    assert isinstance(own, dict)
    database = own["database"]
    assert isinstance(database, dict)
    assert (database["samples"], database["dirty"]) == (5, 1)


def test_shared_instructions_count_only_in_the_second_rate(tmp_path: Path) -> None:
    run = begin(tmp_path)
    filter_stage.run(FilterConfig(), run)
    rates = decontaminate.run(DecontaminateConfig(), run).counts["rates"]
    assert isinstance(rates, dict)
    means = [table["database"]["mean_rate"] for table in (rates["own_text"], rates["with_shared_text"])]  # type: ignore[index, call-overload]
    assert means[0] < 0.5 < means[1]


def test_the_frame_of_a_protocols_questions_is_no_tasks_own_text(tmp_path: Path) -> None:
    run = Run(tmp_path)
    worlds = {"mind2web": {"tasks": {"train": 20, "test": 10}, "difficulty": "hard"}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    collect.run(CollectConfig(), run)
    plant(run, opening(run))
    assert decontaminate.run(DecontaminateConfig(), run).counts["dropped"] == {"mind2web": 1}
    dropped = list(read_records(run.output("decontaminate", "dropped.jsonl"), Dropped))
    assert [row.trajectory.task for row in dropped] == ["planted"]

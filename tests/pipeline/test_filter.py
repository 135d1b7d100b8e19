"""What is kept, what is dropped, and why."""

from pathlib import Path

import pytest

from agenttuning.core.records import Failure, Message, Provenance, Score, StepRecord, Stop, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.pipeline import filter as stage
from agenttuning.pipeline.filter import Dropped, FilterConfig, keep, rules

PROVENANCE = Provenance(source="synthetic-v1", difficulty="tiny", environment_version="x/1", prompt="", policy="oracle")


def trajectory(
    task: str = "1",
    *,
    environment: str = "alfworld",
    reward: float = 1.0,
    said: tuple[str, ...] = ("do",),
    failure: Failure | None = None,
    valid: bool = True,
) -> Trajectory:
    messages = []
    for reply in said:
        messages.append(Message(role="user", content=f"task {task}"))
        messages.append(Message(role="assistant", content=reply, train=True))
    return Trajectory(
        environment=environment,
        task=task,
        split="train",
        messages=tuple(messages),
        steps=tuple(StepRecord(message=2 * turn + 1, action="a", valid=valid) for turn in range(len(said))),
        stop=Stop.ERROR if failure else Stop.DONE,
        score=Score(reward=reward, success=reward == 1.0),
        failure=failure,
        provenance=PROVENANCE,
    )


@pytest.mark.parametrize(
    ("played", "reason"),
    [
        (trajectory(), ""),
        (trajectory(reward=0.99), "reward below threshold"),
        (trajectory(environment="mind2web", reward=0.67), ""),
        (trajectory(environment="mind2web", reward=0.66), "reward below threshold"),
        (trajectory(failure=Failure(side="policy", error="X", message="")), "policy failed"),
        (trajectory(said=("  ",)), "empty assistant turn"),
        (trajectory(said=()), "no turn to learn from"),
    ],
)
def test_keep(played: Trajectory, reason: str) -> None:
    verdict = keep(played, rules(FilterConfig()))
    assert (verdict.kept, verdict.reason) == (not reason, reason)


def test_invalid_actions_are_judged_only_when_asked() -> None:
    played = trajectory(said=("a", "b"), valid=False)
    assert keep(played, rules(FilterConfig())).kept
    assert keep(played, rules(FilterConfig(max_invalid_share=0.5))).reason == "too many invalid actions"


def test_roles_that_do_not_alternate_are_dropped() -> None:
    twice = trajectory().model_copy(update={"messages": (Message(role="assistant", content="x", train=True),)})
    assert keep(twice, rules(FilterConfig())).reason == "roles do not alternate"


def begin(folder: Path, played: list[Trajectory]) -> Run:
    run = Run(folder)
    begun = run.open("collect", StageConfig())
    write_records(begun.folder / "trajectories.jsonl", played)
    begun.finish(outputs=("trajectories.jsonl",), counts={})
    return run


def test_stage_keeps_dropped_rows_aside_and_prints_the_papers_table(tmp_path: Path) -> None:
    copies = [trajectory(), trajectory().model_copy(update={"sample": 1}), trajectory("2", reward=0.5)]
    run = begin(tmp_path, copies)
    manifest = stage.run(FilterConfig(), run)
    kept = list(read_records(run.output("filter", "kept.jsonl"), Trajectory))
    dropped = list(read_records(run.output("filter", "dropped.jsonl"), Dropped))
    assert [(row.task, row.sample) for row in kept] == [("1", 0)]
    assert [(row.reason, row.trajectory.task) for row in dropped] == [
        ("duplicate", "1"),
        ("reward below threshold", "2"),
    ]
    assert manifest.counts["table"] == {
        "alfworld": {"instructions": 2, "trajectories": 3, "kept": 1, "mean_turns": 1.0, "ratio": 0.5}
    }
    assert manifest.counts["rejected"] == {"alfworld": {"duplicate": 1, "reward below threshold": 1}}


def test_order_of_collection_does_not_matter(tmp_path: Path) -> None:
    played = [trajectory(str(number)) for number in range(5)]
    first = stage.run(FilterConfig(), begin(tmp_path / "a", played))
    second = stage.run(FilterConfig(), begin(tmp_path / "b", played[::-1]))
    assert first.outputs == second.outputs

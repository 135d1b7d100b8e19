"""Proposals are kept when execution and a second pass agree; everything else falls under a reason."""

import importlib.util
import json
from pathlib import Path

import pytest
from tests.pipeline.construction.teacher import (
    CALLS_A_TOOL,
    DB_MARK,
    OS_MARK,
    Teacher,
    bash,
    database_task,
    serving,
    statement,
    system_change,
    system_question,
)

from agenttuning.core.records import Trajectory
from agenttuning.core.run import Manifest, Run
from agenttuning.core.store import read_records
from agenttuning.environments.worlds.sandbox.bwrap import check_programs
from agenttuning.environments.worlds.sql.mariadb_server import missing_programs
from agenttuning.errors import AgentTuningError, MissingExtraError, StageError
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, read_entries
from agenttuning.pipeline.construction.rejects import Reason, Reject

ASKED = "How many lines does /srv/pond/reeds.txt have? Answer with the number."
CHANGED = "The sign /srv/mill/sign should say new, and nothing else."
LONGEST = "Which boat is the longest? Give its name."
MOVED = "The Gannet has moved to Lowen. Correct its home port."
MOVE = "UPDATE `boats` SET `Home port` = 'Lowen' WHERE `Name` = 'Gannet'"
IS_MOVED = "SELECT COUNT(*) FROM `boats` WHERE `Name` = 'Gannet' AND `Home port` = 'Lowen'"
ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x FROM r) SELECT COUNT(*) FROM r"
SAY_DONE = "Thought: it is done.\nAction: Answer\nFinal Answer: "
SOLUTIONS = {
    ASKED: (bash("cat /srv/pond/reeds.txt | wc -l"), "Think: that is it.\n\nAct: answer({shown})"),
    CHANGED: (bash("echo new > /srv/mill/sign"), "Think: done.\n\nAct: finish"),
    "How many characters": (bash("wc -l < /srv/pond/reeds.txt"), "Think: that is it.\n\nAct: answer({shown})"),
    LONGEST: (statement("SELECT Name FROM boats WHERE Length = 12"), SAY_DONE + '["Petrel"]'),
    MOVED: (statement("UPDATE boats SET `Home port` = 'Lowen' WHERE Length = 9"), SAY_DONE + '["done"]'),
    "Which one has its tool called": (CALLS_A_TOOL,),
    "Which boat is the shortest": (SAY_DONE + '["Gannet"]',),
}


@pytest.fixture(autouse=True)
def sandbox(request: pytest.FixtureRequest) -> None:
    if "operating_system" in request.node.name:
        try:
            check_programs()
        except MissingExtraError as missing:
            pytest.skip(str(missing))


def propose(
    folder: Path,
    teacher: Teacher,
    *,
    world: str,
    proposals: int = 1,
    train: int | str = "all",
    resume: bool = False,
    budget: dict[str, object] | None = None,
    backend: str | None = None,
    **settings: object,
) -> tuple[Run, Manifest]:
    run = Run(folder / "run", resume=resume)
    plan = {
        "tasks": {"train": train, "test": 0},
        "source": "self_instruct",
        "self_instruct": {"proposals": proposals, "seeds": 20, **settings},
    }
    model = {"kind": "openai", "base_url": teacher.url, "model": "stub", "max_attempts": 1}
    if backend is not None:
        plan["backend"] = backend
    config = ConstructConfig.model_validate({"teacher": model, "budget": budget or {}, "environments": {world: plan}})
    return run, construct.run(config, run)


def fallen(run: Run) -> list[Reject]:
    return list(read_records(run.output("construct", "rejected.jsonl"), Reject))


def play(run: Run) -> list[Trajectory]:
    collect.run(CollectConfig(), run)
    return list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))


@pytest.mark.parametrize(
    ("world", "mark", "proposals"),
    [
        ("operating_system", OS_MARK, [system_question(ASKED), system_change(CHANGED)]),
        (
            "database",
            DB_MARK,
            [database_task(LONGEST), database_task(MOVED, kind="UPDATE", solution=MOVE, check=IS_MOVED)],
        ),
    ],
    ids=["operating_system", "database"],
)
def test_sound_proposals_are_kept_and_played(tmp_path: Path, world: str, mark: str, proposals: list[str]) -> None:
    with serving(Teacher({mark: proposals}, SOLUTIONS)) as teacher:
        run, manifest = propose(tmp_path, teacher, world=world, proposals=12)
    assert manifest.counts[f"{world}.train"] == {"tasks": 2, "sources": "self-instruct by stub"}
    assert {row.reason for row in fallen(run)} == {Reason.NEAR_DUPLICATE}
    trajectories = play(run)
    assert [trajectory.score.success for trajectory in trajectories] == [True, True]
    assert {trajectory.provenance.source for trajectory in trajectories} == {"self-instruct by stub"}


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (system_change("Always there.", check="true"), Reason.NOTHING_TO_DO),
        (system_change("Never there.", check="false"), Reason.REFERENCE_FAILS),
        (system_change("No set-up.", setup="exit 3"), Reason.WORLD_FAILS),
        (system_change("Fetch it.", solution="curl http://example.org/x > /srv/mill/sign"), Reason.WORLD_FAILS),
        (system_question("How many characters?", solution="wc -c < /srv/pond/reeds.txt"), Reason.SOLVER_DISAGREES),
        (system_question("List all.", solution="ls /", check="string"), Reason.REFERENCE_FAILS),
        (system_question("Odd.", check="import os; os.system('id')"), Reason.MALFORMED),
        (system_question("Odd.", kind="riddle"), Reason.MALFORMED),
        (system_question("Odd. " * 1000), Reason.MALFORMED),
        (
            system_change("Remove everything.", solution="rm -rf --no-preserve-root / 2> /dev/null"),
            Reason.REFERENCE_FAILS,
        ),
        (system_change("Fork.", setup=":(){ :|:& };: ; sleep 0.3; exit 1"), Reason.WORLD_FAILS),
        (system_change("Kill.", solution="kill -9 -1; kill -9 1; echo old > /srv/mill/sign"), Reason.REFERENCE_FAILS),
    ],
)
def test_operating_system_proposals_that_fall(tmp_path: Path, proposal: str, reason: Reason) -> None:
    with serving(Teacher({OS_MARK: [proposal]}, SOLUTIONS)) as teacher:
        run, manifest = propose(tmp_path, teacher, world="operating_system")
    (row,) = fallen(run)
    assert (row.reason, row.content) == (reason, proposal)
    assert manifest.counts["operating_system.train"] == {"tasks": 0, "sources": ""}


@pytest.mark.parametrize(
    ("proposal", "reason"),
    [
        (database_task("Which?", check="Tern"), Reason.CHECK_FAILS),
        (database_task("Which boat is the shortest?", solution="SELECT 'Tern'", check="Tern"), Reason.SOLVER_DISAGREES),
        (database_task("Which?", solution="SELECT Nam FROM boats"), Reason.REFERENCE_FAILS),
        (
            database_task("Endless?", solution=ENDLESS),
            Reason.REFERENCE_FAILS,
        ),
        (database_task("Which?", solution="SELECT NULL", check="None"), Reason.ANSWER_UNFIT),
        (database_task("Which?", solution=f"SELECT '{'x' * 900}'"), Reason.ANSWER_UNFIT),
        (database_task("Which?", solution="DROP TABLE boats"), Reason.MALFORMED),
        (database_task("Which?", kind="GRANT"), Reason.MALFORMED),
        (database_task("Which?", rows="a | b"), Reason.MALFORMED),
        (database_task("Which?", rows="x | 1 | y\n" * 500), Reason.MALFORMED),
        (database_task("Which?", rows=f"{'x' * 400} | 1 | y"), Reason.MALFORMED),
        (database_task("Which?", columns="a | a | b"), Reason.MALFORMED),
        (database_task("Which? " * 1000), Reason.MALFORMED),
        (database_task(MOVED, kind="UPDATE", solution=MOVE, check="SELECT 1"), Reason.NOTHING_TO_DO),
        (database_task(MOVED, kind="UPDATE", solution=MOVE, check="SELECT 0"), Reason.CHECK_FAILS),
        (database_task(MOVED, kind="UPDATE", solution=MOVE, check="DELETE FROM boats"), Reason.MALFORMED),
        (
            database_task(MOVED, kind="UPDATE", solution="UPDATE boats SET x = 1", check=IS_MOVED),
            Reason.REFERENCE_FAILS,
        ),
        (database_task("Which one has its tool called?"), Reason.SOLVER_DISAGREES),
        (CALLS_A_TOOL, Reason.TOOL_CALL),
        ("", Reason.EMPTY),
        ("x" * 400_000, Reason.OVERLONG),
        ("I'm sorry, I cannot do that.", Reason.REFUSAL),
        (database_task(LONGEST)[:120], Reason.UNFINISHED),
    ],
)
def test_database_proposals_that_fall(tmp_path: Path, proposal: str, reason: Reason) -> None:
    with serving(Teacher({DB_MARK: [proposal]}, SOLUTIONS)) as teacher:
        run, _ = propose(tmp_path, teacher, world="database")
    (row,) = fallen(run)
    unread = reason in {Reason.OVERLONG, Reason.TOOL_CALL}
    assert (row.reason, row.content) == (reason, "" if unread else proposal)


@pytest.mark.mariadb
def test_a_change_is_proved_on_the_real_server(tmp_path: Path) -> None:
    if importlib.util.find_spec("pymysql") is None or missing_programs():
        pytest.skip("no MariaDB here")
    proposal = database_task(MOVED, kind="UPDATE", solution=MOVE, check=IS_MOVED)
    with serving(Teacher({DB_MARK: [proposal]}, SOLUTIONS)) as teacher:
        run, manifest = propose(tmp_path, teacher, world="database", backend="mariadb")
    assert manifest.counts["database.train"] == {"tasks": 1, "sources": "self-instruct by stub"}
    assert [trajectory.score.success for trajectory in play(run)] == [True]


def test_a_train_task_proposed_again_is_a_near_duplicate(tmp_path: Path) -> None:
    plan = {"tasks": {"train": 1, "test": 0}}
    seeds = Run(tmp_path / "seeds")
    construct.run(ConstructConfig.model_validate({"environments": {"database": plan}}), seeds)
    (entry,) = read_entries(seeds.output("construct", "tasks.jsonl"), "train")
    table = json.loads(json.dumps(entry.task["table"]))
    proposal = database_task(
        str(entry.task["question"]),
        table=table["name"],
        columns=" | ".join(table["columns"]),
        rows="\n".join(" | ".join(row) for row in table["rows"]),
        solution="SELECT 'x'",
        check="x",
    )
    with serving(Teacher({DB_MARK: [proposal]}, {})) as teacher:
        run, _ = propose(tmp_path, teacher, world="database")
    (row,) = fallen(run)
    assert row.reason == Reason.NEAR_DUPLICATE
    assert str(entry.task["question"]) in row.detail


def test_each_request_shows_train_tasks_of_its_own_draw(tmp_path: Path) -> None:
    with serving(Teacher({DB_MARK: [""]}, {})) as teacher:
        propose(tmp_path, teacher, world="database", proposals=6, examples=3)
        assert len(set(teacher.prompts)) == 6
        assert all(prompt.count("Solved by: ") == 3 for prompt in teacher.prompts)


def test_no_more_is_asked_for_once_enough_is_accepted(tmp_path: Path) -> None:
    with serving(Teacher({DB_MARK: [database_task(LONGEST)]}, SOLUTIONS)) as teacher:
        run, manifest = propose(tmp_path, teacher, world="database", proposals=500, train=1, concurrency=2)
        assert teacher.served.total() <= 3 * 3
    assert manifest.counts["database.self_instruct"] == {"attempts": 1, "tasks": 1, "rejected": {}}
    assert fallen(run) == []


def test_a_server_that_answers_nothing_stops_the_stage_and_some_failures_do_not(tmp_path: Path) -> None:
    codes = iter([500, 200, 500])
    with serving(Teacher({DB_MARK: [database_task(LONGEST)]}, SOLUTIONS), status=lambda: next(codes, 200)) as teacher:
        run, manifest = propose(tmp_path / "some", teacher, world="database", proposals=3, concurrency=1)
    assert [row.reason for row in fallen(run)] == [Reason.NO_ANSWER, Reason.NO_ANSWER]
    assert manifest.counts["database.train"] == {"tasks": 1, "sources": "self-instruct by stub"}
    for code, sentence in (
        (500, r"answered none of 2 requests: .*500.*continue with --resume"),
        (401, r"401.*api_key_env.* 0 tasks are accepted so far\. Continue with --resume"),
    ):
        told = pytest.raises(StageError, match=sentence)
        with serving(Teacher({}, {}), status=lambda code=code: code) as teacher, told:  # type: ignore[misc]
            propose(tmp_path / str(code), teacher, world="database", proposals=2)


def test_a_budget_stops_the_stage_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    proposals = [database_task(LONGEST), database_task(MOVED, kind="UPDATE", solution=MOVE, check=IS_MOVED)]
    with serving(Teacher({DB_MARK: proposals}, SOLUTIONS)) as teacher:
        _, whole = propose(tmp_path / "whole", teacher, world="database", proposals=6)
        teacher.served.clear()
        with pytest.raises(StageError, match=r"7 of 7 calls spent; \d tasks are accepted so far. .*construct\.budget"):
            propose(tmp_path / "cut", teacher, world="database", proposals=6, budget={"calls": 7})
        assert teacher.served.total() == 7
        _, more = propose(tmp_path / "cut", teacher, world="database", proposals=6, resume=True, budget={"calls": 99})
        closed = {"calls": 5, "then": "finish"}
        _, short = propose(tmp_path / "short", teacher, world="database", proposals=6, budget=closed)
    assert more.outputs == whole.outputs
    assert json.loads(json.dumps(short.counts))["database.self_instruct"]["stopped"] == "budget"


def test_a_world_that_does_not_work_here_is_told_before_anything_is_paid_for(tmp_path: Path) -> None:
    plan = {"source": "self_instruct", "sandbox": {"backend": "docker", "image": "no-such-image-anywhere"}}
    with serving(Teacher({}, {})) as teacher:
        model = {"kind": "openai", "base_url": teacher.url, "model": "stub"}
        config = ConstructConfig.model_validate({"teacher": model, "environments": {"operating_system": plan}})
        with pytest.raises(AgentTuningError, match="docker"):
            construct.run(config, Run(tmp_path))
        assert teacher.prompts == []


def test_the_same_teacher_gives_the_same_list_at_any_concurrency_and_after_a_stop(tmp_path: Path) -> None:
    proposals = [database_task(LONGEST), database_task(MOVED, kind="UPDATE", solution=MOVE, check=IS_MOVED), "", "x"]
    with serving(Teacher({DB_MARK: proposals}, SOLUTIONS)) as teacher:
        _, one = propose(tmp_path / "one", teacher, world="database", proposals=10, concurrency=1)
        _, many = propose(tmp_path / "many", teacher, world="database", proposals=10, concurrency=7)
        asked = teacher.served.total()
        (tmp_path / "one" / "run" / "1-construct" / "manifest.json").unlink()
        (tmp_path / "one" / "run" / "1-construct" / "database.self_instruct.jsonl").unlink()
        _, again = propose(tmp_path / "one", teacher, world="database", proposals=10, concurrency=1, resume=True)
        assert teacher.served.total() == asked
    assert one.outputs == many.outputs == again.outputs
    assert one.counts == many.counts == again.counts

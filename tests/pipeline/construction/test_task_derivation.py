"""A corpus in BIRD's layout becomes tasks in both of the paper's ways, on both engines, and collect plays them."""

import importlib.util
import json
from collections import Counter
from pathlib import Path

import pytest
from tests.pipeline.construction.corpora import bird, spider, wikisql
from tests.pipeline.construction.teacher import THOUGHTS_MARK, Teacher, block, serving

from agenttuning.cli.summaries import print_summary
from agenttuning.core.records import Trajectory
from agenttuning.core.run import Manifest, Run
from agenttuning.core.store import read_records
from agenttuning.environments.worlds.sql.mariadb_server import missing_programs
from agenttuning.errors import DataError
from agenttuning.pipeline import collect, construct
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, build_environment, read_entries
from agenttuning.pipeline.construction.rejects import Reason, Reject
from agenttuning.policies import ScriptedConfig

GOOD = [
    ("How many pupils are there?", "SELECT COUNT(*) FROM pupil"),
    ("Who is the oldest?", "SELECT `full name` FROM pupil ORDER BY age DESC, id LIMIT 1"),
    ("What is the mean score of those over 10?", "SELECT AVG(score) FROM pupil WHERE age > 10"),
    ("Who lives in Lowen?", "SELECT p.`full name` FROM pupil p JOIN town t ON p.town_id = t.id WHERE t.name = 'Lowen'"),
]
BAD = [
    ("Which towns have old pupils?", "SELECT name FROM town WHERE id IN (SELECT town_id FROM pupil)"),
    ("Forget them.", "DELETE FROM pupil"),
    (
        "When does it end?",
        "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT COUNT(*) FROM r, pupil",
    ),
    ("Who lives in Nowhere?", "SELECT id FROM town WHERE name = 'Nowhere'"),
    ("Name everybody and everything.", "SELECT * FROM pupil"),
    ("In which year?", "SELECT STRFTIME('%Y', '2001-02-03') FROM town LIMIT 1"),
]
THOUGHTS = block(before="The rows of pupil tell it.", after="That is what was asked for.")


def derive(
    folder: Path, questions: list[tuple[str, str]], *, teacher: str = "", train: int | str = "all", **keys: object
) -> tuple[Run, Manifest]:
    run = Run(folder / "run")
    plan = {"tasks": {"train": train, "test": 0}, "source": "task_derivation", "backend": keys.pop("backend", "sqlite")}
    corpus = {"questions": str(bird(folder / "corpus", questions)), **keys}
    data: dict[str, object] = {"environments": {"database": {**plan, "task_derivation": corpus}}}
    if teacher:
        data["teacher"] = {"kind": "openai", "base_url": teacher, "model": "stub", "max_attempts": 1}
    return run, construct.run(ConstructConfig.model_validate(data), run)


def rejects(run: Run) -> dict[str, Reject]:
    return {row.name: row for row in read_records(run.output("construct", "rejected.jsonl"), Reject)}


def play(run: Run) -> list[Trajectory]:
    collect.run(CollectConfig(), run)
    return list(read_records(run.output("collect", "trajectories.jsonl"), Trajectory))


def test_questions_become_tasks_that_the_oracle_solves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, manifest = derive(tmp_path, [*GOOD, *BAD])
    assert manifest.counts["database.task_derivation"] == {
        "attempts": 10,
        "tasks": 4,
        "rejected": {
            "answer_unfit": 2,
            "engines_disagree": 1,
            "not_a_question": 1,
            "several_tables": 1,
            "unreadable_sql": 1,
        },
    }
    assert manifest.counts["database.train"] == {"tasks": 4, "sources": "derived from bird-dev"}
    assert rejects(run)["bird-dev-6"].content.startswith("When does it end?\nWITH RECURSIVE")
    print_summary(manifest, run)
    assert "| database.task_derivation | 10 | 4 | answer_unfit 2, engines_disagree 1," in capsys.readouterr().out
    trajectories = play(run)
    assert [trajectory.score.success for trajectory in trajectories] == [True] * 4
    assert {trajectory.provenance.source for trajectory in trajectories} == {"derived from bird-dev"}


def test_the_opening_shows_question_columns_and_evidence_and_not_the_statement(tmp_path: Path) -> None:
    run, _ = derive(tmp_path, [("What is the best score?", "SELECT MAX(score) FROM pupil")])
    (entry,) = read_entries(run.output("construct", "tasks.jsonl"), "train")
    (trajectory,) = play(run)
    assert build_environment(entry).task.id == trajectory.task == "bird-dev-0-free"
    assert trajectory.messages[2].content == (
        "What is the best score?\nThe table is named pupil; its columns are: id, full name, age, town_id, score. "
        "Note: score is in points"
    )


def test_the_reference_way_has_two_turns_with_the_teachers_thoughts(tmp_path: Path) -> None:
    with serving(Teacher({THOUGHTS_MARK: [THOUGHTS]}, {})) as teacher:
        run, manifest = derive(tmp_path, GOOD, teacher=teacher.url, ways=("reference", "free"))
    assert manifest.counts["database.train"] == {
        "tasks": 8,
        "sources": "derived from bird-dev, derived from bird-dev, thoughts by stub",
    }
    assert any("Statement: SELECT COUNT(*) FROM `pupil`\nResult: ['10']" in prompt for prompt in teacher.prompts)
    played = {trajectory.task: trajectory for trajectory in play(run)}
    assert all(trajectory.score.success for trajectory in played.values())
    told = [message.content for message in played["bird-dev-0-reference"].messages[3:]]
    assert told == [
        "Thought: The rows of pupil tell it.\nAction: Operation\n```sql\nSELECT COUNT(*) FROM `pupil`\n```",
        "[(10,)]",
        'Thought: That is what was asked for.\nAction: Answer\nFinal Answer: ["10"]',
    ]


def test_a_written_solution_is_played_as_written_whoever_teaches(tmp_path: Path) -> None:
    with serving(Teacher({THOUGHTS_MARK: [THOUGHTS]}, {})) as teacher:
        run, _ = derive(tmp_path, GOOD[:1], teacher=teacher.url, ways=("reference", "free"))
    collect.run(CollectConfig(teacher=ScriptedConfig(replies=("I pass.",), name="idler")), run)
    played = read_records(run.output("collect", "trajectories.jsonl"), Trajectory)
    assert {(play.task, play.provenance.policy, play.score.success) for play in played} == {
        ("bird-dev-0-reference", "oracle", True),
        ("bird-dev-0-free", "idler", False),
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (block(before="Dov must be it.", after="Dov."), Reason.LEAKS_ANSWER),
        (block(before="I look.\nAction: Answer\nFinal Answer: []", after="So."), Reason.MALFORMED),
        (block(before="```sql", after="So."), Reason.MALFORMED),
        (block(before="word " * 170, after="So."), Reason.MALFORMED),
        (block(before="word " * 5000, after="So."), Reason.OVERLONG),
        (block(before="I look."), Reason.MALFORMED),
        ("@@ BEFORE\nI look.", Reason.UNFINISHED),
        ("<html></html>", Reason.HTML),
        ("", Reason.EMPTY),
    ],
)
def test_thoughts_that_do_not_fit_cost_the_reference_task_alone(tmp_path: Path, answer: str, reason: Reason) -> None:
    with serving(Teacher({THOUGHTS_MARK: [answer]}, {})) as teacher:
        run, manifest = derive(tmp_path, [GOOD[1]], teacher=teacher.url, ways=("reference", "free"))
    assert {name: row.reason for name, row in rejects(run).items()} == {"bird-dev-0-reference": reason}
    assert manifest.counts["database.train"] == {"tasks": 1, "sources": "derived from bird-dev"}


@pytest.mark.parametrize("layout", ["spider", "wikisql"])
def test_the_other_layouts_end_as_the_same_kind_of_task(tmp_path: Path, layout: str) -> None:
    if layout == "spider":
        questions, answer = (
            spider(tmp_path, [('Who is called "Ada"?', 'SELECT id FROM pupil WHERE "full name" = "Ada"')]),
            "1",
        )
    else:
        questions, answer = wikisql(tmp_path, [("Who plays for lyon?", 0, 0, [[1, 0, "lyon"]])]), "Ben Ode"
    plan = {"tasks": {"train": "all", "test": 0}, "source": "task_derivation"}
    plan["task_derivation"] = {"questions": str(questions)}
    run = Run(tmp_path / "run")
    construct.run(ConstructConfig.model_validate({"environments": {"database": plan}}), run)
    (trajectory,) = play(run)
    assert trajectory.score.success
    assert trajectory.messages[-1].content.endswith(f'Final Answer: ["{answer}"]')


@pytest.mark.mariadb
def test_labels_come_from_the_engine_that_is_played_on(tmp_path: Path) -> None:
    if importlib.util.find_spec("pymysql") is None or missing_programs():
        pytest.skip("no MariaDB here")
    run, _ = derive(tmp_path, [*GOOD, *BAD], backend="mariadb")
    assert Counter(trajectory.score.success for trajectory in play(run)) == {True: 5}
    assert "bird-dev-9" not in rejects(run)  # a real server has the function that the embedded one lacks


def test_the_wanted_number_is_taken_from_the_first_on(tmp_path: Path) -> None:
    run, manifest = derive(tmp_path, [*BAD, *GOOD], train=2)
    entries = list(read_entries(run.output("construct", "tasks.jsonl"), "train"))
    assert [entry.task["id"] for entry in entries] == ["bird-dev-6-free", "bird-dev-7-free"]
    assert manifest.counts["database.task_derivation"]["attempts"] == 8  # type: ignore[call-overload, index]


def test_damaged_rows_and_databases_are_counted(tmp_path: Path) -> None:
    questions = bird(tmp_path / "corpus", [*GOOD, {"question": "x"}, {"question": "x", "SQL": "y", "db_id": "torn"}])
    torn = tmp_path / "corpus" / "dev_databases" / "torn" / "torn.sqlite"
    torn.parent.mkdir()
    torn.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    plan = {
        "tasks": {"train": "all", "test": 0},
        "source": ["task_derivation", "train_split"],
        "task_derivation": {"questions": str(questions)},
    }
    plan["tasks"] = {"train": 5, "test": 1}
    run = Run(tmp_path / "run")
    manifest = construct.run(ConstructConfig.model_validate({"environments": {"database": plan}}), run)
    counts = json.loads(json.dumps(manifest.counts))
    assert counts["database.task_derivation"]["rejected"] == {"bad_row": 2}
    assert counts["database.train"] == {"tasks": 9, "sources": "derived from bird-dev, synthetic-v1"}
    assert counts["database.test"] == {"tasks": 1, "sources": "synthetic-v1"}


def test_a_missing_corpus_is_one_sentence_before_anything_is_paid_for(tmp_path: Path) -> None:
    plan = {
        "source": ["self_instruct", "task_derivation"],
        "task_derivation": {"questions": str(tmp_path / "none.json")},
    }
    with serving(Teacher({}, {})) as teacher:
        model = {"kind": "openai", "base_url": teacher.url, "model": "stub"}
        config = ConstructConfig.model_validate({"teacher": model, "environments": {"database": plan}})
        with pytest.raises(DataError, match="cannot read the questions"):
            construct.run(config, Run(tmp_path / "run"))
        assert teacher.prompts == []

"""The Database environment: protocol, parser, reward, oracle."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.playing import Script, play

from agenttuning.core.environment import Environment, Step
from agenttuning.core.records import Difficulty, Stop, Task, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.environments.held_in.database import Database, DatabaseConfig, DatabaseTask
from agenttuning.environments.worlds.sql.table import Table, table_hash
from agenttuning.errors import DataError

GOLDEN = Path(__file__).parents[1] / "golden" / "database.json"
TABLE = Table(name="shop", columns=("item", "price"), rows=(("pear", "4"), ("plum", "12")))
QUESTION = DatabaseTask(
    id="q", kind="counting", question="How many rows?", hint="Table shop: item, price.", table=TABLE, label=("2",)
)
CHANGE = DatabaseTask(
    id="c",
    kind="DELETE",
    question="Delete pear.",
    hint="Table shop: item, price.",
    table=TABLE,
    answer_hash=table_hash([("plum", "12")]),
)
COUNT = "Thought: x\nAction: Operation\n```sql\nSELECT COUNT(*) FROM shop\n```"
DELETE = "Action: Operation\n```sql\nDELETE FROM shop WHERE item = 'pear'\n```"


def _play(task: DatabaseTask, *replies: str) -> Trajectory:
    return play(Database(task), *replies)


def _oracle(environment: Environment[Task], *, sample: int) -> Script:
    replies = environment.oracle()
    assert isinstance(replies, Iterator)
    return Script(replies)


def _step(reply: str) -> Step:
    async def episode() -> Step:
        async with Database(QUESTION) as environment:
            await environment.start()
            return await environment.step(reply)

    return asyncio.run(episode())


@pytest.mark.parametrize(
    ("reply", "action", "stop"),
    [
        ("Action: Operation\n```sql\nSELECT 1\n```", "SELECT 1", None),
        ("Action: Operation\n```sql\n\n  SELECT\n 1 \n\n```", "SELECT  1", None),
        ("Action: Operation\nfirst\n```sql\nSELECT 1\n```\n```sql\nSELECT 2\n```", "SELECT 1", None),
        ("```sql\nSELECT 1\n```\nAction: Operation\n", "SELECT 1", None),
        ("Action: Operation\n```sql\nSELECT 1\n```\nAction: Answer\nFinal Answer: [1]", "SELECT 1", None),
        ("I plan. Action: Operation\n```sql\nSELECT 1\n```", "SELECT 1", None),
        ("Action: Operation\n```sql\n```", "Operation", Stop.FORMAT),
        ("Action: Operation\n```SQL\nSELECT 1\n```", "Operation", Stop.FORMAT),
        ("Action: Operation\n```sql SELECT 1\n```", "Operation", Stop.FORMAT),
        ("Action: Operation\n```sql\nSELECT 1```", "Operation", Stop.FORMAT),
        ("Action: Operation \n```sql\nSELECT 1\n```", "Operation ", Stop.FORMAT),
        ("Action: Operation\r\n```sql\nSELECT 1\n```", "Operation\r", Stop.FORMAT),
        ("Action:  Operation\n```sql\nSELECT 1\n```", " Operation", Stop.FORMAT),
        ("Action: operation\n```sql\nSELECT 1\n```", "operation", Stop.FORMAT),
        ("action: Operation\n```sql\nSELECT 1\n```", "", Stop.FORMAT),
        ("Action: Operation", "", Stop.FORMAT),
        ("Action: Answer\nFinal Answer: [2]", "Answer [2]", Stop.DONE),
        ("Action: Answer\nFinal Answer:[2] \nmore", "Answer[2] ", Stop.DONE),
        ("Action: Answer\n", "Answer", Stop.DONE),
        ("Action: Answer", "", Stop.FORMAT),
        ("Final Answer: [2]", "", Stop.FORMAT),
        ("Action: Reply\nFinal Answer: [2]", "Reply [2]", Stop.FORMAT),
        ("", "", Stop.FORMAT),
    ],
)
def test_replies_are_read_as_the_benchmark_reads_them(reply: str, action: str, stop: Stop | None) -> None:
    step = _step(reply)
    assert (step.action, step.done, step.stop if step.done else None) == (action, stop is not None, stop)


@pytest.mark.parametrize(
    ("reply", "reward"),
    [
        ('Action: Answer\nFinal Answer: ["2"]', 1.0),
        ("Action: Answer\nFinal Answer: 2", 1.0),
        ('Action: Answer\nFinal Answer: ["2.0"]', 1.0),
        ('Action: Answer\nFinal Answer: ["2", "2"]', 1.0),
        ('Action: Reply\nFinal Answer: ["2"]', 1.0),
        ('Action: Answer Final Answer: ["2"]', 0.0),
        ('Action: Answer\n Final Answer: ["2"]', 0.0),
        ('Action: Answer\nFinal Answer:\n["2"]', 0.0),
        ('Action: Answer\nFinal Answer: ["3"]\nFinal Answer: ["2"]', 0.0),
        ("Action: Answer\nFinal Answer: 1 + 1", 0.0),
    ],
)
def test_the_answer_is_the_rest_of_its_first_line(reply: str, reward: float) -> None:
    assert _play(QUESTION, reply).score.reward == reward


def test_an_episode_is_stored_as_the_model_saw_it() -> None:
    played = _play(
        QUESTION.model_copy(update={"instruction": "Use SQL."}), COUNT, 'Action: Answer\nFinal Answer: ["2"]'
    )
    assert [(message.role, message.content, message.train) for message in played.messages] == [
        ("user", "Use SQL.", None),
        ("assistant", "Ok.", False),
        ("user", "How many rows?\nTable shop: item, price.", None),
        ("assistant", COUNT, True),
        ("user", "[(2,)]", None),
        ("assistant", 'Action: Answer\nFinal Answer: ["2"]', True),
    ]
    assert (played.stop, played.score.success, played.turns) == (Stop.DONE, True, 2)
    assert played.score.metrics == {"scorer_2023": 1.0, "scorer_tolerant": 1.0}


def test_an_error_is_an_observation_and_the_episode_goes_on() -> None:
    wrong = "Action: Operation\n```sql\nSELECT nope FROM shop\n```"
    played = _play(QUESTION, wrong, 'Action: Answer\nFinal Answer: ["2"]')
    assert played.messages[4].content == "1054 (42S22): Unknown column 'nope' in 'field list'"
    assert played.score.success


def test_long_results_are_cut_after_800_characters() -> None:
    observation = _step("Action: Operation\n```sql\nSELECT REPEAT('a', 2000)\n```").observation
    assert observation == "[('" + "a" * 797 + "[TRUNCATED]"


def test_fifteen_operations_and_a_last_answer() -> None:
    answer = 'Action: Answer\nFinal Answer: ["2"]'
    assert _play(QUESTION, *[COUNT] * 15, answer).score.success
    played = _play(QUESTION, *[COUNT] * 15, f"{DELETE}\nFinal Answer: ['2']")
    assert (played.stop, played.turns, played.score.success) == (Stop.TURNS, 16, True)
    assert not _play(QUESTION, COUNT).score.success


def test_the_sixteenth_operation_is_not_run() -> None:
    assert _play(CHANGE, *[COUNT] * 14, DELETE).score.success
    assert not _play(CHANGE, *[COUNT] * 15, DELETE).score.success


@pytest.mark.parametrize("last", ['Action: Answer\nFinal Answer: ["nonsense"]', "no action at all"])
def test_a_change_counts_whatever_is_answered(last: str) -> None:
    assert _play(CHANGE, DELETE, last).score.success
    assert not _play(CHANGE, last).score.success
    assert not _play(CHANGE, "Action: Operation\n```sql\nDROP TABLE shop\n```", last).score.success


def test_the_config_chooses_the_judge() -> None:
    reply = 'Action: Answer\nFinal Answer: ["2.001"]'
    strict, tolerant = (
        _play(QUESTION.model_copy(update={"scorer": scorer}), reply).score for scorer in ("2023", "tolerant")
    )
    assert (strict.reward, tolerant.reward) == (0.0, 1.0)
    assert strict.metrics == tolerant.metrics == {"scorer_2023": 0.0, "scorer_tolerant": 1.0}


def test_a_table_that_cannot_be_created_is_a_failed_episode() -> None:
    broken = QUESTION.model_copy(update={"table": Table(name="t", columns=("a", "A"), rows=())})
    played = _play(broken, COUNT)
    assert (played.stop, played.score.success) == (Stop.ERROR, False)
    assert played.failure is not None
    assert "duplicate column name 'a'" in played.failure.message


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=80),
        st.text(max_size=40).map(lambda text: f"Action: Operation\n```sql\n{text}\n```"),
        st.text(max_size=40).map(lambda text: f"Action: Answer\nFinal Answer: {text}"),
        st.text("SELECTFROMWHR*'\"`();-/#\\%, shopiterc", max_size=60).map(
            lambda text: f"Action: Operation\n```sql\nSELECT {text}\n```"
        ),
    )
)
def test_noise_never_raises_and_never_wins_a_change(reply: str) -> None:
    played = _play(CHANGE, reply, "stop")
    assert played.failure is None
    assert not played.score.success


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_oracle_solves_every_generated_task(difficulty: Difficulty) -> None:
    config = DatabaseConfig(difficulty=difficulty)
    for split in ("train", "test"):
        for task in islice(Database.load(split, config), 60):
            played = asyncio.run(rollout(Database(task), _oracle))
            assert (played.score.reward, played.stop) == (1.0, Stop.DONE), played
            assert len(played.steps) == 2
            assert all(step.valid for step in played.steps)


def test_the_oracle_solves_every_official_task_that_can_be_loaded(official_data: Callable[[str], Path]) -> None:
    config = DatabaseConfig(official=official_data("dbbench"))
    assert Database.splits(config) == {"dev": 60, "standard": 150}
    failed = []
    kinds: Counter[str | None] = Counter()
    for split in ("dev", "standard"):
        for task in Database.load(split, config):
            kinds[task.category] += split == "standard"
            assert task.source == "dbbench-official"
            assert task.answer_hash is not None or task.gold_sql is None
            if not asyncio.run(rollout(Database(task), _oracle)).score.success:
                failed.append(task.id)
    assert failed == ["dev-5"]
    assert kinds == {"SELECT": 50, "INSERT": 50, "UPDATE": 50}


def test_opening_messages_and_observations_stay_as_recorded(request: pytest.FixtureRequest) -> None:
    """Golden: a changed line here changes what every number of this environment means; raise `version` with it."""
    recorded = {}
    for difficulty in ("tiny", "standard", "hard"):
        config = DatabaseConfig.model_validate({"difficulty": difficulty, "seed": 11})
        for split in ("train", "test"):
            task = next(iter(Database.load(split, config)))
            played = asyncio.run(rollout(Database(task), _oracle))
            recorded[f"{difficulty}/{split}"] = [message.content for message in played.messages]
    assert recorded == json.loads(GOLDEN.read_text())


def test_tasks_survive_json_and_name_what_made_them() -> None:
    for task in islice(Database.load("train", DatabaseConfig(difficulty="tiny", backend="mariadb")), 5):
        assert DatabaseTask.model_validate_json(task.model_dump_json()) == task
        assert (task.source, task.difficulty, task.backend) == ("synthetic-v1", "tiny", "mariadb")


def test_an_instruction_file_replaces_the_instruction(tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("Do it.\n")
    (task,) = islice(Database.load("test", DatabaseConfig(instruction=text)), 1)
    assert _play(task, "x").messages[0].content == "Do it."
    with pytest.raises(DataError, match="cannot read the instruction file"):
        next(iter(Database.load("test", DatabaseConfig(instruction=tmp_path / "none.txt"))))


def test_an_unknown_split_names_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"no split 'tset' \(did you mean 'test'\?\); known: train, test"):
        Database.load("tset")


def test_it_is_found_by_its_id() -> None:
    assert load_environment("database") is Database
    assert Database.splits() == {"train": 20_000, "test": 1_000}

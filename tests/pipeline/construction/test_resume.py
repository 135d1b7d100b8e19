"""kill -9 in the middle of paid work: the same tasks in the end, and no answer is paid for twice."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.pipeline.construction.corpora import bird
from tests.pipeline.construction.teacher import (
    DB_MARK,
    THOUGHTS_MARK,
    Teacher,
    block,
    database_task,
    serving,
    statement,
)

from agenttuning.core.run import Manifest, Run
from agenttuning.core.store import read_records
from agenttuning.policies.call_log import Call

TASKS = [
    f"Which boat {words}? Give its name." for words in ("is the longest", "lies highest", "has most length of all")
]
KILLS = int(os.environ.get("AGENTTUNING_KILLS", "2"))
"""At most five."""
SOLUTIONS = {
    task: (
        statement("SELECT Name FROM boats WHERE Length = 12"),
        'Thought: x\nAction: Answer\nFinal Answer: ["Petrel"]',
    )
    for task in TASKS
}
QUESTIONS = [("Who is the oldest?", "SELECT `full name` FROM pupil ORDER BY age DESC, id LIMIT 1")] * 3
RECIPE = """
seed = 5

[construct.teacher]
kind = "openai"
base_url = "{url}"
model = "stub"
max_attempts = 1
sampling = {{ temperature = 0.7, max_new_tokens = 512 }}

[construct.environments.database]
tasks = {{ train = "all", test = 0 }}
source = ["task_derivation", "self_instruct"]
self_instruct = {{ proposals = 6, seeds = 20, similarity = 1.0, concurrency = 1 }}

[construct.environments.database.task_derivation]
questions = "{questions}"
ways = ["reference"]
sampling = {{ temperature = 0.7 }}
concurrency = 1
"""


class Holding:
    """Lets so many answers through, then holds the next one until its asker is dead."""

    def __init__(self) -> None:
        self.left = 1000
        self.reached, self.released = threading.Event(), threading.Event()

    def status(self) -> int:
        self.left -= 1
        if self.left >= 0:
            return 200
        self.reached.set()
        self.released.wait(60)
        return 0


def start(recipe: Path, runs: Path, name: str) -> subprocess.Popen[bytes]:
    command = (
        sys.executable,
        "-m",
        "agenttuning",
        "construct",
        str(recipe),
        f"runs={runs}",
        f"name={name}",
        "--resume",
    )
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )


def finish(recipe: Path, runs: Path, name: str) -> Manifest:
    process = start(recipe, runs, name)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told.decode()
    return Manifest.model_validate(Run(runs / name).manifest("construct"))


def test_however_often_it_is_killed_every_answer_is_paid_once(tmp_path: Path) -> None:
    hold = Holding()
    proposals = {
        DB_MARK: [database_task(task) for task in TASKS],
        THOUGHTS_MARK: [block(before="By age.", after="So.")],
    }
    with serving(Teacher(proposals, SOLUTIONS), status=hold.status) as teacher:
        recipe = tmp_path / "mine.toml"
        recipe.write_text(RECIPE.format(url=teacher.url, questions=bird(tmp_path / "corpus", QUESTIONS)))
        whole = finish(recipe, tmp_path, "whole")
        answers = teacher.served.copy()
        teacher.served.clear()
        for passed in (1, 3, 0, 5, 2)[:KILLS]:
            hold.left = passed
            hold.reached.clear()
            hold.released.clear()
            process = start(recipe, tmp_path, "killed")
            assert hold.reached.wait(60)
            process.kill()
            process.communicate()
            hold.released.set()
        hold.left = 1000
        resumed = finish(recipe, tmp_path, "killed")
    assert resumed.outputs == whole.outputs
    assert resumed.counts == whole.counts
    assert resumed.counts["database.train"] == {
        "tasks": 3 + whole.counts["database.self_instruct"]["tasks"],  # type: ignore[call-overload, index]
        "sources": "derived from bird-dev, thoughts by stub, self-instruct by stub",
    }
    assert teacher.served == answers
    assert max(answers.values()) == 1
    held = [call for call in read_records(tmp_path / "killed" / "calls" / "construct.jsonl", Call) if call.answered]
    assert len(held) == len({call.key for call in held}) == answers.total()

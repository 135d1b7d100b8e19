"""Database: answer a question about one MySQL table, or change it (AgentBench's dbbench).

A sample, as the model sees it (standard difficulty, shortened; the instruction stands before it):

    user       How many stations lie in Norland?
               The table is named stations; its columns are: Name, Region, Year opened.
    assistant  Thought: I count the rows whose Region is Norland.
               Action: Operation
               ```sql
               SELECT COUNT(*) FROM `stations` WHERE `Region` = 'Norland'
               ```
    user       [(3,)]
    assistant  Thought: The count is the answer.
               Action: Answer
               Final Answer: ["3"]

Action: `Action: Operation` with a sql block runs one statement as on a fresh connection; `Action: Answer` with
`Final Answer: [...]` ends the episode, and so does any reply that is neither (`Stop.FORMAT`). At most 15 statements;
the 16th reply is read for its answer only. Rows come back printed as Python tuples, cut after 800 characters; errors
in MySQL's words.
Reward: 1 or 0. A question: the answer list equals the label (scorer `2023`; `tolerant` is computed beside it). A
change: the hash of the table after the episode equals the gold hash, whatever was answered. dbbench's figure is the
mean over SELECT, INSERT and UPDATE (all else counts as SELECT): `reward_by_category`.
Source: AgentBench (arXiv 2308.03688), section "Database", data `dbbench/dev.jsonl` and `dbbench/standard.jsonl`
(https://github.com/THUDM/AgentBench, Apache-2.0), or the seeded generator of `worlds/sql`.
Deviations: the answer is read as a Python literal, never evaluated; the embedded engine is SQLite speaking MySQL
(`backend = "mariadb"` plays on a real server, where the database has a private name, not the table's); a table that
cannot be created is a failed episode, not a missing one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, ClassVar, Final, TypedDict

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.sql.backend import BackendName, SqlBackend, SqlError
from agenttuning.environments.worlds.sql.scoring import ScorerName, matches_2023, matches_tolerant, read_answer
from agenttuning.environments.worlds.sql.table import Table, table_hash
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.sql.backend import Rows
    from agenttuning.environments.worlds.sql.official import OfficialRow
    from agenttuning.environments.worlds.sql.question import Question

MAX_OPERATIONS: Final = 15
MAX_OBSERVATION: Final = 800
INSTRUCTION: Final = """\
You work with a MySQL database that holds one table. Each task is a question about its rows or an order to change them.
Every reply starts with a short thought and then takes exactly one action.

To run a statement, reply like this; the statement stands alone, on one line, in the block:
Thought: what I want to find out or change
Action: Operation
```sql
SELECT `City` FROM `shops` WHERE `Name` = 'Corner'
```
I run it and send back the result as MySQL gives it, or its error. Only one block per reply is run.

To finish, reply like this, with all values of the answer as strings in one list:
Thought: what the result tells me
Action: Answer
Final Answer: ["first value", "second value"]
After a change, finish with Final Answer: ["done"]. A reply in any other form ends the task."""
TINY_INSTRUCTION: Final = (
    'Use the table. Think, then write Action: Operation and a sql block, or Action: Answer and Final Answer: ["..."].'
)
SPLITS: Final = {"train": 20_000, "test": 1_000}
_ACTION: Final = re.compile(r"Action: (.*?)\n")
_BLOCK: Final = re.compile(r"```sql\n([\s\S]*?)\n```")
_ANSWER: Final = re.compile(r"\nFinal Answer:(.*)")


class DatabaseConfig(EnvironmentConfig):
    """Settings of the Database environment."""

    backend: BackendName = "sqlite"
    """`sqlite` is embedded; `mariadb` plays on a real server (extra `sql`)."""
    scorer: ScorerName = "2023"
    """Which judge of SELECT answers makes the reward; both verdicts are in the metrics."""


class DatabaseTask(Task):
    """One question about a table, or one change of it."""

    kind: str
    """`INSERT`, `UPDATE`, `DELETE`, or the family of a question, in dbbench's words."""
    question: str
    hint: str
    """The sentence that names the table and its columns."""
    table: Table
    label: tuple[str, ...] = ()
    """The values asked for; empty for a change."""
    answer_hash: str | None = None
    """Table hash after the gold change; None for a question."""
    gold_sql: str | None = None
    """A statement that solves it; None where the published one is not to be trusted."""
    thought: str = ""
    """What an expert thinks before the gold statement."""
    closing: str = ""
    """What an expert thinks before the answer; empty takes a sentence that always fits."""
    backend: BackendName = "sqlite"
    scorer: ScorerName = "2023"


class Database(Environment[DatabaseTask]):
    """One episode on one table."""

    id: ClassVar[str] = "database"
    group: ClassVar[Group] = "held_in"
    max_turns: ClassVar[int] = MAX_OPERATIONS + 1
    task_type: ClassVar[type[Task]] = DatabaseTask
    config_type: ClassVar[type[EnvironmentConfig]] = DatabaseConfig
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "sqlite": {"backend": "sqlite"},
        "mariadb": {"backend": "mariadb"},
    }
    """What `check --official` plays: the gold changes and labels, on both backends."""

    def __init__(self, task: DatabaseTask) -> None:
        super().__init__(task)
        self._database: SqlBackend | None = None
        self._turns = 0
        self._answer = ""
        self._result: Rows | SqlError = []

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        """Return the generator's splits, or those of the official files."""
        settings = narrow(config, DatabaseConfig)
        if settings.official is None:
            return SPLITS
        from agenttuning.environments.worlds.sql.official import count_rows

        return count_rows(settings.official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[DatabaseTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: the official files are missing or of another format, or there is no such split.
        """
        settings = narrow(config, DatabaseConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"database has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        common = _Common(
            backend=settings.backend,
            scorer=settings.scorer,
            instruction=settings.read_instruction(),
        )
        if settings.official is not None:
            from agenttuning.environments.worlds.sql.official import read_rows

            return (_official(row, split=split, common=common) for row in read_rows(settings.official, split=split))
        from agenttuning.environments.worlds.sql.generator import questions

        return (
            _embedded(question, name=f"{split}-{index}", difficulty=settings.difficulty, common=common)
            for index, question in enumerate(
                questions(settings.difficulty, seed=settings.seed, test=split == "test", count=known[split])
            )
        )

    async def start(self) -> Sequence[Message]:
        """Create the table; return instruction, acknowledgement and question."""
        self._database = connect(self.task.table, backend=self.task.backend)
        await self._database.open()
        instruction = self.task.instruction or (TINY_INSTRUCTION if self.task.difficulty == "tiny" else INSTRUCTION)
        return (
            Message(role="user", content=instruction),
            Message(role="assistant", content="Ok.", train=False),
            Message(role="user", content=f"{self.task.question}\n{self.task.hint}"),
        )

    async def step(self, reply: str) -> Step:
        """Run the statement of an Operation; anything else ends the episode."""
        assert self._database is not None, "start() comes first"
        self._turns += 1
        action = _ACTION.search(reply)
        word = action[1] if action else ""
        if word != "Operation" or self._turns > MAX_OPERATIONS:
            return self._finish(reply, word)
        block = _BLOCK.search(reply)
        if block is None:
            return Step("", done=True, action=word, valid=False, stop=Stop.FORMAT)
        sql = block[1].strip().replace("\n", " ")
        self._result = await self._database.execute(sql)
        shown = str(self._result)
        if len(shown) > MAX_OBSERVATION:
            shown = shown[:MAX_OBSERVATION] + "[TRUNCATED]"
        return Step(shown, action=sql)

    def _finish(self, reply: str, word: str) -> Step:
        answer = _ANSWER.search(reply)
        self._answer = answer[1] if answer else ""
        if word == "Operation":
            return Step("", done=True, action=word, stop=Stop.TURNS)
        ended = word == "Answer"
        stop = Stop.DONE if ended else Stop.FORMAT
        return Step("", done=True, action=f"{word}{self._answer}", valid=ended and answer is not None, stop=stop)

    async def score(self) -> Score:
        """Judge the answer, or the table after a change."""
        if self.task.answer_hash is None:
            given = read_answer(self._answer)
            verdicts = {
                "2023": matches_2023(given, self.task.label),
                "tolerant": matches_tolerant(given, self.task.label),
            }
        else:
            rows = await self._database.table_rows() if self._database else None
            same = rows is not None and table_hash(rows) == self.task.answer_hash
            verdicts = {"2023": same, "tolerant": same}
        success = verdicts[self.task.scorer]
        metrics = {f"scorer_{name}": float(verdict) for name, verdict in verdicts.items()}
        return Score(reward=float(success), success=success, metrics=metrics)

    def footprint(self) -> int:
        """Return the MiB of a connection, where a server keeps the tables."""
        return 0 if self.task.backend == "sqlite" else 1

    def variant(self) -> str:
        """Name the backend and the scorer."""
        return f"{self.task.backend}, scorer {self.task.scorer}"

    def oracle(self) -> Iterator[str]:
        """Run the gold statement, then answer: from its result, or with the label where no statement is trusted."""
        values = ["done"] if self.task.answer_hash is not None else list(self.task.label)
        if self.task.gold_sql is not None:
            yield f"Thought: {self.task.thought}\nAction: Operation\n```sql\n{self.task.gold_sql}\n```"
            if self.task.answer_hash is None:
                values = (
                    [] if isinstance(self._result, SqlError) else [str(cell) for row in self._result for cell in row]
                )
        told = "the change is made." if self.task.answer_hash is not None else "the result gives the answer."
        thought = self.task.closing or told
        yield f"Thought: {thought}\nAction: Answer\nFinal Answer: {json.dumps(values, ensure_ascii=False)}"

    async def close(self) -> None:
        """Drop the database."""
        if self._database is not None:
            await self._database.close()


class _Common(TypedDict):
    backend: BackendName
    scorer: ScorerName
    instruction: str | None


def _embedded(question: Question, *, name: str, difficulty: Difficulty, common: _Common) -> DatabaseTask:
    return DatabaseTask(
        id=f"{difficulty}-{name}",
        difficulty=difficulty,
        kind=question.kind,
        question=question.text,
        hint=question.hint,
        table=question.table,
        label=question.answer or (),
        answer_hash=question.answer_hash,
        gold_sql=question.sql,
        thought=question.thought,
        **common,
    )


def _official(row: OfficialRow, *, split: str, common: _Common) -> DatabaseTask:
    change = row.answer_hash is not None
    return DatabaseTask(
        id=f"{split}-{row.index}",
        source="dbbench-official",
        kind=row.kind,
        question=row.question,
        hint=row.hint,
        table=row.table,
        label=() if change else row.label,
        answer_hash=row.answer_hash,
        gold_sql=row.label[0] if change else None,
        thought="I make the change that is asked for." if change else "",
        category=row.kind if row.kind in {"INSERT", "UPDATE"} else "SELECT",
        **common,
    )


def connect(table: Table, *, backend: BackendName) -> SqlBackend:
    """Return an unopened database of the wanted kind."""
    if backend == "mariadb":
        from agenttuning.environments.worlds.sql.mariadb import MariaDatabase

        return MariaDatabase(table)
    from agenttuning.environments.worlds.sql.sqlite import SqliteDatabase

    return SqliteDatabase(table)

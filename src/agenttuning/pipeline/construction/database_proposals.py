"""Proposals for the Database world: a small table, a question or a change, its statement, and what it must come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.held_in.database import MAX_OBSERVATION, Database, DatabaseTask, connect
from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.environments.worlds.sql.scoring import matches_tolerant, read_answer
from agenttuning.environments.worlds.sql.table import Table, check_loadable, table_hash
from agenttuning.errors import SideError, WorldError, boundary
from agenttuning.pipeline.construction.rejects import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task
    from agenttuning.environments.held_in.database import DatabaseConfig
    from agenttuning.environments.worlds.sql.backend import SqlBackend

_KINDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")
_MAX_ROWS: Final = 100
_MAX_COLUMNS: Final = 20
_LONGEST_CELL: Final = 300
_LONGEST_TASK: Final = 2_000
_SHOWN_ROWS: Final = 2
_REQUEST: Final = """\
You invent tasks about a MySQL database that holds one table. Invent a table and one task about it: a question that one
SELECT answers, or an order that one INSERT, UPDATE or DELETE carries out. Whoever solves it sees the text of the task,
the name of the table and its columns, and can query the table.

Rules: 6 to 30 rows of plausible data, 3 to 8 columns; every cell is text, whatever it holds; no cell and no name holds
a vertical bar. The text must be clear enough that there is one right result. A question has at most five values as its
answer, and does not tell them. A change really changes the table, and the text tells every value that is written.

Write these parts, each begun by a line of two at-signs and its name, and close with the line @@ END:

@@ TASK
the text of the task
@@ KIND
SELECT, INSERT, UPDATE or DELETE
@@ TABLE
the name of the table
@@ COLUMNS
the names of the columns, divided by vertical bars
@@ ROWS
one row a line, cells divided by vertical bars; NULL stands for no value
@@ THOUGHT
what an expert thinks before writing the statement, one or two sentences
@@ SOLUTION
the statement
@@ CHECK
for a question, the values of the answer, one a line
for a change, a SELECT that gives 1 after the change and 0 before it
@@ END

An example, complete:

@@ TASK
The ferry to Lowen has been taken out of service. Remove it from the list.
@@ KIND
DELETE
@@ TABLE
ferries
@@ COLUMNS
Destination | Quay | Minutes
@@ ROWS
Lowen | 3 | 45
Marsk | 1 | 20
Tal Bay | 2 | 70
@@ THOUGHT
One row goes: the one whose Destination is Lowen.
@@ SOLUTION
DELETE FROM `ferries` WHERE `Destination` = 'Lowen'
@@ CHECK
SELECT COUNT(*) = 0 FROM `ferries` WHERE `Destination` = 'Lowen'
@@ END
{examples}
Invent a table and a task unlike these. Reply with the parts and nothing else."""


class DatabaseProposals:
    """Asks for tasks and reads them; implements `self_instruct.Proposer`."""

    kind: type[Environment[Task]] = Database
    required: tuple[str, ...] = ("TASK", "KIND", "TABLE", "COLUMNS", "ROWS", "THOUGHT", "SOLUTION", "CHECK")

    def __init__(self, world: DatabaseConfig) -> None:
        self._world = world
        self._instruction = world.read_instruction()

    def request(self, examples: Sequence[Task]) -> str:
        """Return the prompt for one proposal."""
        shown = "\n\n".join(_shown(task) for task in examples if isinstance(task, DatabaseTask))
        return _REQUEST.format(examples=f"\nTasks that exist already:\n\n{shown}\n" if shown else "")

    def text(self, task: Task) -> str:
        """Return question and table, by which tasks are compared."""
        assert isinstance(task, DatabaseTask)
        return f"{task.question} {task.table.name} {' '.join(task.table.columns)}"

    async def make(self, parts: Mapping[str, str], *, name: str, source: str) -> DatabaseTask | Refusal:
        """Return the task, with label or hash as its statement gives them."""
        kind, sql = parts["KIND"].strip().upper(), " ".join(parts["SOLUTION"].split()).rstrip("; ")
        if kind not in _KINDS or not sql.upper().startswith((kind, "WITH") if kind == "SELECT" else kind):
            return Refusal(Reason.MALFORMED, f"KIND is {kind[:80]!r}, SOLUTION begins {sql[:20]!r}")
        if len(parts["TASK"]) > _LONGEST_TASK:
            return Refusal(Reason.MALFORMED, f"TASK has {len(parts['TASK']):,} characters")
        table = _table(parts)
        if isinstance(table, Refusal):
            return table
        database = connect(table, backend=self._world.backend)
        try:
            with boundary("environment"):
                await database.open()
                found = await (_asked if kind == "SELECT" else _changed)(database, sql, parts["CHECK"])
        except SideError as error:
            return Refusal(Reason.WORLD_FAILS, str(error))
        finally:
            await database.close()
        if isinstance(found, Refusal):
            return found
        return DatabaseTask(
            id=name,
            source=source,
            kind="other" if kind == "SELECT" else kind,
            question=parts["TASK"].strip(),
            hint=f"The table is named {table.name}; its columns are: {', '.join(table.columns)}.",
            table=table,
            label=found if isinstance(found, tuple) else (),
            answer_hash=found if isinstance(found, str) else None,
            gold_sql=sql,
            thought=" ".join(parts["THOUGHT"].split()),
            instruction=self._instruction,
            backend=self._world.backend,
            scorer=self._world.scorer,
        )


def _table(parts: Mapping[str, str]) -> Table | Refusal:
    columns = _cells(parts["COLUMNS"].strip())
    rows = [_cells(line) for line in parts["ROWS"].splitlines() if line.strip()]
    if len(columns) > _MAX_COLUMNS or len(rows) > _MAX_ROWS:
        return Refusal(Reason.MALFORMED, f"{len(columns)} columns, {len(rows)} rows")
    if any(len(cell) > _LONGEST_CELL for row in rows for cell in row):
        return Refusal(Reason.MALFORMED, "a cell is too long")
    cells = tuple(tuple(None if cell == "NULL" else cell for cell in row) for row in rows)
    table = Table(name=parts["TABLE"].strip(), columns=columns, rows=cells)
    try:
        check_loadable(table)
    except WorldError as error:
        return Refusal(Reason.MALFORMED, str(error))
    return table


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


async def _asked(database: SqlBackend, sql: str, check: str) -> tuple[str, ...] | Refusal:
    """Return the answer that the statement gives, where the proposal claims the same."""
    result = await database.execute(sql)
    if isinstance(result, SqlError):
        return Refusal(Reason.REFERENCE_FAILS, str(result))
    label = tuple(str(cell) for row in result for cell in row)
    if not label or set(label) == {"None"} or len(str(result)) > MAX_OBSERVATION:
        return Refusal(Reason.ANSWER_UNFIT, str(result)[:300])
    claimed = [line.strip() for line in check.splitlines() if line.strip()]
    if len(claimed) == 1 and claimed[0].startswith("["):
        claimed = [str(value) for value in read_answer(claimed[0])]
    if not matches_tolerant(claimed, label):
        return Refusal(Reason.CHECK_FAILS, f"claimed {claimed!r:.300}, found {label!r:.300}")
    return label


async def _changed(database: SqlBackend, sql: str, check: str) -> str | Refusal:
    """Return the hash of the table after the statement, where the check holds then and not before."""
    probe = " ".join(check.split()).rstrip("; ")
    if not probe.upper().startswith("SELECT"):
        return Refusal(Reason.MALFORMED, "CHECK of a change is no SELECT")
    if await _holds(database, probe):
        return Refusal(Reason.NOTHING_TO_DO, "the check holds before the change")
    result = await database.execute(sql)
    if isinstance(result, SqlError):
        return Refusal(Reason.REFERENCE_FAILS, str(result))
    if not await _holds(database, probe):
        return Refusal(Reason.CHECK_FAILS, "the check does not hold after the change")
    rows = await database.table_rows()
    return table_hash(rows) if rows is not None else Refusal(Reason.REFERENCE_FAILS, "the table is gone")


async def _holds(database: SqlBackend, probe: str) -> bool:
    result = await database.execute(probe)
    return not isinstance(result, SqlError) and [str(cell) for row in result for cell in row] == ["1"]


def _shown(task: DatabaseTask) -> str:
    rows = "; ".join(str(row) for row in task.table.rows[:_SHOWN_ROWS])
    return f"- {task.question}\n  {task.hint} First rows: {rows[:300]}\n  Solved by: {task.gold_sql or 'one statement'}"

"""Task derivation: Database tasks from a text-to-SQL corpus, in the paper's two ways (paper 2.1; BIRD there).

`reference`: the corpus' statement is the solution, its result the answer, and the teacher only writes the thoughts
around both, so that the trajectory has two turns. `free`: the question becomes a task that is played without help, and
the statement's result is its label. Corpus statements are SELECTs: changes of a table come from Self-Instruct.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from agenttuning.datasets.sqlite_source import Fault, open_database
from agenttuning.datasets.text_to_sql import BadRow, read_corpus
from agenttuning.environments.held_in.database import MAX_OBSERVATION, Database, DatabaseTask, connect
from agenttuning.environments.worlds.sql.backend import SqlError
from agenttuning.errors import BudgetError, SideError, boundary
from agenttuning.pipeline.construction.hindsight import write_thoughts
from agenttuning.pipeline.construction.one_table import OneTable, as_one_table
from agenttuning.pipeline.construction.proof import prove
from agenttuning.pipeline.construction.rejects import Reason, Refusal, Reject
from agenttuning.pipeline.construction.settling import Outcome
from agenttuning.pipeline.construction.statements import same_rows

if TYPE_CHECKING:
    from agenttuning.core.records import Task
    from agenttuning.datasets.text_to_sql import CorpusQuestion
    from agenttuning.environments.held_in.database import DatabaseConfig
    from agenttuning.pipeline.construction.settings import TaskDerivation, Way
    from agenttuning.pipeline.construction.teacher import Teacher


class Derivation:
    """The questions of one corpus as attempts; implements `settling.Source`."""

    name = "database.task_derivation"
    task_type: type[Task] = DatabaseTask

    def __init__(
        self,
        settings: TaskDerivation,
        world: DatabaseConfig,
        *,
        seed: int,
        teacher: Teacher | None,
    ) -> None:
        self._settings, self._world, self._seed = settings, world, seed
        self._teacher = teacher
        self._rows = list(read_corpus(settings.questions, databases=settings.databases))
        self._instruction = world.read_instruction()
        self.size = len(self._rows)
        self.concurrency = settings.concurrency

    def admit(self, task: Task) -> Refusal | None:
        """Take up every task."""
        del task
        return None

    def reject(self, task: Task, refusal: Refusal) -> Reject:
        """Write down that a task was not taken up."""
        return self._reject(task.id, refusal)

    def _reject(self, name: str, refusal: Refusal, content: str = "") -> Reject:
        return Reject.of(refusal, environment="database", source="task_derivation", name=name, content=content)

    async def attempt(self, number: int) -> Outcome | None:
        """Derive the tasks of one question."""
        row = self._rows[number]
        if isinstance(row, BadRow):
            return Outcome.of(number, rejects=(self._reject(row.name, Refusal(Reason.BAD_ROW, row.why)),))
        content = f"{row.text}\n{row.sql}"
        base = await self._free(row)
        if isinstance(base, Refusal):
            return Outcome.of(number, rejects=(self._reject(row.name, base, content),))
        tasks: list[DatabaseTask] = []
        rejects: list[Reject] = []
        for way in self._settings.ways:
            try:
                made = await self._derive(base, row, way)
            except BudgetError:
                return None
            if isinstance(made, Refusal):
                rejects.append(self._reject(f"{row.name}-{way}", made, content))
            else:
                tasks.append(made)
        return Outcome.of(number, tasks=tasks, rejects=rejects)

    async def _derive(self, base: DatabaseTask, row: CorpusQuestion, way: Way) -> DatabaseTask | Refusal:
        corpus = row.name.rpartition("-")[0]
        if way == "free":
            return base.model_copy(update={"id": f"{row.name}-free", "source": f"derived from {corpus}"})
        assert self._teacher is not None, "the recipe was checked"
        place = f"{self.name}/{row.name}"
        thoughts = await write_thoughts(base, self._teacher, place=place, sampling=self._settings.sampling)
        if isinstance(thoughts, Refusal):
            return thoughts
        changes = {
            "id": f"{row.name}-reference",
            "source": f"derived from {corpus}, thoughts by {self._teacher.name}",
            "written_by": self._teacher.name,
            "thought": thoughts.before,
            "closing": thoughts.after,
        }
        task = base.model_copy(update=changes)
        return await prove(Database, task) or task

    async def _free(self, row: CorpusQuestion) -> DatabaseTask | Refusal:
        mapped = await anyio.to_thread.run_sync(self._map, row)
        if isinstance(mapped, Refusal):
            return mapped
        label = await self._answer(mapped)
        if isinstance(label, Refusal):
            return label
        table = mapped.table
        hint = f"The table is named {table.name}; its columns are: {', '.join(table.columns)}."
        task = DatabaseTask(
            id=row.name,
            kind=mapped.kind,
            question=row.text.strip(),
            hint=f"{hint} Note: {row.evidence.strip()}" if row.evidence.strip() else hint,
            table=table,
            label=label,
            gold_sql=mapped.sql,
            thought=f"One statement over {table.name} can give what is asked for.",
            instruction=self._instruction,
            backend=self._world.backend,
            scorer=self._world.scorer,
        )
        return await prove(Database, task) or task

    def _map(self, row: CorpusQuestion) -> OneTable | Refusal:
        with open_database(row.database) as database:
            if isinstance(database, Fault):
                return Refusal(Reason.BAD_ROW, f"the database cannot be read: {database.text}")
            seed = f"{self._seed}/{row.name}"
            return as_one_table(row.sql, database, max_rows=self._settings.max_rows, seed=seed)

    async def _answer(self, mapped: OneTable) -> tuple[str, ...] | Refusal:
        """Return what the world's own engine answers, where that is the corpus' answer."""
        if all(cell is None for row in mapped.rows for cell in row):
            return Refusal(Reason.ANSWER_UNFIT, "nothing is found")
        if sum(map(len, mapped.rows)) > self._settings.max_values:
            return Refusal(Reason.ANSWER_UNFIT, f"{sum(map(len, mapped.rows))} values")
        database = connect(mapped.table, backend=self._world.backend)
        try:
            with boundary("environment"):
                await database.open()
                result = await database.execute(mapped.sql)
        except SideError as error:
            return Refusal(Reason.WORLD_FAILS, str(error))
        finally:
            await database.close()
        if isinstance(result, SqlError) or not same_rows(mapped.rows, result):
            return Refusal(Reason.ENGINES_DISAGREE, f"{str(result)[:300]} instead of {str(mapped.rows)[:300]}")
        if len(str(result)) > MAX_OBSERVATION:
            return Refusal(Reason.ANSWER_UNFIT, "longer than an observation")
        return tuple(str(cell) for row in result for cell in row)

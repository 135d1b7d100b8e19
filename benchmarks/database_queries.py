"""Episodes per second of the embedded database beside a real MariaDB: the same generated questions, the same run.

    python benchmarks/database_queries.py [TASKS]

An episode is: create the table and load it, run the gold statement, read the table back, drop it. Both play one at a
time in one process; the server's own start is not counted.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import time
from typing import TYPE_CHECKING

from agenttuning.environments.held_in.database import connect
from agenttuning.environments.worlds.sql.backend import BackendName, SqlError
from agenttuning.environments.worlds.sql.generator import questions
from agenttuning.environments.worlds.sql.mariadb_server import missing_programs
from agenttuning.errors import AgentTuningError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.sql.question import Question


async def play(drawn: Sequence[Question], backend: BackendName) -> float:
    """Return the episodes per second."""
    begun = time.perf_counter()
    for question in drawn:
        database = connect(question.table, backend=backend)
        await database.open()
        result = await database.execute(question.sql)
        assert not isinstance(result, SqlError), result
        await database.table_rows()
        await database.close()
    return len(drawn) / (time.perf_counter() - begun)


def main() -> None:
    """Print both rates and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    drawn = list(questions("standard", seed=0, test=False, count=count))
    asyncio.run(play(drawn[:10], "sqlite"))
    ours = asyncio.run(play(drawn, "sqlite"))
    print(f"{count} standard tasks, Python {platform.python_version()}, {platform.machine()}")
    print(f"sqlite   {ours:8.0f} episodes/s")
    if reason := missing_programs():
        print(f"mariadb  not measured: {reason}")
        return
    try:
        asyncio.run(play(drawn[:10], "mariadb"))
    except AgentTuningError as error:
        print(f"mariadb  not measured: {error}")
        return
    theirs = asyncio.run(play(drawn, "mariadb"))
    print(f"mariadb  {theirs:8.0f} episodes/s")
    print(f"ratio    {ours / theirs:8.1f}")


if __name__ == "__main__":
    main()

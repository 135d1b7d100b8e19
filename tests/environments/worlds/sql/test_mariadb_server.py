"""The server belongs to one process and goes with it, however that ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agenttuning.environments.worlds.sql.mariadb_server import MariaServer, missing_programs, parse_url
from agenttuning.environments.worlds.sql.table import Table
from agenttuning.errors import DataError, WorldError

pytestmark = pytest.mark.mariadb
needs_server = pytest.mark.skipif(bool(missing_programs()), reason=missing_programs() or "present")

OWNER = """
import time
from agenttuning.environments.worlds.sql.mariadb_server import MariaServer
server = MariaServer()
print(server.folder, flush=True)
time.sleep(600)
"""


def _servers(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"mariadbd" in line[0] and any(str(folder).encode() in part for part in line):
                found.append(int(entry.name))
    return found


def _gone(folder: Path) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not _servers(folder) and not folder.exists():
            return True
        time.sleep(0.05)
    return False


@needs_server
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_it_dies_with_an_owner_that_is_killed() -> None:
    path = os.pathsep.join(sys.path)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert owner.stdout is not None
    folder = Path(owner.stdout.readline().strip())
    try:
        assert len(_servers(folder)) == 1
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        assert _gone(folder)
    finally:
        owner.kill()
        owner.stdout.close()


@needs_server
def test_close_ends_it_and_closing_twice_is_safe() -> None:
    from agenttuning.environments.worlds.sql.mariadb import MariaDatabase

    server = MariaServer()
    table = Table(name="t", columns=("a", "50 %"), rows=(("1", None),))

    async def episode() -> list[tuple[str | None, ...]] | None:
        database = MariaDatabase(table, address=server.address)
        await database.open()
        rows = await database.table_rows()
        await database.close()
        await database.close()
        return rows

    assert asyncio.run(episode()) == [("1", None)]
    server.close()
    server.close()
    assert _gone(server.folder)

    with pytest.raises(WorldError, match="has ended"):
        asyncio.run(episode())


@needs_server
def test_an_episode_sees_no_other_and_leaves_nothing_behind(shop: Table) -> None:
    from agenttuning.environments.worlds.sql.mariadb import MariaDatabase

    async def episodes() -> list[str]:
        first, second = MariaDatabase(shop), MariaDatabase(shop)
        await first.open()
        await second.open()
        seen = [
            str(await first.execute("SHOW DATABASES")),
            str(await first.execute(f"SELECT * FROM {second._name}.shop")),
            str(await first.execute("SELECT user FROM mysql.user")),
        ]
        await first.close()
        gone = str(await second.execute("SHOW DATABASES"))
        await second.close()
        return [*seen, gone]

    databases, other, users, rest = asyncio.run(episodes())
    assert databases.count("episode") == rest.count("episode") == 1
    assert other.startswith(("1044 (42000)", "1142 (42000)"))
    assert users.startswith("1142 (42000)")


def test_a_server_of_ones_own_is_named_by_a_url() -> None:
    address = parse_url("mysql://root:p%40ss@db.local:3307")
    assert (address.user, address.password, address.host, address.port) == ("root", "p@ss", "db.local", 3307)
    assert address.socket is None
    with pytest.raises(DataError, match="mysql://user:password@host:port"):
        parse_url("postgres://x")


@needs_server
def test_many_episodes_play_at_once_and_keep_apart(shop: Table) -> None:
    from agenttuning.environments.worlds.sql.mariadb import MariaDatabase

    async def episode(number: int) -> tuple[str, str]:
        database = MariaDatabase(shop)
        await database.open()
        changed = await database.execute(f"UPDATE shop SET price = {number}")
        left = await database.execute("SELECT DISTINCT price FROM shop")
        await database.close()
        return str(changed), str(left)

    async def episodes() -> list[tuple[str, str]]:
        return await asyncio.gather(*(episode(number) for number in range(60)))

    assert asyncio.run(episodes()) == [("[]", f"[('{number}',)]") for number in range(60)]

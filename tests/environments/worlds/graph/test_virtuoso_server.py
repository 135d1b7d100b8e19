"""The server belongs to one process and goes with it, however that ends; a graph belongs to one episode."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from agenttuning.environments.worlds.graph.triples import NAMESPACE
from agenttuning.environments.worlds.graph.virtuoso_server import missing_programs, shared_address
from agenttuning.errors import WorldError

pytestmark = [
    pytest.mark.virtuoso,
    pytest.mark.skipif(bool(missing_programs()), reason=missing_programs() or "present"),
    pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc"),
]
OWNER = """
import sys
from agenttuning.environments.worlds.graph.virtuoso_server import VirtuosoServer, shared_address, _Shared
shared_address()
print(_Shared.server.folder, flush=True)
sys.stdin.read()
"""
COUNT = "SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }"


def _servers(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"virtuoso-t" in line[0] and any(str(folder).encode() in part for part in line):
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("killed", [True, False])
def test_it_goes_with_its_owner(killed: bool) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert owner.stdout is not None
    assert owner.stdin is not None
    folder = Path(owner.stdout.readline().strip())
    try:
        assert len(_servers(folder)) == 1
        assert folder.stat().st_mode & 0o077 == 0
        if killed:
            owner.send_signal(signal.SIGKILL)
        owner.stdin.close()
        assert owner.wait(timeout=60) == (-signal.SIGKILL if killed else 0)
        deadline = time.monotonic() + 30
        while _servers(folder) or folder.exists():
            assert time.monotonic() < deadline, "the server outlived its owner"
            time.sleep(0.05)
    finally:
        owner.kill()
        owner.stdout.close()


def test_the_known_password_is_gone_and_strangers_only_read() -> None:
    web = shared_address().web
    graph = {"graph-uri": "urn:stranger"}
    triple = "<urn:a> <urn:b> <urn:c> ."
    kind = {"Content-Type": "application/n-triples"}
    tried = httpx.put(
        f"{web}/sparql-graph-crud-auth", params=graph, content=triple, headers=kind, auth=httpx.DigestAuth("dba", "dba")
    )
    assert tried.status_code == 401
    assert not httpx.put(f"{web}/sparql-graph-crud", params=graph, content=triple, headers=kind).is_success
    update = {"query": "INSERT DATA { GRAPH <urn:stranger> { <urn:a> <urn:b> <urn:c> } }"}
    assert not httpx.post(f"{web}/sparql", data=update).is_success


def test_an_episode_sees_no_other_and_leaves_nothing_behind() -> None:
    from agenttuning.environments.worlds.graph.virtuoso import VirtuosoStore

    async def episodes() -> list[list[str]]:
        stores = [VirtuosoStore([("m.a", "p.q", f"m.{n}"), ("m.a", "p.q", f"m.{n + 1}")]) for n in range(12)]
        await asyncio.gather(*(store.open() for store in stores))
        await stores[0].close()
        await stores[0].close()
        query = f"SELECT ?x WHERE {{ ?s <{NAMESPACE}p.q> ?x }}"
        seen = await asyncio.gather(*(store.column(query) for store in stores[1:]))
        await asyncio.gather(*(store.close() for store in stores))
        last = VirtuosoStore([], address=shared_address())
        last._graph = stores[3]._graph
        await last.open()
        left = await last.column(COUNT)
        await last.close()
        return [*(sorted(values) for values in seen), list(left)]

    *seen, left = asyncio.run(episodes())
    assert seen == [sorted([f"{NAMESPACE}m.{n}", f"{NAMESPACE}m.{n + 1}"]) for n in range(1, 12)]
    assert left == ["0"]


def test_after_a_crash_there_is_a_new_server() -> None:
    from agenttuning.environments.worlds.graph.virtuoso_server import _listens, _Shared

    before = shared_address()
    assert _Shared.server is not None
    folder = _Shared.server.folder
    (pid,) = _servers(folder)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while _listens(before):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    after = shared_address()
    assert after != before
    assert httpx.get(f"{after.web}/sparql", params={"query": "ASK {}"}).is_success
    assert not folder.exists()


def test_a_server_that_has_ended_is_named() -> None:
    from agenttuning.environments.worlds.graph.virtuoso import VirtuosoStore
    from agenttuning.environments.worlds.graph.virtuoso_server import Address

    async def episode() -> None:
        await VirtuosoStore([("m.a", "p.q", "m.b")], address=Address("http://127.0.0.1:9", "x")).open()

    with pytest.raises(WorldError, match="Virtuoso cannot be reached"):
        asyncio.run(episode())

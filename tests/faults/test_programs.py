"""kill -9 of a world's program in the middle of an episode: that one fails by the world, later ones do not notice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.killing import Killer

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.rollout import rollouts
from agenttuning.environments import load_environment
from agenttuning.environments.held_in.operating_system import OperatingSystemTask
from agenttuning.environments.worlds.browser.process import missing_program as missing_browser
from agenttuning.environments.worlds.graph.virtuoso_server import missing_programs as missing_virtuoso
from agenttuning.environments.worlds.sandbox.bwrap import namespaces_allowed
from agenttuning.environments.worlds.science.jvm import missing_parts as missing_java
from agenttuning.environments.worlds.sql.mariadb_server import missing_programs as missing_mariadb

if TYPE_CHECKING:
    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task

pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
EPISODES = 3


@dataclass(frozen=True)
class Case:
    """A world, and which of its programs dies."""

    world: str
    config: dict[str, str]
    program: str
    """Pattern of process names."""
    lacking: str
    """Why it cannot be played here."""
    reply: int = 0
    """Before which reply it dies."""
    told: bool = True
    """Is the world named as broken. An agent may end its own sandbox, so that an end of it is the agent's."""


CASES = (
    Case("scienceworld", {"backend": "scienceworld", "difficulty": "tiny"}, "java", missing_java()),
    Case("miniwob", {"backend": "chromium"}, "chrom.*|headless.*", missing_browser()),
    Case("database", {"backend": "mariadb"}, "mariadbd", missing_mariadb()),
    Case("knowledge_graph", {"backend": "virtuoso"}, "virtuoso-t", missing_virtuoso()),
    Case(
        "operating_system",
        {},
        "bwrap",
        "" if namespaces_allowed() else "the kernel refuses user namespaces",
        reply=1,
        told=False,
    ),
)


def chosen(case: Case) -> list[Task]:
    """Return a few tasks; of sandboxes, which open at the first command, those with a second one."""
    kind = load_environment(case.world)
    tasks = kind.load("test", kind.config_type.model_validate(case.config))
    lasting = (task for task in tasks if not isinstance(task, OperatingSystemTask) or len(task.moves) > 1)
    return list(islice(lasting, EPISODES))


def play(worlds: list[Environment], killer: Killer) -> list[Trajectory]:  # type: ignore[type-arg]
    async def whole() -> list[Trajectory]:
        return [one async for one in rollouts(((world, "test", 0) for world in worlds), killer, concurrency=1)]

    return asyncio.run(whole())


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket")  # PyMySQL drops the socket of a refused connection
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.world}-{case.program}")
def test_the_episode_fails_by_the_world_and_the_next_is_played(case: Case) -> None:
    if case.lacking:
        pytest.skip(case.lacking)
    kind = load_environment(case.world)
    tasks = chosen(case)
    killer = Killer(task=tasks[1].id, program=case.program, reply=case.reply)
    played = play([kind(task) for task in tasks], killer)
    assert killer.killed > 0
    assert [one.task for one in played] == [task.id for task in tasks]
    first, broken, *later = played
    assert (broken.score.reward, broken.score.success) == (0.0, False)
    assert broken.stop is (Stop.ERROR if case.told else Stop.DONE)
    assert (broken.failure and broken.failure.side) == ("environment" if case.told else None)
    for one in (first, *later):
        assert (one.failure, one.stop is Stop.ERROR) == (None, False), one.task
        assert one.turns > 0

"""Cheats win no more than they may, a world that lets them is found out, and the page says so."""

from __future__ import annotations

import asyncio
import re
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.rooms import Rooms

from agenttuning.core.environment import EnvironmentConfig, Step
from agenttuning.environments import environment_ids, load_environment
from agenttuning.errors import MissingExtraError
from agenttuning.pipeline.hostility.cheats import says
from agenttuning.pipeline.hostility.probe import Lore, Probe, ProbeResult, learn, try_probe
from agenttuning.pipeline.hostility.probes import PROBES, general

if TYPE_CHECKING:
    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task

LIGHT, HEAVY = 10, {"operating_system": 1, "webarena": 1}
"""Tasks per probe; the long form plays 200 (`agenttuning check ID --probes`)."""
SLACK = 0.25
"""Ten tasks say less than two hundred: one lucky guess among them is no broken bound."""


def won(kind: type[Environment[Task]], probe: Probe, *, tasks: int = 4) -> ProbeResult:
    chosen = list(islice(kind.load("test"), tasks))
    return asyncio.run(try_probe(kind, probe, chosen, Lore("Action: open red door", ("x",))))


def test_every_world_has_probes_and_every_allowance_its_reason() -> None:
    assert set(PROBES) == set(environment_ids())
    for probes in PROBES.values():
        assert len({probe.name for probe in probes}) == len(probes)
        assert all(bool(probe.bound) == bool(probe.stays) for probe in probes)


def test_a_cheat_that_wins_too_much_is_found() -> None:
    class OpensForRed(Rooms):
        async def step(self, reply: str) -> Step:
            self.open = "red" in reply
            return Step(observation="the gold is red", done=self.open, action=reply)

    guess = Probe("red", says("red"), bound=0.5, stays="half of the doors")
    assert not won(OpensForRed, guess).held
    assert won(Rooms, guess).held
    assert not won(OpensForRed, Probe("asks", says("what?", "and?"), told=re.compile("gold"))).held


def test_a_cheat_knows_other_tasks() -> None:
    lore = asyncio.run(learn(Rooms, EnvironmentConfig(), tasks=4))
    assert lore.ending in {f"Action: open {colour} door" for colour in ("red", "green", "blue", "white")}
    result = won(Rooms, next(probe for probe in general(0.25) if "ending" in probe.name))
    assert result.reward == 0.25
    assert result.held


@pytest.mark.parametrize("name", environment_ids())
def test_no_cheat_wins_more_than_it_may(name: str) -> None:
    kind = load_environment(name)
    most = HEAVY.get(name, LIGHT)

    async def try_all() -> list[ProbeResult]:
        lore = await learn(kind, kind.config_type(), tasks=most)
        tasks = list(islice(kind.load("test"), most))
        return [await try_probe(kind, probe, tasks, lore) for probe in PROBES[name]]

    try:
        results = asyncio.run(try_all())
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    broken = [result for result in results if result.reward > (result.bound and result.bound + SLACK)]
    assert broken == []
    assert [result for result in results if result.told or result.crashes] == []


def test_the_page_holds_every_probe_and_every_world_of_the_suite() -> None:
    page = (Path(__file__).parents[3] / "docs" / "security.md").read_text()
    probed = page.partition("<!-- probes:")[2]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+?) \| \d+ \| ([\d.]+) \| ([\d.]+) \|", probed, re.MULTILINE)
    shown = {(world, name): (float(bound), float(won)) for world, name, bound, won in rows}
    assert set(shown) == {(world, probe.name) for world, probes in PROBES.items() for probe in probes}
    for world, probes in PROBES.items():
        for probe in probes:
            bound, reward = shown[world, probe.name]
            assert reward <= bound == probe.bound
    suite = re.findall(r"^\| `(\w+)` \| [\d,]+ \| [\d,]+ \| 0 \| 0 \| 0 \| [\d,]+ \| [^|]+ \| 0 \|", page, re.MULTILINE)
    assert suite == environment_ids()

"""Runs a plan: every step as soon as the evidence that it asks for is there, independent ones at the same time.

The evidence stands in the order of the plan whatever finished first. A step that cannot be run, fails or takes too
long leaves a sentence that says so in place of its evidence; steps that ask for it are given that sentence. Evidence
is one line each, so that no page can pass itself off as another step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import anyio

from agenttuning.environments.worlds.rewoo.graph import connect
from agenttuning.environments.worlds.rewoo.plan import REFERENCE
from agenttuning.errors import AgentTuningError, WorldError, boundary, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agenttuning.environments.worlds.rewoo.plan import Plan, PlannedStep
    from agenttuning.environments.worlds.rewoo.tool import Tool

MOST_AT_ONCE: Final = 4
"""Calls of one plan in flight."""
MOST_INPUT: Final = 4_000
"""Characters of an input, evidence filled in, that a tool is given."""
CUT: Final = " ..."


class Evidence(NamedTuple):
    """What a step brought."""

    step: PlannedStep
    text: str
    failed: bool = False
    """The text says why there is no evidence."""


class Worker:
    """Runs plans with a set of tools."""

    def __init__(self, tools: Mapping[str, Tool], *, evidence_limit: int, seconds: float) -> None:
        self._tools = {name.casefold(): tool for name, tool in tools.items()}
        self._names = ", ".join(tools) or "none"
        self._evidence_limit = evidence_limit
        self._seconds = seconds

    async def run(self, plan: Plan) -> list[Evidence]:
        """Return the evidence of every step, in the order of the plan; never raises for what the plan says."""
        steps = plan.steps
        graph = connect(steps)
        found = {index: _failure(steps[index], fault) for index, fault in graph.faults.items()}
        ready = {index: anyio.Event() for index in graph.needs}
        limiter = anyio.CapacityLimiter(MOST_AT_ONCE)

        async def work(index: int) -> None:
            for needed in graph.needs[index]:
                if needed in ready:
                    await ready[needed].wait()
            step = steps[index]
            known = {steps[needed].name: found[needed].text for needed in graph.needs[index]}
            async with limiter:
                found[index] = await self._call(step, fill(step.query, known))
            ready[index].set()

        async with anyio.create_task_group() as group:
            for index in graph.needs:
                group.start_soon(work, index)
        return [found[index] for index in range(len(steps))]

    async def _call(self, step: PlannedStep, query: str) -> Evidence:
        tool = self._tools.get(step.tool.casefold())
        if tool is None:
            hint = nearest(step.tool, [known.name for known in self._tools.values()])
            return _failure(step, f"there is no tool {step.tool!r}{hint}; tools: {self._names}")
        text = None
        try:
            with boundary("environment"), anyio.move_on_after(self._seconds):
                text = " ".join((await tool.run(query)).split())
        except (WorldError, AgentTuningError) as error:
            return _failure(step, str(error))
        if text is None:
            return _failure(step, f"{tool.name} gave nothing within {self._seconds:g} s")
        return Evidence(step, shorten(text, self._evidence_limit)) if text else _failure(step, "nothing was found")


def fill(query: str, evidence: Mapping[str, str]) -> str:
    """Write evidence, in brackets, where its name stands."""
    filled = REFERENCE.sub(lambda found: f"[{evidence[f'#E{int(found[1])}']}]", query)
    return filled[:MOST_INPUT]


def shorten(text: str, limit: int) -> str:
    """Cut a text to at most `limit` characters, with a mark where it was cut."""
    return text if len(text) <= limit else text[: max(0, limit - len(CUT))].rstrip() + CUT


def _failure(step: PlannedStep, reason: str) -> Evidence:
    return Evidence(step, f"No evidence: {shorten(reason, 300)}", failed=True)

"""Which step waits for which: references make edges, wherever the steps stand in the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.environments.worlds.rewoo.plan import PlannedStep


class Graph(NamedTuple):
    """The edges between the steps that can be run, and what is wrong with the others."""

    needs: Mapping[int, tuple[int, ...]]
    """Index of a step that can be run to the indices of the steps whose evidence it asks for."""
    faults: Mapping[int, str]
    """Index of a step that cannot be run to the reason."""


def connect(steps: Sequence[PlannedStep]) -> Graph:
    """Draw the edges; a step that asks for evidence that nobody gathers, or for its own, cannot be run."""
    named: dict[str, int] = {}
    for index, step in enumerate(steps):
        named.setdefault(step.name, index)
    faults = {index: step.fault for index, step in enumerate(steps) if step.fault}
    needs: dict[int, tuple[int, ...]] = {}
    for index, step in enumerate(steps):
        if index in faults:
            continue
        missing = [name for name in step.references if name not in named]
        if missing:
            faults[index] = f"no step of the plan gathers {missing[0]}"
        else:
            needs[index] = tuple(named[name] for name in step.references)
    for index in _circular(needs):
        faults[index] = "its input waits, directly or through other steps, for its own result"
        del needs[index]
    return Graph(needs, dict(sorted(faults.items())))


def _circular(needs: Mapping[int, tuple[int, ...]]) -> list[int]:
    """Return the steps that lie on a circle: those that can reach themselves."""
    return [start for start in needs if start in _reachable(start, needs)]


def _reachable(start: int, needs: Mapping[int, tuple[int, ...]]) -> set[int]:
    found: set[int] = set()
    waiting = list(needs[start])
    while waiting:
        index = waiting.pop()
        if index not in found:
            found.add(index)
            waiting.extend(needs.get(index, ()))
    return found

"""Which step waits for which, against a search by brute force."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.rewoo.graph import connect
from agenttuning.environments.worlds.rewoo.plan import PlannedStep


def steps(*asked: tuple[int, ...]) -> list[PlannedStep]:
    return [
        PlannedStep(f"#E{number}", tool="T", query=" ".join(f"#E{one}" for one in wanted))
        for number, wanted in enumerate(asked)
    ]


def test_references_are_edges_forwards_and_backwards() -> None:
    graph = connect(steps((), (0, 2, 0), ()))
    assert graph.needs == {0: (), 1: (0, 2), 2: ()}
    assert graph.faults == {}


def test_a_step_named_twice_stands_for_the_first() -> None:
    twice = [
        *steps(()),
        PlannedStep("#E0", tool="T", query="x", fault="taken"),
        PlannedStep("#E5", tool="T", query="#E0"),
    ]
    graph = connect(twice)
    assert graph.needs == {0: (), 2: (0,)}
    assert graph.faults == {1: "taken"}


def test_faults_come_in_the_order_of_the_plan() -> None:
    graph = connect(steps((1,), (0,), (9,), ()))
    assert list(graph.faults) == [0, 1, 2]
    assert list(graph.needs) == [3]


GRAPHS = st.integers(1, 6).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, size - 1), max_size=3).map(tuple), min_size=size, max_size=size)
)


@given(GRAPHS)
def test_circles_are_what_comes_back_to_itself(asked: list[tuple[int, ...]]) -> None:
    size = len(asked)
    reach = {(start, end): end in asked[start] for start, end in product(range(size), repeat=2)}
    for middle, start, end in product(range(size), repeat=3):
        reach[start, end] |= reach[start, middle] and reach[middle, end]
    graph = connect(steps(*asked))
    assert set(graph.faults) == {number for number in range(size) if reach[number, number]}
    assert set(graph.needs) == set(range(size)) - set(graph.faults)

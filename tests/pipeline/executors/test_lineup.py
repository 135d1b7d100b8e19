"""Worlds take turns, each as wide as memory and its latency allow."""

from __future__ import annotations

from collections import Counter

from tests.pipeline.executors.worlds import LIFTS
from tests.pipeline.rooms import ROOMS

from agenttuning.core.watch import Track
from agenttuning.pipeline.construct import Entry
from agenttuning.pipeline.executors.lineup import Empty, Lineup, SpareMemory, Width, Widths
from agenttuning.pipeline.plays import Play

FREE = 1e6


def plays(*, heavy: int = 0, light: int = 0, footprint: int = 100) -> list[Play]:
    lifts = [{"id": str(number), "floor": 1, "footprint": footprint} for number in range(heavy)]
    rooms = [{"id": str(number), "colour": "red"} for number in range(light)]
    return [
        Play(Entry(environment=world, split="train", task=task), 0)
        for world, tasks in ((LIFTS, lifts), (ROOMS, rooms))
        for task in tasks
    ]


def track(seconds: float) -> Track:
    found = Track()
    found.calls["step"] = 10
    found.seconds["step"] = 10 * seconds
    return found


def begin_all(lineup: Lineup) -> Counter[str]:
    """Take plays until none may begin."""
    begun: Counter[str] = Counter()
    while (play := next(lineup, None)) is not None:
        begun[play.entry.environment] += 1
    return begun


def lineup_of(told: list[Play], *, spare: float = FREE, seats: int = 100, processors: int = 2) -> Lineup:
    widths = Widths(processors=processors, spare=lambda: spare)
    return Lineup(told, widths=widths, empty=Empty(seats))


def test_a_heavy_world_is_narrow_and_a_light_one_takes_the_rest() -> None:
    lineup = lineup_of(plays(heavy=20, light=50))
    assert begin_all(lineup) == {LIFTS: 4, ROOMS: 50}
    lineup.ended(LIFTS, track(0.1))
    assert begin_all(lineup) == {LIFTS: 1}


def test_worlds_take_turns() -> None:
    lineup = lineup_of(plays(heavy=2, light=2, footprint=0))
    order = [play.entry.environment for play in lineup if play]
    assert order == [LIFTS, ROOMS, LIFTS, ROOMS]


def test_without_memory_one_plays_at_a_time() -> None:
    lineup = lineup_of(plays(heavy=3, footprint=500), spare=200.0)
    assert begin_all(lineup) == {LIFTS: 1}
    lineup.ended(LIFTS, track(0.1))
    assert begin_all(lineup) == {LIFTS: 1}


def test_light_worlds_stop_when_memory_is_gone() -> None:
    assert begin_all(lineup_of(plays(light=9), spare=-1.0)) == {ROOMS: 1}


def test_a_width_grows_while_its_world_is_quick_and_shrinks_when_it_is_slow() -> None:
    width = Width(footprint=100, most=32, allowed=4.0)
    for _ in range(200):
        width.ended(track(0.1))
    assert 10 < width.allowed <= 32
    grown = width.allowed
    for _ in range(100):
        width.ended(track(0.5))
    assert 1 <= width.allowed < grown / 2


def test_a_width_finds_the_point_where_more_is_slower() -> None:
    """A world of eight places: calls of more than eight at once take as much longer."""
    width = Width(footprint=100, most=64, allowed=2.0)
    seen = []
    for _ in range(2000):
        width.ended(track(0.1 * max(1.0, width.allowed / 8)))
        seen.append(width.allowed)
    assert min(seen[500:]) >= 8
    assert max(seen[500:]) <= 18


def test_light_worlds_are_never_narrowed() -> None:
    width = Width(footprint=0, most=64, allowed=64.0)
    for seconds in (0.001, 1.0) * 100:
        width.ended(track(seconds))
    assert width.allowed == 64


def test_stop_ends_the_line() -> None:
    lineup = Lineup(plays(light=3), widths=Widths(processors=1, spare=lambda: FREE), empty=Empty(9), stop=lambda: True)
    assert list(lineup) == []


def test_this_machine_has_memory_to_spare_or_says_so() -> None:
    spare = SpareMemory()
    assert spare() == spare() > -float("inf")

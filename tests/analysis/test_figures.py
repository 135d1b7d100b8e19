from __future__ import annotations

from xml.etree import ElementTree

import pytest

from agenttuning.analysis.figures import Estimate, Share, bars, curve, intervals, stack


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def line_points(svg: str) -> dict[str, list[str]]:
    return {line.get("class", ""): line.get("points", "").split() for line in parsed(svg).iter("polyline")}


def test_dots_lie_on_their_intervals_at_their_share() -> None:
    svg = parsed(intervals([Estimate("base", 0.25, (0.1, 0.5)), Estimate("tuned", 1.0, (0.9, 1.0))]))
    dots = [dot.get("cx") for dot in svg.iter("circle")]
    spans = [(line.get("x1"), line.get("x2")) for line in svg.iter("line") if line.get("class") == "span"]
    assert dots == ["25.00%", "100.00%"]
    assert spans == [("10.00%", "50.00%"), ("90.00%", "100.00%")]
    assert "base 25.0%, interval 10.0% to 50.0%" in (svg.get("aria-label") or "")


def test_parts_of_a_whole_lie_side_by_side() -> None:
    svg = parsed(stack([Share("a", 0.2), Share("b", 0.8)]))
    placed = [(part.get("x"), part.get("width")) for part in svg.iter("rect")]
    assert placed == [("0.00%", "20.00%"), ("20.00%", "80.00%")]


def test_names_are_escaped() -> None:
    drawn = bars([Share("<script>alert('\"')</script>", 0.5)])
    assert "<script" not in drawn
    assert [title.text for title in parsed(drawn).iter("title")] == ["<script>alert('\"')</script>: 50.0%"]


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    lines = line_points(curve([(k, 3.0 / k) for k in range(1, 5001)]))
    assert all(len(points) <= 401 for points in lines.values())
    assert lines["measured"][0] == "0.2,0.0"
    assert lines["measured"][-1].startswith("1000.0,")


def test_the_smooth_line_of_a_level_loss_is_level() -> None:
    smooth = line_points(curve([(k, 2.0) for k in range(1, 50)]))["smooth"]
    assert {point.split(",")[1] for point in smooth} == {"0.0"}


@pytest.mark.parametrize(
    ("points", "labels"), [([(1, 3.4), (600, 0.1)], ["0", "100", "600"]), ([(1, 0.0), (2, 0.0)], ["0", "2"])]
)
def test_ticks_are_round(points: list[tuple[int, float]], labels: list[str]) -> None:
    ticks = [text.text for text in parsed(curve(points)).iter("text") if text.get("class") == "x-tick"]
    assert set(labels) <= set(ticks)
    assert len(ticks) <= 9

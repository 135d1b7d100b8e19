"""Figures as inline SVG without colours or fonts of their own: the page's style sheet paints them, light or dark.

Positions are percentages, so a figure keeps its text size on a phone; all text is escaped by the XML writer.
Series are told apart by the classes `series-0`, `series-1` ...
"""

from __future__ import annotations

from itertools import pairwise
from math import floor, log10
from typing import TYPE_CHECKING, NamedTuple
from xml.etree.ElementTree import Element, SubElement, tostring

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.analysis.statistics import Interval

_ROW = 20
_CURVE_POINTS = 400
_CURVE_HEIGHT = 220


class Estimate(NamedTuple):
    """A share with its interval, all in [0, 1]."""

    name: str
    value: float
    bounds: Interval


class Share(NamedTuple):
    """A named share in [0, 1]."""

    name: str
    value: float


def intervals(estimates: Sequence[Estimate]) -> str:
    """Draw shares as dots on their intervals, one line per series, on an axis from 0 to 100 %."""
    height = _ROW * len(estimates) + 8
    said = "; ".join(
        f"{one.name} {one.value:.1%}, interval {one.bounds[0]:.1%} to {one.bounds[1]:.1%}" for one in estimates
    )
    svg = _svg("intervals", height, said)
    for tick in (0, 25, 50, 75, 100):
        _line(svg, "grid", x1=tick, x2=tick, y1=0, y2=height)
    for number, one in enumerate(estimates):
        y = 4 + _ROW * (number + 0.5)
        group = SubElement(svg, "g", {"class": f"series-{number}"})
        SubElement(group, "title").text = f"{one.name}: {one.value:.1%} ({one.bounds[0]:.1%} to {one.bounds[1]:.1%})"
        _line(group, "span", x1=100 * one.bounds[0], x2=100 * one.bounds[1], y1=y, y2=y)
        SubElement(group, "circle", {"class": "dot", "cx": _percent(100 * one.value), "cy": _number(y), "r": "5.5"})
    return _text(svg)


def bars(shares: Sequence[Share]) -> str:
    """Draw shares as thin bars from the left, one line per series."""
    height = 10 * len(shares)
    svg = _svg("bars", height, "; ".join(f"{share.name} {share.value:.1%}" for share in shares))
    for number, share in enumerate(shares):
        y = _number(10 * number + 1)
        SubElement(svg, "rect", {"class": "track", "x": "0", "y": y, "width": "100%", "height": "8", "rx": "4"})
        bar = SubElement(svg, "rect", {"class": f"series-{number}", "x": "0", "y": y, "height": "8", "rx": "4"})
        bar.set("width", _percent(100 * share.value))
        SubElement(bar, "title").text = f"{share.name}: {share.value:.1%}"
    return _text(svg)


def stack(shares: Sequence[Share]) -> str:
    """Draw shares of one whole side by side."""
    svg = _svg("stack", 26, "; ".join(f"{share.name} {share.value:.1%}" for share in shares))
    left = 0.0
    for number, share in enumerate(shares):
        part = SubElement(svg, "rect", {"class": f"part-{number % 6}", "x": _percent(left), "y": "0", "height": "26"})
        part.set("width", _percent(100 * share.value))
        SubElement(part, "title").text = f"{share.name}: {share.value:.1%}"
        left += 100 * share.value
    return _text(svg)


def curve(points: Sequence[tuple[int, float]], *, half_life: float = 10.0) -> str:
    """Draw a loss over steps: thin as measured, thick as its exponential mean to both sides (`half_life` in steps)."""
    last = max(points[-1][0], 1)
    top = max(value for _, value in points) or 1.0
    svg = _svg("curve", _CURVE_HEIGHT, f"loss {points[0][1]:.2f} at step {points[0][0]}, {points[-1][1]:.2f} at {last}")
    for level in _ticks(top):
        y = _CURVE_HEIGHT * (1 - level / top)
        _line(svg, "grid", x1=0, x2=100, y1=y, y2=y)
        _label(svg, "y-tick", f"{level:g}", x="-8", y=_number(y + 4))
    for step in _ticks(last):
        _label(svg, "x-tick", f"{step:,.0f}", x=_percent(100 * step / last), y=_number(_CURVE_HEIGHT + 18))
    plot = SubElement(svg, "svg", {"viewBox": "0 0 1000 1000", "preserveAspectRatio": "none"})
    plot.attrib |= {"x": "0", "y": "0", "width": "100%", "height": str(_CURVE_HEIGHT)}
    for kind, line in (("measured", points), ("smooth", _smooth(points, half_life))):
        placed = [(1000 * x / last, 1000 * (1 - y / top)) for x, y in _thin(line)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        SubElement(plot, "polyline", {"class": kind, "points": path, "vector-effect": "non-scaling-stroke"})
    return _text(svg)


class Line(NamedTuple):
    """A named series of (x, share), both in [0, 1], in the order of x."""

    name: str
    points: Sequence[tuple[float, float]]


def lines(series: Sequence[Line]) -> str:
    """Draw shares over a share, such as scores over the agent share of a mixture: dots joined by straight lines."""
    told = "; ".join(f"{one.name} " + ", ".join(f"{y:.1%} at {x:g}" for x, y in one.points) for one in series)
    svg = _svg("lines", _CURVE_HEIGHT, told)
    for tick in (0, 25, 50, 75, 100):
        y = _CURVE_HEIGHT * (1 - tick / 100)
        _line(svg, "grid", x1=0, x2=100, y1=y, y2=y)
        _label(svg, "y-tick", f"{tick} %", x="-8", y=_number(y + 4))
    for x in sorted({x for one in series for x, _ in one.points}):
        _label(svg, "x-tick", f"{x:g}", x=_percent(100 * x), y=_number(_CURVE_HEIGHT + 18))
    for number, one in enumerate(series):
        group = SubElement(svg, "g", {"class": f"series-{number}"})
        placed = [(100 * x, _CURVE_HEIGHT * (1 - y)) for x, y in one.points]
        for (x1, y1), (x2, y2) in pairwise(placed):
            _line(group, "joint", x1=x1, x2=x2, y1=y1, y2=y2)
        for (x, y), (share, value) in zip(placed, one.points, strict=True):
            dot = SubElement(group, "circle", {"class": "dot", "cx": _percent(x), "cy": _number(y), "r": "5.5"})
            SubElement(dot, "title").text = f"{one.name}: {value:.1%} at {share:g}"
    return _text(svg)


def _ticks(top: float) -> list[float]:
    """Return four to eight round numbers from 0 up to `top`."""
    size = 10.0 ** floor(log10(top))
    step = next(size * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if top / (size * part) < 8)
    return [number * step for number in range(floor(top / step + 1e-9) + 1)]


def _smooth(points: Sequence[tuple[int, float]], half_life: float) -> list[tuple[int, float]]:
    values = [value for _, value in points]
    ahead, back = _mean(values, half_life), _mean(values[::-1], half_life)[::-1]
    return [(step, (one + other) / 2) for (step, _), one, other in zip(points, ahead, back, strict=True)]


def _mean(values: Sequence[float], half_life: float) -> list[float]:
    keep = 0.5 ** (1 / half_life)
    weight, total, means = 0.0, 0.0, []
    for value in values:
        weight, total = keep * weight + 1, keep * total + value
        means.append(total / weight)
    return means


def _thin(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    stride = -(-len(points) // _CURVE_POINTS)
    return [*points[:-1:stride], points[-1]]


def _svg(kind: str, height: float, said: str) -> Element:
    return Element(
        "svg",
        {"class": f"figure {kind}", "width": "100%", "height": _number(height), "role": "img", "aria-label": said},
    )


def _line(parent: Element, kind: str, *, x1: float, x2: float, y1: float, y2: float) -> None:
    SubElement(
        parent,
        "line",
        {"class": kind, "x1": _percent(x1), "x2": _percent(x2), "y1": _number(y1), "y2": _number(y2)},
    )


def _label(parent: Element, kind: str, text: str, *, x: str, y: str) -> None:
    SubElement(parent, "text", {"class": kind, "x": x, "y": y}).text = text


def _percent(value: float) -> str:
    return f"{value:.2f}%"


def _number(value: float) -> str:
    return f"{value:g}"


def _text(svg: Element) -> str:
    return tostring(svg, encoding="unicode")

"""Scripts of the pages that show figures and colours: all that is asked for stands in the attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.miniwob.solvers.look import click, place, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from agenttuning.environments.worlds.miniwob.solvers.look import Look, Move, Solver

_FIGURES: Final = {"rect": "rectangle", "polygon": "triangle", "circle": "circle"}
_LARGE: Final = 20.0


def _words(figure: HtmlElement) -> set[str]:
    """Return all that a description may say of a figure."""
    text = figure.text_content()
    if figure.tag == "text":
        size = float((figure.get("font-size") or "0").removesuffix("px"))
        kind = "digit" if text.isdigit() else "letter"
    else:
        kind, text = "shape", _FIGURES[str(figure.tag)]
        size = _extent(figure)
    return {"large" if size >= _LARGE else "small", figure.get("fill") or "", kind, text, "item"}


def _extent(figure: HtmlElement) -> float:
    if figure.tag == "circle":
        return 2 * float(figure.get("r") or 0)
    if figure.tag == "rect":
        return float(figure.get("width") or 0)
    points = [float(each.split(",")[0]) for each in (figure.get("points") or "0,0").split()]
    return max(points) - min(points)


def _matching(look: Look, description: str) -> list[HtmlElement]:
    wanted = set(description.split())
    return [figure for figure in look.find("//*[@id='area_svg']/*") if wanted <= _words(figure)]


def _click_shape(look: Look) -> Iterator[Move]:
    (description,) = look.read(r"Click on a (.*)")
    yield click(place(_matching(look, description)[0]), f"this is a {description}.")


def _count(look: Look) -> Iterator[Move]:
    (description,) = look.read(r"How many (.*)s are there")
    number = len(_matching(look, description))
    yield click(f"//*[@id='count-buttons']/button[text()='{number}']", f"I count {number} of {description}.")


def _shades(look: Look) -> Iterator[Move]:
    (colour,) = look.read(r"shades of (\w+)")
    for span in look.find(f"//span[@data-color='{colour}']"):
        yield click(place(span), f"this one is a shade of {colour}: {span.get('style')}")
    yield submit()


SOLVERS: Final[dict[str, Solver]] = {
    "click-shades": _shades,
    "click-shape": _click_shape,
    "count-shape": _count,
}

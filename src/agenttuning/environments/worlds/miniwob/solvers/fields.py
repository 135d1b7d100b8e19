"""Scripts of the pages with something to type, or to set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.miniwob.solvers.look import click, literal, place, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.miniwob.solvers.look import Look, Move, Solver

_RESULTS_A_PAGE: Final = 3


def fill(xpath: str, text: str) -> Iterator[Move]:
    """Click a field and type into it."""
    yield click(xpath, f"{text} goes into this field, which needs the focus.")
    yield f"the field has the focus, so I type {text}.", f"type {text}"


def _text(look: Look) -> Iterator[Move]:
    (text,) = look.read(r'"(.*)"')
    yield from fill(place(look.one("//input")), text)
    yield submit()


def _password(look: Look) -> Iterator[Move]:
    (text,) = look.read(r'"(.*)"')
    for field in look.find("//input"):
        yield from fill(place(field), text)
    yield submit()


def _login(look: Look) -> Iterator[Move]:
    user, password = look.read(r'username "(.*)" and the password "(.*)" into')
    yield from fill("//*[@id='username']", user)
    yield from fill("//*[@id='password']", password)
    yield submit("both fields are filled, so I log in.")


def _date(look: Look) -> Iterator[Move]:
    (date,) = look.read(r"(\d\d/\d\d/\d{4})")
    yield from fill("//input[@type='date']", date.replace("/", ""))
    yield submit()


def _time(look: Look) -> Iterator[Move]:
    hour, minute, half = look.read(r"(\d+):(\d\d)\s*([AP]M)")
    yield from fill("//input[@type='time']", f"{int(hour):02}{minute}{half}")
    yield submit()


def _algebra(look: Look) -> Iterator[Move]:
    first, sign, second, result = re.findall(r"x|[+-]|\d+", look.one("//*[@id='math-problem']").text_content())[:4]
    known = int(second if first == "x" else first)
    unsigned = int(result) + known if first == "x" else known - int(result)
    answer = int(result) - known if sign == "+" else unsigned
    yield from fill("//*[@id='math-answer']", str(answer))
    yield submit(f"x is {answer}, so I submit.")


def _spinner(look: Look) -> Iterator[Move]:
    number = int(look.read(r"Select (-?\d+)")[0])
    way = "up" if number > 0 else "down"
    for count in range(1, abs(number) + 1):
        yield click(f"//a[contains(@class, 'spinner-{way}')]", f"step {count} of {abs(number)} {way}.")
    yield submit(f"the spinner shows {number}, so I submit.")


def _search(look: Look) -> Iterator[Move]:
    text, number = look.read(r'enter "(.*)" and .* the (\d+)')
    yield from fill("//*[@id='search-text']", text)
    yield click("//*[@id='search']", "the search is typed, so I start it.")
    page, index = divmod(int(number) - 1, _RESULTS_A_PAGE)
    if page:
        yield click(f"//*[@id='pagination']//a[text()='{page + 1}']", f"result {number} is on page {page + 1}.")
    yield click(f"//*[@id='page-content']/div[{index + 1}]/a", f"result {number} is in sight.")


def _terminal(look: Look) -> Iterator[Move]:
    yield click("//*[@id='terminal']", "the terminal needs the focus.")
    yield "I have to know the files first.", "type ls"
    yield "the command is typed.", "press enter"
    files = look.find("//span[@class='output']")[-1].text_content().split()
    ending = re.search(r"extension (\.\S+)", look.utterance)
    name = next(each for each in files if (each.endswith(ending[1]) if ending else "." not in each))
    yield f"{name} is such a file.", f"type rm {name}"
    yield "the command is typed.", "press enter"


def _grid(look: Look) -> Iterator[Move]:
    (point,) = look.read(r"(\(.*\))")
    yield click(f"//*[@id={literal(point)}]", f"the point {point} has its coordinates as id.")


SOLVERS: Final[dict[str, Solver]] = {
    "enter-date": _date,
    "enter-password": _password,
    "enter-text": _text,
    "enter-text-dynamic": _text,
    "enter-time": _time,
    "grid-coordinate": _grid,
    "login-user": _login,
    "search-engine": _search,
    "simple-algebra": _algebra,
    "terminal": _terminal,
    "use-spinner": _spinner,
}

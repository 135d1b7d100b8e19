"""One maker per kind of form: it draws a page and its goal with the sizes of a difficulty."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.forms.scene import Goal, Scene
from agenttuning.environments.worlds.forms.words import BUTTONS, FIELDS, ITEMS, NAMES, PANELS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from agenttuning.core.records import Difficulty


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a form with its share of the task."""

    order: str
    """An imperative without full stop."""
    html: str
    texts: tuple[tuple[str, str], ...] = ()
    ticked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draw:
    """The draws of one scene."""

    random: random.Random
    difficulty: Difficulty

    def many(self, words: Sequence[str], *, tiny: int, standard: tuple[int, int], hard: tuple[int, int]) -> list[str]:
        """Return so many different words in random order."""
        low, high = {"tiny": (tiny, tiny), "standard": standard, "hard": hard}[self.difficulty]
        return self.random.sample(words, self.random.randint(low, high))


def _click_button(draw: Draw) -> Scene:
    labels = draw.many(BUTTONS, tiny=3, standard=(5, 8), hard=(9, 14))
    chosen = draw.random.choice(labels)
    pieces = [f"<button>{label}</button>" for label in labels]
    pieces += [f"<span>{word}</span>" for word in draw.random.sample(ITEMS, 3)]
    pieces.append('<input type="text" id="note">')
    draw.random.shuffle(pieces)
    return _scene(draw, "click-button", f'Click the "{chosen}" button.', "".join(pieces), Goal(button=chosen))


def _text_part(draw: Draw) -> Part:
    """Return a field to fill, among others."""
    if draw.difficulty == "tiny":
        value = f"{draw.random.choice(NAMES)} {draw.random.choice(ITEMS)}"
        return Part(f"Enter {value}", '<input id="text" type="text">', (("text", value),))
    labels = draw.many(FIELDS, tiny=1, standard=(2, 3), hard=(3, 5))
    chosen = draw.random.choice(labels)
    value = f"{draw.random.choice(NAMES).title()} {draw.random.choice(ITEMS)}"
    lines = [f'<p>{label}: <input id="{label.lower()}" type="text"></p>' for label in labels]
    return Part(f'enter "{value}" into the {chosen} field', "".join(lines), ((chosen.lower(), value),))


def _login_part(draw: Draw) -> Part:
    user, password = draw.random.choice(NAMES), f"{draw.random.choice(ITEMS)}{draw.random.randrange(10, 100)}"
    fields = '<input id="user" type="text"><input id="password" type="password">'
    texts = (("user", user), ("password", password))
    if draw.difficulty == "tiny":
        return Part(f"Login as {user} with {password}", fields, texts)
    labelled = '<p>Username</p><input id="user" type="text"><p>Password</p><input id="password" type="password">'
    return Part(f'enter the username "{user}" and the password "{password}"', labelled, texts)


def _ticks_part(draw: Draw) -> Part:
    """Return boxes, some of them to tick."""
    words = draw.many(ITEMS, tiny=3, standard=(4, 7), hard=(8, 12))
    most = {"tiny": 2, "standard": 3, "hard": 6}[draw.difficulty]
    numbers = sorted(draw.random.sample(range(len(words)), draw.random.randint(1, most)))
    boxes = [
        f'<label><input type="checkbox" id="box{number}">{word}</label>' for number, word in enumerate(words, start=1)
    ]
    chosen = [words[number] for number in numbers]
    draw.random.shuffle(chosen)
    verb = "Tick" if draw.difficulty == "tiny" else "tick"
    return Part(f"{verb} {', '.join(chosen)}", "".join(boxes), ticked=tuple(f"box{number + 1}" for number in numbers))


def _list_part(draw: Draw) -> Part:
    """Return a list to choose from."""
    words = draw.many(NAMES, tiny=3, standard=(5, 9), hard=(10, 16))
    chosen = draw.random.choice(words)
    options = "".join(f"<option>{word}</option>" for word in words)
    verb = "Choose" if draw.difficulty == "tiny" else "choose"
    order = f"{verb} {chosen}" if draw.difficulty == "tiny" else f"{verb} {chosen} from the list"
    return Part(order, f'<select id="list">{options}</select>', (("list", chosen),))


def _form(draw: Draw, kind: str, part: Part) -> Scene:
    if draw.difficulty == "tiny":
        button, labels, order = ("Login" if kind == "login-user" else "Submit"), [], f"{part.order}."
    else:
        button, labels = "Submit", [draw.random.choice(("Cancel", "Reset", "Help"))]
        order = f"{part.order[0].upper()}{part.order[1:]}, then press Submit."
    labels.append(button)
    draw.random.shuffle(labels)
    buttons = "".join(f"<button>{label}</button>" for label in labels)
    return _scene(draw, kind, order, part.html + buttons, Goal(button=button, texts=part.texts, ticked=part.ticked))


def _panels(draw: Draw) -> Scene:
    """Return a form whose parts lie under different tabs, only the first of them open."""
    makers = draw.random.sample((_text_part, _ticks_part, _list_part), draw.random.choice((2, 3)))
    parts = [make(draw) for make in makers]
    names = draw.random.sample(PANELS, len(parts) + 1)
    tabs = "".join(f'<a href="#panel{number}">{name}</a>' for number, name in enumerate(names, start=1))
    order = list(range(len(parts)))
    draw.random.shuffle(order)
    bodies = [parts[place].html for place in order]
    bodies.insert(draw.random.randrange(len(bodies) + 1), "<p>Nothing to fill in here.</p>")
    panels = "".join(
        f'<div id="panel{number}"{"" if number == 1 else _HIDDEN}>{body}</div>'
        for number, body in enumerate(bodies, start=1)
    )
    utterance = f"{'; '.join(part.order for part in parts)}; then press Submit."
    goal = Goal(
        button="Submit",
        texts=tuple(pair for part in parts for pair in part.texts),
        ticked=tuple(box for part in parts for box in part.ticked),
    )
    body = f"<p>{tabs}</p><div>{panels}</div><button>Submit</button><button>Cancel</button>"
    return _scene(draw, "fill-tabs", utterance[0].upper() + utterance[1:], body, goal)


_HIDDEN: Final = ' style="display: none;"'
_MAKERS: Final[dict[str, Callable[[Draw], Scene]]] = {
    "click-button": _click_button,
    "enter-text": lambda draw: _form(draw, "enter-text", _text_part(draw)),
    "login-user": lambda draw: _form(draw, "login-user", _login_part(draw)),
    "click-checkboxes": lambda draw: _form(draw, "click-checkboxes", _ticks_part(draw)),
    "choose-list": lambda draw: _form(draw, "choose-list", _list_part(draw)),
    "fill-tabs": _panels,
}


def makers(difficulty: Difficulty) -> list[Callable[[Draw], Scene]]:
    """Return the kinds of a difficulty: at `tiny` none that one click solves, tabs at `hard` only."""
    left_out = {"tiny": ("click-button", "fill-tabs"), "standard": ("fill-tabs",), "hard": ()}[difficulty]
    return [make for kind, make in _MAKERS.items() if kind not in left_out]


def _scene(draw: Draw, kind: str, utterance: str, body: str, goal: Goal) -> Scene:
    html = f'<div id="area">{body}</div>'
    if draw.difficulty != "tiny":
        html = f'<div id="wrap"><div id="query">{escape(utterance, quote=False)}</div>{html}</div>'
    return Scene(kind=kind, utterance=utterance, html=html, goal=goal)

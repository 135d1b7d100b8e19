"""Scripts of the pages that are solved by pointing at the right thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.miniwob.solvers.look import click, literal, place, submit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.miniwob.solvers.look import Look, Move, Solver


def _sequence(look: Look) -> Iterator[Move]:
    for name in look.utterance.replace(",", "").replace(".", "").split():
        if name.isupper():
            yield click(f"//button[text()='{name}']", f"button {name} is next.")


def _named_button(look: Look) -> Iterator[Move]:
    (name,) = look.read(r'"(.*)"')
    yield click(f"//button[text()={literal(name)}]", f"the button labeled {name} is the one.")


def _only_button(look: Look) -> Iterator[Move]:
    yield click(place(look.one("//button")), "there is one button, and I am to click it.")


def _boxes(look: Look) -> Iterator[Move]:
    (names,) = look.read(r"Select (.*) and click Submit")
    for name in names.split(", "):
        for box in look.find(f"//label[normalize-space()={literal(name)}]/input"):
            yield click(place(box), f"{name} is among the words to select.")
    yield submit()


def _list(look: Look) -> Iterator[Move]:
    (names,) = look.read(r"Select (.*) from the (?:scroll )?list")
    options = [each.text_content() for each in look.find("//option")]
    wanted = [names] if names in options else [name for name in options if name in names.split(", ")]
    for name in wanted:
        yield f"the list has the option {name}.", f"clickoption //option[text()={literal(name)}]"
    yield submit()


def _section(look: Look) -> Iterator[Move]:
    yield click(place(look.one("//h3")), "the section is collapsed; its header opens it.")
    yield submit("the section is open, so I submit.")


def _hidden_link(look: Look) -> Iterator[Move]:
    (name,) = look.read(r'"(.*)"')
    link = look.one(f"//span[@class='alink'][text()={literal(name)}]")
    panel = next((each for each in link.iterancestors() if each.get("role") == "tabpanel"), None)
    if panel is not None and "display: none" in (panel.get("style") or ""):
        label = panel.get("aria-labelledby") or ""
        yield click(f"//*[@id={literal(label)}]", f"the link {name} lies in a closed panel; I open the panel first.")
    yield click(place(link), f"the link {name} can be seen now.")


def _tab(look: Look) -> Iterator[Move]:
    (name,) = look.read(r"on (Tab #\d)")
    yield click(f"//a[text()={literal(name)}]", f"{name} is one of the tabs.")


def _colour(look: Look) -> Iterator[Move]:
    shown = look.find("//*[@id='query-color']")
    name = (shown[0].get("style") or "").split(":")[1].strip(" ;") if shown else look.read(r"the (\w+) colored")[0]
    yield click(f"//*[@id='area']/div[@data-color={literal(name)}]", f"one box is {name}.")


def _dialog(look: Look) -> Iterator[Move]:
    (name,) = look.read(r'"(.*)"')
    button = "@title='Close'" if name == "x" else f"text()={literal(name)}"
    yield click(f"//button[{button}]", f"the dialog has a button for {name}.")


def _menu(look: Look) -> Iterator[Move]:
    *parents, leaf = look.read(r"Select (.*)")[0].split(">")
    item = "//div[@role='menuitem'][normalize-space()={}]"
    for parent in parents:
        yield f"the way leads through {parent}; the mouse opens it.", f"movemouse {item.format(literal(parent))}"
    yield click(item.format(literal(leaf)), f"the menu with {leaf} is open.")


def _widget(look: Look) -> Iterator[Move]:
    (kind,) = look.read(r'"(.*)"')
    target = "//button" if kind == "button" else f"//*[@data-type={literal(kind)}]"
    yield click(place(look.one(f"//*[@id='area']{target}")), f"this is a widget of the kind {kind}.")


def _box_to_focus(look: Look) -> Iterator[Move]:
    number = look.read(r"(\d)?[a-z]* ?(?:input )?textbox")[0] or "1"
    inputs = look.find("//input[@type='text']")
    yield click(place(inputs[int(number) - 1]), "a click into the box gives it the focus.")


def _tree(look: Look) -> Iterator[Move]:
    (name,) = look.read(r'named "(.*)"')
    target = look.one(f"//*[@id='tree']//span[text()={literal(name)}]")
    folders = [each for each in target.iterancestors("li") if each is not target.getparent()]
    for folder in reversed(folders):
        yield click(f"{place(folder)}/div", f"{name} lies deeper, so I open the folder {folder[1].text_content()}.")
    yield click(place(target), f"{name} is in sight.")


SOLVERS: Final[dict[str, Solver]] = {
    "choose-list": _list,
    "click-button": _named_button,
    "click-button-sequence": _sequence,
    "click-checkboxes": _boxes,
    "click-checkboxes-large": _boxes,
    "click-checkboxes-transfer": _boxes,
    "click-collapsible": _section,
    "click-collapsible-2": _hidden_link,
    "click-color": _colour,
    "click-dialog": _dialog,
    "click-dialog-2": _dialog,
    "click-link": _hidden_link,
    "click-menu": _menu,
    "click-option": _boxes,
    "click-scroll-list": _list,
    "click-tab": _tab,
    "click-tab-2": _hidden_link,
    "click-tab-2-hard": _hidden_link,
    "click-test": _only_button,
    "click-test-2": _sequence,
    "click-widget": _widget,
    "focus-text": _box_to_focus,
    "focus-text-2": _box_to_focus,
    "navigate-tree": _tree,
}

"""The pages of a generated site as they stand before each action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sites.goal import CARD, ENTRY, SUBMIT
from agenttuning.environments.worlds.sites.markup import element

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from agenttuning.environments.worlds.sites.goal import Goal
    from agenttuning.environments.worlds.sites.markup import Element
    from agenttuning.environments.worlds.sites.site import Setting, Site

_FOOTER: Final = (
    *("About us", "Accessibility", "Careers", "Contact", "Cookies", "Help", "Imprint", "Mobile app", "Newsletter"),
    *("Partners", "Press", "Privacy", "Terms of use"),
)
_TEASERS: Final = (
    *("See what is new this month", "Ten ideas for the weekend", "Read what others say", "Plan ahead and save"),
    *("How it works", "Your questions answered", "Meet the people behind it", "Stories from our visitors"),
    *("Join the community", "Tips for beginners", "Our picks of the season", "Behind the scenes"),
)


def lay_out(site: Site, goal: Goal, setting: Setting, *, done: int, draw: random.Random) -> Element:
    """Return the page on which the first `done` actions of the goal have been taken."""
    keys = [action.key for action in goal.actions[:done]]
    entered = not site.entry or ENTRY in keys
    sent = SUBMIT in keys
    state = {action.key: action.value for action in goal.actions[:done]}
    form = _form(site, state) if entered else _welcome(site)
    below = _results(site, goal, draw) if sent else _teasers(setting, draw)
    links = _links(site, entered=entered)
    if setting.plain:
        return element("html", element("div", element("nav", *links)), form)
    header = element("nav", element("a", site.name, key="home", title="Home"), *links)
    main = [below, form] if site.teasers_first and not sent else [form, below]
    twins = [_twins(site, setting, draw)] if setting.twins else []
    return element("html", element("body", header, element("main", *main), *twins, _footer(setting, draw)))


def _links(site: Site, *, entered: bool) -> list[Element]:
    links = [element("a", label, key=f"link {number}") for number, label in enumerate(site.links)]
    if not entered:
        links.insert(len(links) // 2, element("a", site.entry, key=ENTRY))
    return links


def _form(site: Site, state: Mapping[str, str]) -> Element:
    fields = []
    for number in site.order:
        key = f"field {number}"
        fields.append(_control(site, site.labels[number], number, key=key, value=state.get(key)))
    return element("form", *fields, _button(site, site.submit, key=SUBMIT))


def _control(site: Site, label: str, number: int, *, key: str, value: str | None) -> Element:
    """Return a field with its label where the site puts it; `value` is what was typed, selected or ticked before."""
    field = site.field(number)
    placed = {} if site.labelled == "label" else {site.labelled: label}
    if field.role == "textbox":
        shown = element("input", type="text", name=label, input_value=value or "", key=key, **placed)
    elif field.role == "combobox":
        options = [
            element("option", option, option_selected="true" if option == value else "") for option in field.values
        ]
        shown = element("select", *options, name=label, key=key, **placed)
    else:
        shown = element("input", type="checkbox", name=label, input_checked="" if value is None else "true", key=key)
    return element("div", element("label", label), shown) if site.labelled == "label" else shown


def _button(site: Site, label: str, *, key: str) -> Element:
    if site.button == "input":
        return element("input", type="submit", value=label, key=key)
    if site.button == "a":
        return element("a", label, role="button", key=key)
    return element("button", label, type="submit", key=key)


def _welcome(site: Site) -> Element:
    return element("section", element("h1", f"Welcome to {site.name}"), element("p", "What would you like to do?"))


def _results(site: Site, goal: Goal, draw: random.Random) -> Element:
    cards = [
        element("li", element("a", label, key=f"{CARD} {number}"), element("span", draw.choice(site.kind.details)))
        for number, label in enumerate(goal.results)
    ]
    return element("ul", *cards)


def _teasers(setting: Setting, draw: random.Random) -> Element:
    chosen = draw.sample(_TEASERS, setting.cards)
    return element("section", *(_teaser(text, number) for number, text in enumerate(chosen)))


def _teaser(text: str, number: int) -> Element:
    return element("a", element("h3", text), element("div", "Read more"), key=f"teaser {number}")


def _twins(site: Site, setting: Setting, draw: random.Random) -> Element:
    """Return a second form whose fields resemble the first one's: another trip, another search."""
    chosen = draw.sample(range(len(site.kind.fields)), setting.twins)
    word = draw.choice(("Second", "Saved", "Another"))
    fields = [
        _control(site, f"{word} {site.labels[number].lower()}", number, key=f"twin {number}", value=None)
        for number in chosen
    ]
    return element("div", *fields, _button(site, f"{word} entry", key="twin submit"), role="dialog")


def _footer(setting: Setting, draw: random.Random) -> Element:
    chosen = draw.sample(_FOOTER, setting.footer)
    return element("footer", *(element("a", label, key=f"footer {number}") for number, label in enumerate(chosen)))

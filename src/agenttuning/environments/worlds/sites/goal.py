"""What somebody wants on a site, and the actions that do it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.sites.kinds import OPERATIONS

if TYPE_CHECKING:
    import random

    from agenttuning.environments.worlds.sites.kinds import Operation, Role
    from agenttuning.environments.worlds.sites.site import Setting, Site

ENTRY: Final = "entry"
SUBMIT: Final = "submit"
CARD: Final = "card"


@dataclass(frozen=True, slots=True)
class Action:
    """One step of the way."""

    key: str
    """What is acted upon: `entry`, `field 2`, `submit`, `card 3`."""
    role: Role
    label: str
    value: str = ""

    @property
    def operation(self) -> Operation:
        """What is done."""
        return OPERATIONS[self.role]

    @property
    def told(self) -> str:
        """The action as Mind2Web writes earlier actions."""
        return f"[{self.role}]  {self.label} -> {self.operation}{f': {self.value}' if self.value else ''}"

    @property
    def aim(self) -> str:
        """The action in words that finish `I have to`."""
        verb = {"textbox": f"type {self.value} into", "combobox": f"select {self.value} in", "checkbox": "tick"}
        return f"{verb.get(self.role, 'click')} {self.label}"


@dataclass(frozen=True, slots=True)
class Goal:
    """A task on a site."""

    sentence: str
    actions: tuple[Action, ...]
    results: tuple[str, ...]
    """What the form finds, in the order shown."""


def draw_goal(site: Site, setting: Setting, draw: random.Random) -> Goal:
    """Draw fields with values, and what is taken from the results; the task tells them in the order of its actions."""
    kind = site.kind
    few, many = setting.fields
    wanted = draw.sample(range(len(kind.fields)), min(draw.randint(few, many), len(kind.fields)))
    values = {number: _value(site, number, draw) for number in wanted}
    parts = [draw.choice(kind.fields[number].phrases).format(values[number]) for number in wanted]
    filled = [
        Action(f"field {number}", kind.fields[number].role, site.labels[number], value)
        for number, value in values.items()
    ]
    actions = [*filled, Action(SUBMIT, "button", site.submit)]
    if site.entry:
        actions.insert(0, Action(ENTRY, "link", site.entry))
    results = tuple(draw.sample(kind.results, min(setting.cards, len(kind.results))))
    if results:
        place = draw.randrange(len(results))
        actions.append(Action(f"{CARD} {place}", "link", results[place]))
        parts.append(draw.choice(kind.takings).format(results[place]))
    return Goal(f"{draw.choice(kind.openings)} {_joined(parts)}", tuple(actions), results)


def _value(site: Site, number: int, draw: random.Random) -> str:
    values = site.field(number).values
    return draw.choice(values) if values else ""


def _joined(parts: list[str]) -> str:
    """Join phrases with commas, but for those that begin with `and`."""
    text = parts[0]
    for part in parts[1:]:
        text += f" {part}" if part.startswith("and ") else f", {part}"
    return text

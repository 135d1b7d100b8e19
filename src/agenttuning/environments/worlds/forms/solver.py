"""The expert on forms: opens the tab that hides a part, fills the part in, and presses the button at the end."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.forms.page import FormPage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.environments.worlds.forms.scene import Scene

_THOUGHTS: Final = {
    "tab": (
        "what I need is under the tab {0}.",
        "the panel behind {0} is hidden; I open it.",
        "I go to the tab {0} first.",
    ),
    "field": ("I click the field {0}.", "the text belongs into {0}, so I click there first.", "{0} needs the focus."),
    "type": ("I type {0}.", "the field has the focus; {0} goes in.", "now I enter {0}."),
    "list": ("I choose {0}.", "{0} is one of the options.", "the list must say {0}."),
    "tick": ("I tick {0}.", "the box beside {0} is asked for.", "{0} must be ticked."),
    "press": ("I press {0}.", "everything asked for is there; I press {0}.", "what is left is the button {0}."),
}
_TINY: Final = {kind: options[0] for kind, options in _THOUGHTS.items()}


def solve(scene: Scene, *, name: str, plain: bool) -> Iterator[tuple[str, str]]:
    """Yield thought and action, one pair a turn; `plain` always words a thought in the same way."""
    draw = random.Random(name)
    page = FormPage(scene.html)

    def think(kind: str, what: str) -> str:
        return (_TINY[kind] if plain else draw.choice(_THOUGHTS[kind])).format(what)

    def reveal(identity: str) -> Iterator[tuple[str, str]]:
        hidden = page.find(f"//*[@id='{identity}']/ancestor::div[@style]")
        if hidden:
            tab = f"//a[@href='#{hidden[0].get('id')}']"
            matches = page.find(tab)
            page.click(matches)
            yield think("tab", matches[0].text_content()), f"clickxpath {tab}"

    for identity, text in scene.goal.texts:
        yield from reveal(identity)
        target = f"//*[@id='{identity}']"
        if page.find(target)[0].tag == "select":
            yield think("list", text), f"clickoption {target}/option[text()='{text}']"
            continue
        yield think("field", identity), f"clickxpath {target}"
        yield think("type", text), f"type {text}"
    for identity in scene.goal.ticked:
        yield from reveal(identity)
        word = page.find(f"//*[@id='{identity}']/..")[0].text_content()
        yield think("tick", word), f"clickxpath //*[@id='{identity}']"
    button = scene.goal.button
    yield think("press", button), f"clickxpath //button[text()='{button}']"

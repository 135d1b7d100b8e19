"""A scene as a `TaskPage`: the same five actions as in the browser, on the page model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.forms.page import FormPage, XpathError
from agenttuning.environments.worlds.miniwob.page import Verdict

if TYPE_CHECKING:
    from agenttuning.environments.worlds.forms.scene import Scene
    from agenttuning.environments.worlds.miniwob.grammar import Action


class FormTaskPage:
    """One scene being played; implements `TaskPage`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._page = FormPage(scene.html)

    async def open(self) -> str:
        """Return what is asked."""
        return self._scene.utterance

    async def html(self) -> str:
        """Return the HTML of the task area."""
        return self._page.html()

    async def act(self, action: Action) -> str:
        """Carry one action out; return why it could not be, or an empty string."""
        if action.verb == "type":
            self._page.type(action.text)
            return ""
        if action.verb == "press":
            self._page.press(action.argument)
            return ""
        try:
            matches = self._page.find(action.argument)
        except XpathError as error:
            return f"This is no xpath of elements: {error}."
        if not matches:
            return "No element matches this xpath."
        deed = {"clickxpath": self._page.click, "clickoption": self._page.choose, "movemouse": self._page.hover}
        return "" if deed[action.verb](matches) else f"No match of this xpath takes a {action.verb}."

    async def verdict(self) -> Verdict:
        """Judge the form once a button was pressed: 1, or -1 as the pages of MiniWoB do."""
        page, goal = self._page, self._scene.goal
        if page.pressed is None:
            return Verdict(done=False, raw_reward=0.0)
        won = page.pressed == goal.button and page.texts() == dict(goal.texts) and page.ticked() == set(goal.ticked)
        return Verdict(done=True, raw_reward=1.0 if won else -1.0)

    async def close(self) -> None:
        """Leave the page; nothing is held."""

"""Scripts name elements by role and name: on the pages of the largest scenes, nothing else in sight has both."""

import asyncio
import re

import pytest

from agenttuning.environments.held_out.webarena import Webarena
from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.minisites.tasks import TEMPLATES
from agenttuning.environments.worlds.webarena.task import WebarenaConfig

TARGET = re.compile(r"(?:click|type) \[(\w+) '(.+?)'\]")


@pytest.mark.browser
@pytest.mark.skipif(bool(missing_program()), reason="no Chromium")
@pytest.mark.parametrize("template", ["two-discount", "shop-review", "forum-submit", "code-invite"])
def test_no_other_element_in_sight_has_the_same_role_and_name(template: str) -> None:
    number = [each.name for each in TEMPLATES].index(template)
    tasks = Webarena.load("test", WebarenaConfig(difficulty="hard"))
    task = next(each for each in tasks if each.raw.intent_template_id == number)

    async def play() -> float:
        async with Webarena(task) as environment:
            await environment.start()
            replies = environment.oracle()
            assert replies is not None
            for (_, action), reply in zip(task.script, replies, strict=True):
                assert environment._sight is not None
                target = TARGET.match(action)
                if target:
                    seen = [(element.role, element.name) for _, element in environment._sight.elements]
                    assert seen.count(target.groups()) == 1, action
                await environment.step(reply)
            return (await environment.score()).reward

    assert asyncio.run(play()) == 1

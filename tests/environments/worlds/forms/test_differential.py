"""The page model against Chromium: the same forms, the same random actions, the same fields and boxes after each."""

import asyncio
import random
from pathlib import Path

import pytest

from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.forms.generator import draw_scene
from agenttuning.environments.worlds.forms.scene import Scene
from agenttuning.environments.worlds.forms.task_page import FormTaskPage
from agenttuning.environments.worlds.miniwob.grammar import Action, Verb

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_program()), reason=missing_program() or "present"),
]
pytest.importorskip("playwright", reason="playwright is not installed")

from agenttuning.environments.worlds.miniwob.chromium import ChromiumTaskPage  # noqa: E402

SCENES, ACTIONS = 12, 14
PAGE = """<body>{}<script>
var WOB_DONE_GLOBAL = false, WOB_RAW_REWARD_GLOBAL = 0;
var core = {{endEpisode() {{}}, setDataMode() {{}}, startEpisodeReal() {{}}, getUtterance: () => 'do'}};
Math.seedrandom = () => 0;
document.querySelectorAll('a').forEach(tab => tab.addEventListener('click', () => {{
    const chosen = document.querySelector(tab.getAttribute('href'));
    for (const panel of chosen.parentElement.children)
        panel === chosen ? panel.removeAttribute('style') : panel.style.display = 'none';
}}));
document.querySelectorAll('select').forEach(list => list.selectedIndex = -1);
</script></body>"""
STATE = """() => [
    Object.fromEntries([...document.querySelectorAll('input:not([type=checkbox]), select')]
        .filter(field => field.value).map(field => [field.id, field.value])),
    [...document.querySelectorAll('input:checked')].map(box => box.id).sort(),
]"""


def _action(draw: random.Random, scene: Scene) -> Action:
    pool = ["input", "label", "option", "a", "input[@type='checkbox']", "input[last()]"]
    chosen = f"(//{draw.choice(pool)})[{draw.randint(1, 4)}]" if draw.random() < 0.7 else f"//{draw.choice(pool)}"
    verb: Verb = draw.choice(("clickxpath", "clickxpath", "clickxpath", "clickoption", "type", "press"))
    if verb == "type":
        return Action("type", draw.choice(("plum", "a b", "é", scene.kind)))
    return Action(verb, "backspace" if verb == "press" else chosen)


async def _compare(scene: Scene, folder: Path, seed: int) -> None:
    (folder / "miniwob" / "form.html").write_text(PAGE.format(scene.html))
    real, ours = ChromiumTaskPage(folder, "form", seed=0, data_mode="train"), FormTaskPage(scene)
    model = ours._page
    draw = random.Random(seed)
    try:
        await real.open()
        assert await real.html() == await ours.html()
        for _ in range(ACTIONS):
            action = _action(draw, scene)
            told, expected = await ours.act(action), await real.act(action)
            texts, ticked = await real._run(real._opened.evaluate(STATE))
            assert (told, model.texts(), sorted(model.ticked())) == (expected, texts, ticked), (str(action), scene)
            assert await real.html() == await ours.html(), str(action)
    finally:
        await real.close()


def test_forms_behave_as_in_chromium(tmp_path: Path) -> None:
    (tmp_path / "miniwob").mkdir()
    for seed in range(SCENES):
        scene = draw_scene("hard" if seed % 2 else "standard", seed=9, test=False, index=seed)
        asyncio.run(_compare(scene, tmp_path, seed))

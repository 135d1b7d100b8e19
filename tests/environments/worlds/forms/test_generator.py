"""The embedded tasks: repeatable, apart by split, and solvable in the way that is said."""

import asyncio
import time

import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.forms.generator import draw_scene, scenes
from agenttuning.environments.worlds.forms.solver import solve
from agenttuning.environments.worlds.forms.task_page import FormTaskPage
from agenttuning.environments.worlds.miniwob.grammar import parse_action

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_scenes_are_made_alone_and_no_split_or_seed_shares_one_with_the_other_split(difficulty: Difficulty) -> None:
    train = [*scenes(difficulty, seed=0, test=False, count=300), *scenes(difficulty, seed=1, test=False, count=300)]
    test = list(scenes(difficulty, seed=2, test=True, count=100))
    assert train[17] == draw_scene(difficulty, seed=0, test=False, index=17)
    assert {scene.model_dump_json() for scene in train}.isdisjoint(scene.model_dump_json() for scene in test)
    assert len({scene.model_dump_json() for scene in train}) > 590


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_expert_wins_with_nothing_to_spare(difficulty: Difficulty) -> None:
    """Every move but the last leaves the page open, and no field is touched in vain."""

    async def play(index: int) -> None:
        scene = draw_scene(difficulty, seed=3, test=True, index=index)
        page = FormTaskPage(scene)
        for _, written in solve(scene, name=str(index), plain=difficulty == "tiny"):
            assert not (await page.verdict()).done
            action = parse_action(written)
            assert action is not None
            assert await page.act(action) == ""
        assert (await page.verdict()).raw_reward == 1

    for index in range(60):
        asyncio.run(play(index))


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_button_pressed_at_once_or_the_wrong_one_loses(difficulty: Difficulty) -> None:
    async def press(index: int) -> float:
        scene = draw_scene(difficulty, seed=4, test=True, index=index)
        page = FormTaskPage(scene)
        wrong = f"[text()!='{scene.goal.button}']" if scene.kind == "click-button" else ""
        action = parse_action(f"clickxpath //button{wrong}")
        assert action is not None
        await page.act(action)
        return (await page.verdict()).raw_reward

    assert {asyncio.run(press(index)) for index in range(30)} == {-1.0}


def test_the_first_task_comes_at_once() -> None:
    began = time.perf_counter()
    next(scenes("hard", seed=0, test=True, count=1_000))
    assert time.perf_counter() - began < 0.2

"""The planning agent: which calls it makes, in which order, and when it stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agenttuning.core.records import Message, Reply, Sampling, Stop, Trajectory, Usage
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.miniwob import Miniwob, MiniwobTask
from agenttuning.environments.worlds.forms.scene import Goal, Scene
from agenttuning.policies import LocalConfig
from agenttuning.policies.config import PlanLoop
from agenttuning.policies.episode import ModelPlayer

if TYPE_CHECKING:
    from collections.abc import Sequence

FORM = Scene(
    kind="enter-text",
    utterance='Enter "plum" into the text field.',
    html='<div id="wrap"><input id="text" type="text"><button>Submit</button></div>',
    goal=Goal(button="Submit", texts=(("text", "plum"),)),
)
PLAN = "1. clickxpath //input\n2. type plum\n3. clickxpath //button"


class Speaker:
    """Says prepared texts, and keeps what it was asked."""

    name = "speaker"

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked: list[Sequence[Message]] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.asked.append(messages)
        return Reply(content=self.texts.pop(0), usage=Usage(prompt_tokens=1, completion_tokens=1))


def _play(speaker: Speaker, loop: PlanLoop) -> Trajectory:
    environment = Miniwob(MiniwobTask(id="form", page="enter-text", scene=FORM))
    return asyncio.run(rollout(environment, ModelPlayer(speaker, LocalConfig(model="m", plan=loop))))


def test_three_calls_make_the_plan_and_two_each_turn() -> None:
    speaker = Speaker(
        *("1. type plum", "the field has no focus", PLAN),
        *("clickxpath //input", "Action: clickxpath //*[@id='text']` and so on"),
        *("type plum", "type plum"),
        *("click the button", "`clickxpath //button`"),
    )
    played = _play(speaker, PlanLoop())
    assert (played.score.reward, played.stop, played.turns) == (1, Stop.DONE, 3)
    assert [step.action for step in played.steps] == ["clickxpath //*[@id='text']", "type plum", "clickxpath //button"]
    assert played.usage == Usage(prompt_tokens=9, completion_tokens=9)
    assert played.provenance.policy == "speaker, plan loop"
    assert [len(messages) for messages in speaker.asked] == [3, 5, 7, 3, 5, 5, 7, 7, 9]
    assert all(PLAN in messages[-1].content for messages in speaker.asked[3::2])
    assert "no focus" in speaker.asked[2][-2].content


def test_what_the_model_is_shown_alternates() -> None:
    speaker = Speaker(PLAN, "clickxpath //input", "oh", "type plum", "clickxpath //button")
    _play(speaker, PlanLoop(criticisms=0, ground=False))
    for messages in speaker.asked:
        assert [message.role for message in messages] == [("user", "assistant")[n % 2] for n in range(len(messages))]


def test_an_action_is_repaired_three_times_and_then_the_episode_has_failed() -> None:
    loop = PlanLoop(criticisms=0, ground=False)
    mended = _play(Speaker(PLAN, "a", "b", "c", "clickxpath //input", "type plum", "clickxpath //button"), loop)
    assert mended.score.reward == 1
    broken = _play(Speaker(PLAN, "a", "b", "c", "press space"), loop)
    assert (broken.stop, broken.score.reward) == (Stop.ERROR, 0)
    assert broken.failure is not None
    assert (broken.failure.side, "press space" in broken.failure.message) == ("policy", True)


@pytest.mark.parametrize(("plan", "turns"), [(PLAN, 4), ("no numbers", 1), ("1) one\n 2. two", 3)])
def test_the_budget_is_the_numbered_lines_and_one(plan: str, turns: int) -> None:
    played = _play(Speaker(plan, *["clickxpath //input"] * 9), PlanLoop(criticisms=0, ground=False))
    assert (played.stop, played.turns) == (Stop.BUDGET, turns)

"""Every rule that is off by default: what it drops, what it lets pass, and how it is switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.pipeline.filtering.made import said

from agenttuning.core.records import Stop
from agenttuning.pipeline.filter import FilterConfig, keep, rules
from agenttuning.pipeline.filtering.refusals import refuses
from agenttuning.pipeline.filtering.repetition import repeated_share

if TYPE_CHECKING:
    from agenttuning.core.records import Trajectory

THINKING = said("go", "Thought: it is open.\nAction: look", "a room", "Action: go")
THRICE = said(*("again", "Action: look") * 3)
LOOP = said("go", "the cat sat on the mat and " * 6)
CUT = said("go", "a", "many rows [TRUNCATED]", "b")
CHINESE = said("go", "\u4f60\u597d\uff0c\u4e16\u754c")
RUSSIAN = said("go", "\u043f\u0440\u0438\u0432\u0435\u0442 world")
REFUSAL = said("go", "I\u2019m sorry, but I can't help with that.")


@pytest.mark.parametrize(
    ("setting", "dropped", "reason", "passing"),
    [
        ({"min_thought_share": 0.6}, THINKING, "too few thoughts", THRICE.model_copy(update={"messages": ()})),
        ({"min_thought_share": 1.0}, said("go", "Thought:\nAction: go"), "too few thoughts", said("a", "Thought: b")),
        ({"max_equal_replies": 2}, THRICE, "equal replies in a row", THINKING),
        ({"max_repeated_phrases": 0.5}, LOOP, "a reply repeats itself", THRICE),
        ({"max_cut_share": 0.4}, CUT, "cut observations", said("go", "it says [TRUNCATED]", "on", "b")),
        ({"max_cut_share": 0.5}, said("go", "a", stop=Stop.CONTEXT), "out of context", CUT),
        ({"scripts": ("latin",)}, CHINESE, "other script", said("go", "caf\u00e9 12 + 12 \u2192 24 \u2713")),
        ({"scripts": ("latin",)}, RUSSIAN, "other script", said("\u4f60\u597d", "hello")),
        ({"scripts": ("cjk", "latin")}, RUSSIAN, "other script", CHINESE),
        ({"scripts": ("cyrillic",), "min_script_share": 0.5}, CHINESE, "other script", RUSSIAN),
        ({"drop_refusals": True}, REFUSAL, "refusal or boilerplate", THINKING),
    ],
)
def test_a_rule_that_is_switched_on(
    setting: dict[str, object], dropped: Trajectory, reason: str, passing: Trajectory
) -> None:
    switched_on = rules(FilterConfig.model_validate(setting))
    assert keep(dropped, rules(FilterConfig())).kept
    assert keep(dropped, switched_on).reason == reason
    if passing.messages:
        assert keep(passing, switched_on).kept


@pytest.mark.parametrize(
    "mark",
    ["[TRUNCATED]", "[truncated because the output is too long]", "<truncated>", "... (truncated)", "Output too long"],
)
def test_marks_of_a_cut(mark: str) -> None:
    judges = rules(FilterConfig(max_cut_share=0.0))
    kept = keep(said("go", "a", f"rows\n{mark}", "b"), judges)
    assert kept.kept == (mark == "Output too long")


@pytest.mark.parametrize(
    ("reply", "refused"),
    [
        ("As an AI language model, I do not have feelings.", True),
        ("I cannot assist with this request.", True),
        ("I'm just an AI, so take it with care.", True),
        ("I am sorry, but I cannot find a red mug here. I go on to the desk.", True),
        ("I can't open the drawer; it is locked.", False),
        ("Thought: I cannot take the mug yet.\nAction: go to desk 1", False),
        ("She was trained as an AI researcher.", False),
        ("Long ago, " + "it rained, " * 30 + "and then he said: as an AI, I cannot help.", False),
    ],
)
def test_refusals(reply: str, refused: bool) -> None:
    assert refuses(reply) == refused


def test_repeated_share_counts_phrases_that_were_there_before() -> None:
    assert repeated_share("one two three four " * 4) == 0.0
    assert repeated_share("one two three four " * 6) == pytest.approx(1 - 4 / 21)
    assert repeated_share(" ".join(map(str, range(50)))) == 0.0


def test_the_first_rule_that_objects_gives_the_reason() -> None:
    both = REFUSAL.model_copy(update={"score": REFUSAL.score.model_copy(update={"reward": 0.2})})
    assert keep(both, rules(FilterConfig(drop_refusals=True))).reason == "reward below threshold"

"""Every rule finds its fault, names the place and the way out, and is silent on a sound dialogue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agenttuning.datasets.checks import RULES, Checker
from agenttuning.datasets.dialogue import Dialogue, ToolCall, Turn
from agenttuning.datasets.mend import mend
from agenttuning.datasets.registry import format_named
from agenttuning.datasets.source import open_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def ask(text: str = "What is on the desk?") -> Turn:
    return Turn("user", text)


def answer(text: str = "A pen.", *, train: bool | None = True) -> Turn:
    return Turn("assistant", text, train)


def talk(*turns: Turn, identity: str | None = "os_1") -> Dialogue:
    return Dialogue(identity, turns)


CALL = ToolCall("look", '{"at": "desk"}', "1")
SOUND = talk(
    Turn("system", "Be brief."),
    ask(),
    replace(answer(""), calls=(CALL,)),
    Turn("tool", "A pen.", call_id="1"),
    answer(),
)
KEY = "AKIA" + "Q" * 16
FAULTS = {
    "no_turns": [talk()],
    "no_answer": [talk(ask())],
    "untrained": [talk(ask(), answer(train=False))],
    "unknown_flags": [talk(ask(), answer(train=None))],
    "other_flags": [talk(replace(ask(), train=True), answer())],
    "empty_turn": [talk(ask(""), answer()), talk(ask(), answer(""))],
    "alternation": [talk(ask(), ask(), answer()), talk(ask(), answer(), answer()), talk(answer(), ask(), answer())],
    "late_system": [talk(ask(), Turn("system", "x"), answer())],
    "last_turn": [talk(ask(), answer(), ask())],
    "tool_arguments": [talk(ask(), replace(answer(), calls=(ToolCall("look", "desk"),)))],
    "tool_answer": [talk(ask(), answer(), Turn("tool", "x", call_id="9"), answer())],
    "lone_surrogate": [talk(ask("a\ud83d"), answer()), talk(ask(), answer("\udc00"))],
    "nul": [talk(ask("a\x00b"), answer())],
    "escape_codes": [talk(ask("\x1b[01;31mred\x1b[0m"), answer()), talk(ask("\x1b]0;root@host\x07$ "), answer())],
    "encoding": [talk(ask("caf\ufffd"), answer()), talk(ask("cafÃ©"), answer()), talk(ask("itâ€™s"), answer())],
    "truncated": [talk(ask("rows [TRUNCATED]"), answer())],
    "html_error": [talk(ask(), answer("<!DOCTYPE html><title>502 Bad Gateway</title>"))],
    "mind2web_action": [
        talk(ask("A. None\nB. <a>"), answer("Answer: B.\nAction: SET\nValue: 5"), identity="mind2web_46")
    ],
    "mind2web_letter": [talk(ask("A. None\nB. <a>"), answer("Answer: E.\nAction: CLICK"), identity="mind2web_96")],
    "alfworld_action": [
        talk(ask(), answer("THOUGHT: done\nACTION: report success"), identity="alfworld_1"),
        talk(ask(), answer("Task succeeded."), identity="alfworld_2"),
    ],
    "secret": [talk(ask(KEY), answer()), talk(ask(), answer("-----BEGIN RSA PRIVATE KEY-----\nMII"))],
    "email": [talk(ask("write to jane.roe@acme.io"), answer())],
}


def found(*dialogues: Dialogue) -> list[set[str]]:
    checker = Checker()
    return [{problem.rule for problem in checker.check(one)} for one in dialogues]


def test_a_sound_dialogue_is_silent() -> None:
    polite = talk(
        ask("Mail a@example.com; use sk-learn, eyJ and <b>\n\t"),
        answer("THOUGHT: I see.\nACTION: put mug 1 in/on desk 1"),
        identity="alfworld_3",
    )
    assert found(SOUND, polite) == [set(), set()]


@pytest.mark.parametrize("rule", FAULTS)
def test_a_fault_is_found_and_named(rule: str) -> None:
    for one in FAULTS[rule]:
        problems = [problem for problem in Checker().check(one) if problem.rule == rule]
        assert problems, one
        assert all(problem.fix and problem.value for problem in problems)
        assert KEY not in str(problems[0])


def test_every_rule_is_tested() -> None:
    assert FAULTS.keys() | {"duplicate", "duplicate_id", "alfworld_dialect"} == RULES.keys()


def test_repetition_is_of_turns_or_ids() -> None:
    other = talk(ask("x"), answer(), identity="os_1")
    assert found(SOUND, replace(SOUND, id="os_2"), other) == [set(), {"duplicate"}, {"duplicate_id"}]


def test_two_releases_of_a_world_in_one_file_are_told_once() -> None:
    old = talk(ask(), answer("put mug 1 in/on desk 1"), identity="alfworld_1")
    new = talk(ask(), answer("move mug 1 to desk 1"), identity="alfworld_2")
    assert found(old, new, replace(new, id="alfworld_3", turns=(ask("other"), new.turns[1]))) == [
        set(), {"alfworld_dialect"}, set(),
    ]  # fmt: skip


def test_repairs_leave_nothing_to_find() -> None:
    broken = talk(
        Turn("system", "Be brief."),
        replace(ask(f"\x1b[1mlook\x1b[0m {KEY}"), train=False),
        ask("a\x00\ud800"),
        answer(),
        ask("more?"),
    )
    mended: Counter[str] = Counter()
    sound = mend(broken, format_named("agentinstruct"), mended)
    assert sound.turns == (ask("Be brief.\n\nlook [SECRET]\n\na\ufffd"), answer())
    assert set(mended) == {
        "escape codes removed", "half characters replaced", "secrets replaced", "flags cleared", "user turns merged",
        "system turns folded", "last turns cut",
    }  # fmt: skip
    assert {problem.rule for problem in Checker().check(sound)} <= {"encoding"}
    assert mend(SOUND, format_named("openai"), mended) is SOUND


def test_leftovers_of_the_public_dump(official_data: Callable[[str], Path]) -> None:
    source = open_source(official_data("agentinstruct_alfworld") / "agentinstruct_trajectories.json")
    checker = Checker()
    problems = [problem for _, one in source.dialogues for problem in checker.check(one)]
    assert {problem.rule for problem in problems} == {"alfworld_action"}
    words = [problem.value.strip("'\"").lower() for problem in problems]
    assert sum(word.startswith(("task", "end")) for word in words) == 27
    assert len(words) == 32


def test_refused_pseudo_actions_are_cut(official_data: Callable[[str], Path]) -> None:
    source = open_source(official_data("agentinstruct_alfworld") / "agentinstruct_trajectories.json")
    mended: Counter[str] = Counter()
    sound = [mend(one, format_named("agentinstruct"), mended) for _, one in source.dialogues]
    checker = Checker()
    left = [problem for one in sound for problem in checker.check(one)]
    assert mended["pseudo-actions cut"] + len(left) == 32
    assert len(left) == 4  # answered by something else
    assert all(turn.role == ("user", "assistant")[i % 2] for one in sound for i, turn in enumerate(one.turns))

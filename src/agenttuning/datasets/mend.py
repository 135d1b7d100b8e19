"""Repairs that nobody can argue about, each counted: what `--fix` does.

Text: escapes and NUL out, half characters to U+FFFD, secrets to `[SECRET]`. Shape: flags only on answers, a user's
turns in a row merged, a last turn that nobody answers cut, ALFWorld's steps of no action (answered by "Nothing
happens.") cut, a system turn put into the first user turn where the target has none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.secret_checks import redacted
from agenttuning.datasets.text_checks import CONTROL, ESCAPE, SURROGATE
from agenttuning.datasets.world_checks import is_pseudo_action

if TYPE_CHECKING:
    from collections import Counter

    from agenttuning.datasets.dialogue import Dialogue, Turn
    from agenttuning.datasets.format import Format

_REFUSED: Final = "Nothing happens."


def mend(dialogue: Dialogue, form: Format, mended: Counter[str]) -> Dialogue:
    """Return the dialogue repaired, and count the repairs."""
    turns = [_turn(turn, mended) for turn in dialogue.turns]
    if turns and turns[0].role == "system" and "system turns" not in form.holds:
        turns = _folded(turns, mended)
    turns = _merged(turns, mended)
    turns = _acting(dialogue, turns, mended)
    while len(turns) > 2 and turns[-1].role == "user":
        turns.pop()
        mended["last turns cut"] += 1
    return dialogue if turns == list(dialogue.turns) else replace(dialogue, turns=tuple(turns))


def _turn(turn: Turn, mended: Counter[str]) -> Turn:
    text = _text(turn.content, mended)
    train = turn.train
    if train is not None and turn.role != "assistant":
        train = None
        mended["flags cleared"] += 1
    return turn if text is turn.content and train is turn.train else replace(turn, content=text, train=train)


def _text(text: str, mended: Counter[str]) -> str:
    if text.isascii():
        data = text.encode()
        if len(data.translate(None, CONTROL)) != len(data):
            text = _counted(text, ESCAPE.sub("", text), "escape codes removed", mended)
    else:
        text = _counted(text, SURROGATE.sub("\ufffd", text), "half characters replaced", mended)
        text = _counted(text, ESCAPE.sub("", text), "escape codes removed", mended)
    return _counted(text, redacted(text), "secrets replaced", mended)


def _counted(before: str, after: str, what: str, mended: Counter[str]) -> str:
    if after == before:
        return before
    mended[what] += 1
    return after


def _folded(turns: list[Turn], mended: Counter[str]) -> list[Turn]:
    if len(turns) < 2 or turns[1].role != "user":
        return turns
    mended["system turns folded"] += 1
    text = f"{turns[0].content}\n\n{turns[1].content}"
    return [replace(turns[1], content=text), *turns[2:]]


def _acting(dialogue: Dialogue, turns: list[Turn], mended: Counter[str]) -> list[Turn]:
    """Leave out answers that are no action, with the world's refusal."""
    kept: list[Turn] = []
    for turn in turns:
        if kept and turn.role == "user" and _REFUSED in turn.content and is_pseudo_action(dialogue, kept[-1]):
            kept.pop()
            mended["pseudo-actions cut"] += 1
        else:
            kept.append(turn)
    return kept


def _merged(turns: list[Turn], mended: Counter[str]) -> list[Turn]:
    kept: list[Turn] = []
    for turn in turns:
        if kept and turn.role == "user" and kept[-1].role == "user":
            kept[-1] = replace(kept[-1], content=f"{kept[-1].content}\n\n{turn.content}")
            mended["user turns merged"] += 1
        else:
            kept.append(turn)
    return kept

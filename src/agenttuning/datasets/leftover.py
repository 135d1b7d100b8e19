"""What a format has no field for, kept under `agenttuning` in the place that it gives to others' data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.problems import bad, optional_object, optional_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from agenttuning.datasets.dialogue import Dialogue, Row, Turn


KEY: Final = "agenttuning"


def turn_rest(turn: Turn, *, held: Collection[str]) -> Row:
    """Return the fields of a turn that are not in `held` and not what a reader assumes."""
    rest: Row = {} if "train" in held or turn.train is _assumed(turn) else {"train": turn.train}
    said: Row = {"call_id": turn.call_id, "name": turn.name, "reasoning": turn.reasoning}
    rest |= {key: value for key, value in said.items() if value is not None and key not in held}
    if turn.extra:
        rest["extra"] = turn.extra
    return rest


def dialogue_rest(dialogue: Dialogue, *, held: Collection[str]) -> Row:
    """Return the fields of a dialogue, less its turns, that are not in `held`."""
    said: Row = {"id": dialogue.id, "reward": dialogue.reward, "success": dialogue.success, "stop": dialogue.stop}
    rest: Row = {key: value for key, value in said.items() if value is not None and key not in held}
    if dialogue.tools and "tools" not in held:
        rest["tools"] = list(dialogue.tools)
    if dialogue.extra:
        rest["extra"] = dialogue.extra
    return rest


def restore_turn(turn: Turn, rest: Row) -> Turn:
    """Return the turn with what was kept of it; an empty rest changes nothing.

    Raises:
        BadRowError: the rest is damaged.
    """
    if not rest:
        return turn
    train = rest.get("train", turn.train)
    if train not in (None, True, False):
        raise bad("schema", f"{KEY}.train", train, "must be true, false or null")
    return replace(
        turn,
        train=None if train is None else bool(train),
        call_id=_kept(rest, "call_id", turn.call_id),
        name=_kept(rest, "name", turn.name),
        reasoning=_kept(rest, "reasoning", turn.reasoning),
        extra={**turn.extra, **optional_object(rest, "extra", where=f"{KEY}.")},
    )


def restore_dialogue(dialogue: Dialogue, rest: Row) -> Dialogue:
    """Return the dialogue with what was kept of it; an empty rest changes nothing.

    Raises:
        BadRowError: the rest is damaged.
    """
    if not rest:
        return dialogue
    reward, success, tools = rest.get("reward"), rest.get("success"), rest.get("tools")
    return replace(
        dialogue,
        id=_kept(rest, "id", dialogue.id),
        stop=_kept(rest, "stop", dialogue.stop),
        reward=float(reward) if isinstance(reward, (int, float)) else dialogue.reward,
        success=success if isinstance(success, bool) else dialogue.success,
        tools=tuple(tools) if isinstance(tools, list) else dialogue.tools,
        extra={**dialogue.extra, **optional_object(rest, "extra", where=f"{KEY}.")},
    )


def foreign(row: Row, own: Collection[str]) -> Row:
    """Return the fields that are not the format's own, less nulls and empty containers."""
    return {key: value for key, value in row.items() if key not in own and value not in (None, {}, [])}


def _assumed(turn: Turn) -> bool | None:
    return True if turn.role == "assistant" else None


def _kept(rest: Row, key: str, other: str | None) -> str | None:
    return optional_text(rest, key, where=f"{KEY}.") if key in rest else other

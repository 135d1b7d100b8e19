r"""LLaMA-Factory's `sharegpt` formatting, with the entry of `dataset_info.json`.

    {"conversations": [{"from": "human", "value": "..."}, {"from": "function_call", "value": "{\"name\": ...}"},
                       {"from": "observation", "value": "..."}, {"from": "gpt", "value": "..."}],
     "system": "...", "tools": "[{...}]"}

Its loader wants human or observation, then gpt or function_call, in turn and in pairs, and skips other rows with a
warning; so neighbours of one side become one turn here (the originals stay beside it, under `merged`), and what cannot
be mended is refused. It has no flag per turn: either all answers are learned, or with `mask_history: true` the last.
`llamafactory` writes a row per trained turn for `mask_history`, which is exact; `llamafactory-whole` writes a row per
dialogue and names the flags as left behind.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.core.store import write_atomic
from agenttuning.datasets.dialogue import Dialogue, Row, ToolCall, Turn, TurnRole, arguments_object, dump
from agenttuning.datasets.format import EVERYTHING, FLAGS, Format
from agenttuning.datasets.messages import read_tools
from agenttuning.datasets.open_row import outer_fields, read_outer
from agenttuning.datasets.parts import MARK, parts, tail, whole
from agenttuning.datasets.problems import bad, objects_of, optional_text, text_of
from agenttuning.errors import nearest

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pydantic import JsonValue

ROLES: Final[dict[str, TurnRole]] = {
    "human": "user",
    "gpt": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "system": "system",
}
_NAMES: Final = {"user": "human", "assistant": "gpt", "tool": "observation", "system": "system"}
_OWN: Final = ("conversations", "system", "tools", MARK)
_TURN: Final = {"from", "value", "reasoning_content", "name", "tool_call_id", "tool_call_ids", "text", "merged"}
INFO: Final = "dataset_info.json"


class LLaMAFactory(Format):
    """A row per dialogue."""

    name = "llamafactory-whole"
    about = "LLaMA-Factory sharegpt: a row per dialogue, every answer is learned; and dataset_info.json"
    suffixes = (".json", ".jsonl")
    holds = EVERYTHING - FLAGS

    def matches(self, row: Row) -> bool:
        """Conversations with its roles or columns."""
        turns = row.get("conversations")
        if not isinstance(turns, list):
            return False
        return MARK in row or "system" in row or "tools" in row or any(
            isinstance(turn, dict) and turn.get("from") in {"function_call", "observation"} for turn in turns
        )  # fmt: skip

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue; none for a row that is part of a later one."""
        del number
        turns = [
            t for i, said in enumerate(objects_of(row, "conversations")) for t in _read(said, f"conversations.{i}.")
        ]
        system = optional_text(row, "system")
        if system:
            turns.insert(0, Turn("system", system))
        found = read_outer(row, turns, own=_OWN, tools=read_tools(row))
        raw = row.get("tools")
        if isinstance(raw, str) and raw != (dump(found.tools) if found.tools else ""):
            found.extra["tools_text"] = raw
        return whole(found, row)

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        del number
        yield self._row(dialogue, dialogue.turns, {})

    def _row(self, dialogue: Dialogue, turns: Sequence[Turn], mark: Row) -> Row:
        row = outer_fields(
            replace(dialogue, extra={k: v for k, v in dialogue.extra.items() if k != "tools_text"}), own=_OWN
        )
        leading = turns[0] if turns and turns[0].role == "system" else None
        said = list(_pairs(turns[1:] if leading else turns))
        if len(said) % 2:
            raise bad("alternation", "conversations", f"{len(said)} turns", "the last turn must be an answer")
        if leading and leading.content and leading == Turn("system", leading.content):
            row["system"] = leading.content
        elif leading:
            said.insert(0, _said(leading))
        row["conversations"] = list(said)
        if dialogue.tools or "tools_text" in dialogue.extra:
            row["tools"] = dialogue.extra.get("tools_text", dump(dialogue.tools))
        return {**row, **mark}

    def finish(self, target: Path) -> Iterator[Path]:
        """Add the entry to the `dataset_info.json` beside the file."""
        path = target.with_name(INFO)
        try:
            entries = json.loads(path.read_text("utf-8")) if path.is_file() else {}
        except ValueError as error:
            raise bad("no_json", str(path), error, "correct the file; the entry is added to it") from error
        entries[target.name.partition(".")[0]] = entry(target)
        write_atomic(path, json.dumps(entries, ensure_ascii=False, indent=2) + "\n")
        yield path


class LLaMAFactorySplit(LLaMAFactory):
    """A row per trained turn where a dialogue has untrained ones."""

    name = "llamafactory"
    about = "LLaMA-Factory sharegpt: a row per trained turn for mask_history, exact flags; and dataset_info.json"
    note = "train with mask_history: true; each row teaches its last turn"
    holds = LLaMAFactory.holds | {"context flags"}

    def check(self, dialogue: Dialogue) -> Counter[str]:
        """Return what would be left behind, which includes turns that come after all that is trained."""
        return super().check(dialogue) + tail(dialogue)

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return a row per trained turn."""
        for turns, mark in parts(dialogue, number=number):
            yield self._row(dialogue, turns, mark)


def entry(target: Path) -> Row:
    """Return the entry of a file in `dataset_info.json`."""
    return {
        "file_name": target.name,
        "formatting": "sharegpt",
        "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
        "tags": {
            "role_tag": "from",
            "content_tag": "value",
            "user_tag": "human",
            "assistant_tag": "gpt",
            "observation_tag": "observation",
            "function_tag": "function_call",
            "system_tag": "system",
        },
    }


def _read(said: Row, where: str) -> Iterator[Turn]:
    if "merged" in said:
        for index, one in enumerate(objects_of(said, "merged", where=where)):
            yield from _read(one, f"{where}merged.{index}.")
        return
    sender, value = text_of(said, "from", where=where), text_of(said, "value", where=where)
    if sender not in ROLES:
        raise bad("role", f"{where}from", sender, f"is no role{nearest(sender, ROLES)}; known: {', '.join(ROLES)}")
    role = ROLES[sender]
    extra: Row = {key: v for key, v in said.items() if key not in _TURN and v is not None}
    calls = _calls(value, said, where) if sender == "function_call" else ()
    if calls and _call_text(calls) != value:
        extra["value"] = value
    yield Turn(
        role,
        (optional_text(said, "text", where=where) or "") if calls else value,
        True if role == "assistant" else None,
        calls,
        call_id=optional_text(said, "tool_call_id", where=where),
        name=optional_text(said, "name", where=where),
        reasoning=optional_text(said, "reasoning_content", where=where),
        extra=extra,
    )


def _calls(value: str, said: Row, where: str) -> tuple[ToolCall, ...]:
    try:
        found: JsonValue = json.loads(value)
    except (ValueError, RecursionError) as error:
        raise bad(
            "tool_arguments", f"{where}value", value, "a function_call is JSON with name and arguments"
        ) from error
    listed: Row = {"value": found if isinstance(found, list) else [found]}
    calls = objects_of(listed, "value", where=where)
    ids = said.get("tool_call_ids")
    names = ids if isinstance(ids, list) and len(ids) == len(calls) else [None] * len(calls)
    return tuple(_call(call, name, where) for call, name in zip(calls, names, strict=True))


def _call(call: Row, name: JsonValue, where: str) -> ToolCall:
    arguments = call.get("arguments", "")
    text = arguments if isinstance(arguments, str) else dump(arguments)
    return ToolCall(text_of(call, "name", where=f"{where}value."), text, None if name is None else str(name))


def _call_text(calls: Sequence[ToolCall]) -> str:
    said: list[Row] = [{"name": call.name, "arguments": arguments_object(call)} for call in calls]
    return dump(said[0] if len(said) == 1 else said)


def _pairs(turns: Sequence[Turn]) -> Iterator[Row]:
    """Yield turns of both sides by turns, merging neighbours of one side."""
    waiting: list[Turn] = []
    for turn in turns:
        if waiting and _side(waiting[0]) != _side(turn):
            yield _merged(waiting)
            waiting = []
        if not waiting and _side(turn) == "system":
            raise bad("role", "conversations", "system", "only the first turn may be the system's")
        waiting.append(turn)
    if waiting:
        yield _merged(waiting)
    if turns and _side(turns[0]) == "answer":
        raise bad("alternation", "conversations.0", turns[0].role, "the first turn must be the user's")


def _side(turn: Turn) -> str:
    return {"system": "system", "assistant": "answer"}.get(turn.role, "question")


def _merged(turns: Sequence[Turn]) -> Row:
    said = [_said(turn) for turn in turns]
    if len(said) == 1:
        return said[0]
    if (
        any(turn.calls for turn in turns)
        or len({turn.train is False for turn in turns if turn.role == "assistant"}) > 1
    ):
        raise bad(
            "alternation", "conversations", f"{len(turns)} answers in a row", "a call and a text cannot be one turn"
        )
    text = "\n\n".join(turn.content for turn in turns)
    return {"from": said[-1]["from"], "value": text, "merged": list(said)}


def _said(turn: Turn) -> Row:
    sender = "function_call" if turn.calls else _NAMES[turn.role]
    extra: Row = dict(turn.extra)
    value = extra.pop("value", _call_text(turn.calls)) if turn.calls else turn.content
    clash = _TURN & extra.keys()
    if clash:
        raise bad(
            "name_clash", min(clash), extra[min(clash)], "the field means something else in this format; rename it"
        )
    row: Row = {**extra, "from": sender, "value": value}
    if turn.calls and turn.content:
        row["text"] = turn.content
    if any(call.id is not None for call in turn.calls):
        row["tool_call_ids"] = [call.id for call in turn.calls]
    named = {"reasoning_content": turn.reasoning, "name": turn.name, "tool_call_id": turn.call_id}
    return row | {key: said for key, said in named.items() if said is not None}

"""Inspect's evaluation logs (inspect_ai, log version 2): JSON by ourselves, `.eval` through inspect_ai.

    {"version": 2, "status": "success", "eval": {"task": "...", "model": "...", ...}, "samples": [
        {"id": "os_42", "epoch": 1, "input": "...", "target": "", "messages": [{"role": "user", "content": "..."}, ...],
         "scores": {"reward": {"value": 1.0}}, "metadata": {"agenttuning": {...}}}]}

A row is a log, and a file one row: what is written is one log with a sample per dialogue, which Inspect View shows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Stop
from agenttuning.datasets.dialogue import Dialogue, Row, Turn, arguments_object, dump
from agenttuning.datasets.format import EVERYTHING, Format
from agenttuning.datasets.leftover import KEY, dialogue_rest, foreign, restore_dialogue, restore_turn, turn_rest
from agenttuning.datasets.messages import read_message
from agenttuning.datasets.problems import objects_of, optional_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

LIMITS: Final = {"message": Stop.TURNS, "context": Stop.CONTEXT, "token": Stop.BUDGET, "time": Stop.BUDGET}
"""Inspect's limits and our stops; `token` is written for a budget."""
_KINDS: Final = {Stop.TURNS: "message", Stop.CONTEXT: "context", Stop.BUDGET: "token"}
_MESSAGE: Final = {"id", "source", "tool_calls", "function", "reasoning_content"}
_HEADER: Final[Row] = {
    "version": 2,
    "status": "success",
    "eval": {
        "created": "1970-01-01T00:00:00+00:00",
        "task": "agenttuning",
        "dataset": {},
        "model": "unknown",
        "config": {},
    },
}
"""The log less its samples; dialogues of several models make one log, so it names none."""


class InspectLog(Format):
    """A log per row, a sample per dialogue."""

    name = "inspect"
    about = "Inspect logs: one JSON log (or .eval with the extra [inspect]); the rest in metadata"
    suffixes = (".json", ".eval")
    holds = EVERYTHING
    training = False

    def matches(self, row: Row) -> bool:
        """A log with samples."""
        return "eval" in row and "samples" in row

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the samples."""
        del number
        return [_dialogue(sample, f"samples.{i}.") for i, sample in enumerate(objects_of(row, "samples"))]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the sample of a dialogue; `row_writer` puts them into one log."""
        own = dict(optional_object(dialogue.extra, "inspect"))
        metadata = optional_object(own, "metadata")
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "inspect"}
        kept = dialogue_rest(replace(dialogue, extra=further), held={"id"})
        rests: Row = {str(index): rest for index, turn in enumerate(dialogue.turns) if (rest := _rest(turn))}
        kept |= {"turns": rests} if rests else {}
        kept |= {"own": list(own)} if own else {}
        if dialogue.id is None:
            kept["id"] = None
        first = next((turn.content for turn in dialogue.turns if turn.role == "user"), "")
        row: Row = {"id": dialogue.id or f"dialogue_{number}", "epoch": 1, "input": first, "target": ""}
        row["messages"] = [_message(turn, index) for index, turn in enumerate(dialogue.turns)]
        if dialogue.reward is not None:
            row["scores"] = {"reward": {"value": dialogue.reward}}
        if dialogue.stop in _KINDS:
            row["limit"] = {"type": _KINDS[Stop(dialogue.stop)], "limit": -1}
        row |= {key: value for key, value in own.items() if key != "metadata"}
        row["metadata"] = {**metadata, KEY: kept}
        yield row

    def around(self) -> tuple[bytes, bytes]:
        """Return the log less its samples."""
        return dump(_HEADER).encode()[:-1] + b', "samples": ', b"}\n"


def _dialogue(sample: Row, where: str) -> Dialogue:
    metadata = optional_object(sample, "metadata", where=where)
    kept = optional_object(metadata, KEY, where=f"{where}metadata.")
    rests = optional_object(kept, "turns")
    turns = tuple(
        _turn(message, optional_object(rests, str(index)), f"{where}messages.{index}.")
        for index, message in enumerate(objects_of(sample, "messages", where=where))
    )
    others = foreign(metadata, {KEY})
    own = foreign(sample, {"id", "messages", "metadata"}) | ({"metadata": others} if others else {})
    if KEY in metadata:
        named = kept.get("own")
        own = {key: value for key, value in own.items() if isinstance(named, list) and key in named}
    scores = optional_object(sample, "scores", where=where)
    limit = optional_object(sample, "limit", where=where).get("type")
    identity = sample.get("id")
    found = Dialogue(
        id=None if identity is None else str(identity),
        turns=turns,
        reward=_reward(scores),
        stop=LIMITS[str(limit)].value if limit in LIMITS else None if limit is None else str(limit),
        extra={"inspect": own} if own else {},
    )
    return restore_dialogue(found, kept)


def _reward(scores: Row) -> float | None:
    """Return the value of the only score, or of the one named reward; C and I are Inspect's correct and incorrect."""
    chosen = scores.get("reward") or (next(iter(scores.values())) if len(scores) == 1 else None)
    value = chosen.get("value") if isinstance(chosen, dict) else None
    if isinstance(value, str):
        return {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}.get(value)
    return float(value) if isinstance(value, (int, float)) else None


def _turn(message: Row, rest: Row, where: str) -> Turn:
    said: Row = {key: value for key, value in message.items() if key not in _MESSAGE}
    calls: list[JsonValue] = []
    if message.get("tool_calls") is not None:
        calls = [
            {"id": call.get("id"), "function": {"name": call.get("function"), "arguments": call.get("arguments", {})}}
            for call in objects_of(message, "tool_calls", where=where)
        ]
    said |= {"tool_calls": calls} if calls else {}
    parts = message.get("content")
    if isinstance(parts, list):
        thoughts = [p for p in objects_of(message, "content", where=where) if p.get("type") == "reasoning"]
        if thoughts:
            said["reasoning_content"] = "\n".join(str(part.get("reasoning", "")) for part in thoughts)
    turn = read_message(said, where)
    if turn.role == "assistant" and message.get("source") == "input":
        turn = replace(turn, train=False)
    texts = rest.get("arguments")
    if isinstance(texts, list) and len(texts) == len(turn.calls):
        pairs = zip(turn.calls, texts, strict=True)
        turn = replace(
            turn, calls=tuple(replace(c, arguments=text) if isinstance(text, str) else c for c, text in pairs)
        )
    unnamed = rest.get("unnamed")
    if isinstance(unnamed, list):
        turn = replace(turn, calls=tuple(replace(c, id=None) if i in unnamed else c for i, c in enumerate(turn.calls)))
    function = message.get("function")
    return restore_turn(replace(turn, name=function) if isinstance(function, str) else turn, rest)


def _rest(turn: Turn) -> Row:
    """Return what a message does not say of a turn."""
    rest = turn_rest(turn, held={"call_id", *(("name",) if turn.role == "tool" else ())})
    texts = [call.arguments for call in turn.calls]  # inspect_ai keeps the objects, but not always the order of keys
    unnamed = [index for index, call in enumerate(turn.calls) if call.id is None]
    rest |= {"arguments": list(texts)} if texts else {}
    return rest | ({"unnamed": list(unnamed)} if unnamed else {})


def _message(turn: Turn, index: int) -> Row:
    message: Row = {"role": turn.role, "content": turn.content}
    if turn.role == "assistant":
        message["source"] = "generate" if turn.train is not False else "input"
    if turn.role == "tool":
        message |= {"tool_call_id": turn.call_id, "function": turn.name}
    if turn.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{index}_{number}" if call.id is None else call.id,
                "function": call.name,
                "arguments": arguments if isinstance(arguments := arguments_object(call), dict) else {},
                "type": "function",
            }
            for number, call in enumerate(turn.calls)
        ]
    return {key: value for key, value in message.items() if value is not None}

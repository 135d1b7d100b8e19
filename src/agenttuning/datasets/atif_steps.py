"""ATIF's steps: an agent's turn holds the observations that it caused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.dialogue import Row, ToolCall, Turn, TurnRole, arguments_object, dump
from agenttuning.datasets.leftover import KEY, foreign, restore_turn, turn_rest
from agenttuning.datasets.problems import bad, objects_of, optional_object, optional_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import JsonValue

_ROLES: Final[dict[str, TurnRole]] = {"system": "system", "user": "user", "agent": "assistant"}
_SOURCES: Final[dict[TurnRole, str]] = {"system": "system", "user": "user", "assistant": "agent", "tool": "user"}
_STEP: Final = {"step_id", "source", "message", "reasoning_content", "tool_calls", "observation", "extra"}
_RESULT: Final = {"source_call_id", "content", "extra"}


def read_step(step: Row, where: str) -> Iterator[Turn]:
    """Yield the turn of a step and those of its observation.

    Raises:
        BadRowError: an unknown source, or a field of another type.
    """
    source = text_of(step, "source", where=where)
    if source not in _ROLES:
        raise bad("role", f"{where}source", source, f"known: {', '.join(_ROLES)}")
    role = _ROLES[source]
    copied = step.get("is_copied_context") is True or step.get("llm_call_count") == 0
    listed = objects_of(step, "tool_calls", where=where) if step.get("tool_calls") is not None else []
    turn = Turn(
        role=role,
        content=_text(step, "message", where),
        train=not copied if role == "assistant" else None,
        calls=tuple(_read_call(call, f"{where}tool_calls.{i}.") for i, call in enumerate(listed)),
        reasoning=optional_text(step, "reasoning_content", where=where),
        extra=_own(step, _STEP, "message", where),
    )
    yield _restored(turn, step, where)
    observation = optional_object(step, "observation", where=where)
    if observation:
        for index, result in enumerate(objects_of(observation, "results", where=f"{where}observation.")):
            yield _read_result(result, f"{where}observation.results.{index}.")


def _read_result(result: Row, where: str) -> Turn:
    call_id = optional_text(result, "source_call_id", where=where)
    role: TurnRole = "user" if call_id is None else "tool"
    content = "" if result.get("content") is None else _text(result, "content", where)
    turn = Turn(role, content, call_id=call_id, extra=_own(result, _RESULT, "content", where))
    return _restored(turn, result, where)


def _text(row: Row, key: str, where: str) -> str:
    if not isinstance(row.get(key), list):
        return text_of(row, key, where=where)
    parts = objects_of(row, key, where=where)
    return "".join(text_of(part, "text", where=f"{where}{key}.") for part in parts if part.get("type") == "text")


def _own(row: Row, fields: set[str], text: str, where: str) -> Row:
    """Return what a step says beside its turn, under ATIF's name."""
    own = foreign(row, fields) | foreign({"extra": foreign(optional_object(row, "extra", where=where), {KEY})}, ())
    if isinstance(row.get(text), list):
        own[text] = row[text]
    calls = row.get("tool_calls")
    if isinstance(calls, list):
        extras = [foreign(optional_object(c, "extra"), {KEY}) for c in calls if isinstance(c, dict)]
        if any(extras):
            own["tool_call_extra"] = list(extras)
    return {"atif": own} if own else {}


def _restored(turn: Turn, row: Row, where: str) -> Turn:
    rest = optional_object(optional_object(row, "extra", where=where), KEY, where=f"{where}extra.")
    role = rest.get("role", turn.role)
    return restore_turn(replace(turn, role="tool") if role == "tool" else turn, rest)


def _read_call(call: Row, where: str) -> ToolCall:
    kept = optional_object(optional_object(call, "extra", where=where), KEY, where=where)
    text = kept.get("arguments")
    return ToolCall(
        name=text_of(call, "function_name", where=where),
        arguments=text if isinstance(text, str) else dump(call.get("arguments", {})),
        id=None if kept.get("unnamed") else text_of(call, "tool_call_id", where=where),
    )


def write_steps(turns: Sequence[Turn], *, observed: bool) -> list[Row]:
    """Return the steps of a dialogue; `observed` puts a user's turn after a trained one into that one's step."""
    steps: list[Row] = []
    agent: Turn | None = None
    for turn in turns:
        if agent is not None and _belongs(turn, agent, observed=observed):
            results = optional_object(steps[-1], "observation").get("results")
            steps[-1]["observation"] = {"results": [*(results if isinstance(results, list) else ()), _result(turn)]}
            continue
        agent = turn if turn.role == "assistant" else None
        steps.append({"step_id": len(steps) + 1, **_step(turn)})
    return steps


def _belongs(turn: Turn, agent: Turn, *, observed: bool) -> bool:
    if turn.role == "tool":
        return turn.call_id is None or turn.call_id in {call.id for call in agent.calls}
    return turn.role == "user" and observed and agent.train is not False


def _step(turn: Turn) -> Row:
    own = dict(optional_object(turn.extra, "atif"))
    extras = own.pop("tool_call_extra", None)
    step: Row = {"source": _SOURCES[turn.role], "message": own.pop("message", turn.content)}
    held = set()
    if turn.role == "assistant":
        held.add("reasoning")
        if turn.reasoning is not None:
            step["reasoning_content"] = turn.reasoning
        if turn.calls:
            given = extras if isinstance(extras, list) and len(extras) == len(turn.calls) else [{}] * len(turn.calls)
            step["tool_calls"] = [_call(c, i, e) for i, (c, e) in enumerate(zip(turn.calls, given, strict=True))]
        if own.get("is_copied_context") is True or own.get("llm_call_count") == 0:
            held.add("train")
    rest = _rest(turn, held) | ({"role": "tool"} if turn.role == "tool" else {})
    return step | _joined(own, rest)


def _result(turn: Turn) -> Row:
    own = dict(optional_object(turn.extra, "atif"))
    result: Row = {"source_call_id": turn.call_id, "content": own.pop("content", turn.content)}
    unnamed_tool = turn.role == "tool" and turn.call_id is None
    return result | _joined(own, _rest(turn, {"call_id"}) | ({"role": "tool"} if unnamed_tool else {}))


def _rest(turn: Turn, held: set[str]) -> Row:
    further: Row = {key: value for key, value in turn.extra.items() if key != "atif"}
    return turn_rest(replace(turn, extra=further), held=held)


def _joined(own: Row, rest: Row) -> Row:
    extra = optional_object(own, "extra") | ({KEY: rest} if rest else {})
    return {key: value for key, value in own.items() if key != "extra"} | ({"extra": extra} if extra else {})


def _call(call: ToolCall, index: int, extra: JsonValue) -> Row:
    value = arguments_object(call)
    kept: Row = {} if isinstance(value, dict) else {"arguments": call.arguments}
    if call.id is None:
        kept["unnamed"] = True
    named = f"call_{index}" if call.id is None else call.id
    further = (extra if isinstance(extra, dict) else {}) | ({KEY: kept} if kept else {})
    row: Row = {
        "tool_call_id": named,
        "function_name": call.name,
        "arguments": value if isinstance(value, dict) else {},
    }
    return row | ({"extra": further} if further else {})

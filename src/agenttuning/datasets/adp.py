"""ADP, the Agent Data Protocol (neulab/agent-data-protocol, schema 1.2.0): actions and observations.

    {"schema_version": "1.2.0", "id": "os_42", "content": [
        {"class_": "text_observation", "content": "...", "source": "user"},
        {"class_": "message_action", "content": "..."},
        {"class_": "api_action", "function": "look", "kwargs": {"at": "desk"}, "tool_call_id": "1"},
        {"class_": "text_observation", "content": "...", "source": "environment", "tool_call_id": "1"}],
     "details": {"agenttuning": {...}}}

Code actions become fenced text, web observations their accessibility tree; the originals are kept and written back.
It has no flags, no outcome of the whole and no tool definitions: they go to `details`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.adp_links import OBSERVATION, link
from agenttuning.datasets.dialogue import Dialogue, Row, ToolCall, Turn, TurnRole, arguments_object, dump
from agenttuning.datasets.format import EVERYTHING, Format
from agenttuning.datasets.leftover import KEY, dialogue_rest, foreign, restore_dialogue, restore_turn, turn_rest
from agenttuning.datasets.problems import bad, object_of, objects_of, optional_object, optional_text, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pydantic import JsonValue

VERSION: Final = "1.2.0"
_SOURCES: Final[dict[str, TurnRole]] = {
    "user": "user",
    "environment": "user",
    "system": "system",
    "agent": "assistant",
    "assistant": "assistant",
}
ROLES: Final[tuple[TurnRole, ...]] = ("system", "user", "tool")
_CALL: Final = {"class_", "function", "kwargs", "description", "reasoning_content", "tool_call_id"}
_MESSAGE: Final = {"class_", "content", "reasoning_content"}
_TEXT: Final = {"class_", "content", "source", "name", "tool_call_id"}


class ADP(Format):
    """Standardized trajectories."""

    name = "adp"
    about = "ADP 1.2: actions and observations; the rest in details"
    suffixes = (".json", ".jsonl")
    holds = EVERYTHING

    def matches(self, row: Row) -> bool:
        """A list of items that name their class."""
        content = row.get("content")
        return isinstance(content, list) and any(isinstance(item, dict) and "class_" in item for item in content)

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue."""
        del number
        details = dict(optional_object(row, "details"))
        kept = optional_object({KEY: details.pop(KEY, None)}, KEY)
        items = objects_of(row, "content")
        rests = kept.get("turns")
        turns = tuple(
            _regroup(items, rests) if isinstance(rests, list) else map(_turn, items, map(_where, range(len(items))))
        )
        own = foreign(row, {"schema_version", "id", "content", "details"}) | ({"details": details} if details else {})
        found = Dialogue(text_of(row, "id"), turns, extra={"adp": own} if own else {})
        return [restore_dialogue(found, kept)]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        own = optional_object(dialogue.extra, "adp")
        items: list[JsonValue] = []
        turns: list[JsonValue] = []
        links = link(dialogue.turns)
        for index, turn in enumerate(dialogue.turns):
            said, rest = _items(turn, index, links)
            items += said
            turns.append({"items": len(said), **rest})
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "adp"}
        kept = dialogue_rest(replace(dialogue, extra=further), held={"id"}) | {"turns": turns}
        if dialogue.id is None:
            kept["id"] = None
        details: Row = {**optional_object(own, "details"), KEY: kept}
        identity = str(number) if dialogue.id is None else dialogue.id
        yield {
            "schema_version": VERSION,
            "id": identity,
            "content": items,
            **foreign(own, {"details"}),
            "details": details,
        }


def _where(index: int) -> str:
    return f"content.{index}."


def _regroup(items: Sequence[Row], rests: Sequence[JsonValue]) -> Iterator[Turn]:
    """Put the items of each turn together again."""
    at = 0
    for index, rest in enumerate(rests):
        kept = object_of(rest, where=f"details.{KEY}.turns.{index}")
        count = kept.get("items")
        if not isinstance(count, int) or count < 1 or at + count > len(items):
            raise bad("schema", f"details.{KEY}.turns.{index}.items", count, "must count the items of the turn")
        group = [_turn(item, _where(at + number)) for number, item in enumerate(items[at : at + count])]
        yield _restore(group, kept)
        at += count


def _restore(group: Sequence[Turn], kept: Row) -> Turn:
    first = group[0]
    calls = tuple(call for turn in group for call in turn.calls)
    said = kept.get("calls")
    if isinstance(said, list) and len(said) == len(calls):
        calls = tuple(_call_rest(call, object_of(rest, where=KEY)) for call, rest in zip(calls, said, strict=True))
    named = kept.get("role")
    role: TurnRole = next((role for role in ROLES if role == named), first.role)
    own = first.extra if kept.get("original") else {}
    turn = Turn(
        role,
        first.content, True if role == "assistant" else None, calls, first.call_id, first.name, first.reasoning, own,
    )  # fmt: skip
    return restore_turn(turn, kept)


def _call_rest(call: ToolCall, rest: Row) -> ToolCall:
    named = optional_text(rest, "id", where=f"{KEY}.") if "id" in rest else call.id
    return ToolCall(call.name, str(rest.get("arguments", call.arguments)), named)


def _turn(item: Row, where: str) -> Turn:
    named = text_of(item, "class_", where=where)
    reasoning = optional_text(item, "reasoning_content", where=where)
    if named == "api_action":
        call = ToolCall(
            text_of(item, "function", where=where),
            dump(optional_object(item, "kwargs", where=where)),
            optional_text(item, "tool_call_id", where=where),
        )
        content = optional_text(item, "description", where=where) or ""
        return Turn("assistant", content, train=True, calls=(call,), reasoning=reasoning, extra=_original(item, _CALL))
    if named == "message_action":
        content = text_of(item, "content", where=where)
        return Turn("assistant", content, train=True, reasoning=reasoning, extra=_original(item, _MESSAGE))
    if named == "code_action":
        content = f"```{text_of(item, 'language', where=where)}\n{text_of(item, 'content', where=where)}\n```"
        return Turn("assistant", content, train=True, extra={"adp": item})
    if named == "text_observation":
        source = text_of(item, "source", where=where)
        call_id = optional_text(item, "tool_call_id", where=where)
        if source not in _SOURCES:
            raise bad("role", f"{where}source", source, f"known: {', '.join(_SOURCES)}")
        role = "tool" if call_id is not None else _SOURCES[source]
        extra = _original(item, _TEXT) or ({} if source in {"user", "agent"} or role == "tool" else {"adp": item})
        train = True if role == "assistant" else None
        return Turn(
            role, text_of(item, "content", where=where), train, call_id=call_id, name=_name(item, where), extra=extra
        )
    return _picture(item, named, where)


def _name(item: Row, where: str) -> str | None:
    return optional_text(item, "name", where=where)


def _picture(item: Row, named: str, where: str) -> Turn:
    if named not in {"web_observation", "image_observation", "json_observation"}:
        raise bad("schema", f"{where}class_", named, "is no class of ADP 1.2")
    shown = next((item[key] for key in ("axtree", "html", "content", "url") if item.get(key)), "")
    return Turn("user", shown if isinstance(shown, str) else dump(shown), extra={"adp": item})


def _original(item: Row, own: set[str]) -> Row:
    """Keep an item that says more than its turn can."""
    return {"adp": item} if foreign(item, own) else {}


def _items(turn: Turn, index: int, links: Mapping[tuple[int, int], str]) -> tuple[list[JsonValue], Row]:
    """Return the items of a turn, and what they do not say."""
    original = turn.extra.get("adp")
    if isinstance(original, dict) and not turn.calls:
        further: Row = {key: value for key, value in turn.extra.items() if key != "adp"}
        held = {"reasoning", "call_id", "name"}
        return [original], {"original": True, **turn_rest(replace(turn, extra=further), held=held)}
    if turn.role != "assistant":
        return _observed(turn, links.get((index, OBSERVATION)))
    thought: Row = {} if turn.reasoning is None else {"reasoning_content": turn.reasoning}
    rest = turn_rest(turn, held={"reasoning"})
    if not turn.calls:
        return [{"class_": "message_action", "content": turn.content, **thought}], rest
    items: list[JsonValue] = []
    kept: list[JsonValue] = []
    for number, call in enumerate(turn.calls):
        said, exact = _action(call, links.get((index, number)))
        items.append(said | thought | ({"description": turn.content} if turn.content else {}) if number == 0 else said)
        kept.append(exact)
    return items, rest | ({"calls": kept} if any(kept) else {})


def _action(call: ToolCall, named: str | None) -> tuple[Row, Row]:
    arguments = arguments_object(call)
    said: Row = {"class_": "api_action", "function": call.name}
    said["kwargs"] = arguments if isinstance(arguments, dict) else {}
    if named is not None:
        said["tool_call_id"] = named
    exact: Row = {} if isinstance(arguments, dict) else {"arguments": call.arguments}
    return said, exact | ({} if call.id == named else {"id": call.id})


def _observed(turn: Turn, named: str | None) -> tuple[list[JsonValue], Row]:
    item: Row = {"class_": "text_observation", "content": turn.content}
    item["source"] = "user" if turn.role == "user" else "environment"
    if turn.name is not None:
        item["name"] = turn.name
    if named is not None:
        item["tool_call_id"] = named
    rest = turn_rest(turn, held={"name", "call_id"}) | ({} if turn.call_id == named else {"call_id": turn.call_id})
    plain = turn.role == ("user" if named is None else "tool")
    return [item], rest if plain else {**rest, "role": turn.role}

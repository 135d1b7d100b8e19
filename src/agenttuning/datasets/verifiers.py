"""verifiers' traces.jsonl (v1, trace version 1): a tree of messages of which each path to a leaf is a dialogue.

    {"version": 1, "id": "os_42", "task": {"type": "Task", "data": {...}}, "tools": [...], "nodes": [
        {"parent": null, "message": {"role": "user", "content": "..."}, "sampled": false},
        {"parent": 0, "message": {"role": "assistant", "content": "..."}, "sampled": true}],
     "rewards": {"reward": {"score": 1.0, "weight": 1.0}}, "stop_condition": "done", "is_completed": true, "ok": true}

`sampled`, produced by a model call, is the flag. Token ids and log probabilities stay with a trace that is read.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning import __version__
from agenttuning.datasets.dialogue import Dialogue, Row, Turn
from agenttuning.datasets.format import EVERYTHING, Format
from agenttuning.datasets.leftover import KEY, dialogue_rest, foreign, restore_dialogue, restore_turn, turn_rest
from agenttuning.datasets.messages import read_message
from agenttuning.datasets.problems import bad, objects_of, optional_object, optional_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic import JsonValue

_OWN: Final = {"version", "id", "nodes", "tools", "rewards", "stop_condition", "info"}
_NODE: Final = {"parent", "message", "sampled"}


class Verifiers(Format):
    """Traces, one per row."""

    name = "verifiers"
    about = "verifiers v1 traces: message nodes, sampled is the flag; the rest in info"
    suffixes = (".jsonl", ".json")
    holds = EVERYTHING
    training = False

    def matches(self, row: Row) -> bool:
        """Nodes of a task."""
        return isinstance(row.get("nodes"), list) and "task" in row

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return a dialogue per leaf."""
        del number
        nodes = objects_of(row, "nodes")
        parents = [_parent(node, index) for index, node in enumerate(nodes)]
        leaves = sorted(set(range(len(nodes))) - {parent for parent in parents if parent is not None}) or [-1]
        kept = optional_object(optional_object(row, "info"), KEY, where="info.")
        rests = optional_object(kept, "turns")
        turns = [_turn(node, optional_object(rests, str(i)), f"nodes.{i}.") for i, node in enumerate(nodes)]
        base = restore_dialogue(_outer(row), kept)
        for branch, leaf in enumerate(leaves):
            one = base if len(leaves) == 1 else replace(base, id=f"{base.id}_{branch}")
            yield replace(one, turns=tuple(turns[node] for node in _path(leaf, parents)))

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the trace: one branch."""
        own = dict(optional_object(dialogue.extra, "verifiers"))
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "verifiers"}
        tools = _tools(dialogue)
        held = {"id", "reward", "stop", *(("tools",) if tools else ())}
        kept = dialogue_rest(replace(dialogue, extra=further), held=held)
        rests: Row = {str(index): rest for index, turn in enumerate(dialogue.turns) if (rest := _rest(turn))}
        kept |= {"turns": rests} if rests else {}
        if dialogue.id is None:
            kept["id"] = None
        identity = str(number) if dialogue.id is None else dialogue.id
        reward: Row = {} if dialogue.reward is None else {"reward": {"score": dialogue.reward, "weight": 1.0}}
        row: Row = {
            "version": 1,
            "id": identity,
            "verifiers": {"version": f"agenttuning {__version__}"},
            "task": {"type": "Task", "data": {"idx": number}},
            "agent": {"config": {}},
            "is_completed": True,
            "ok": True,
        }
        row |= {key: value for key, value in own.items() if key != "info"}
        row["nodes"] = [_node(turn, index) for index, turn in enumerate(dialogue.turns)]
        row["tools"] = tools
        row |= {"rewards": own.get("rewards", reward), "stop_condition": dialogue.stop}
        row["info"] = optional_object(own, "info") | ({KEY: kept} if kept else {})
        yield row


def _outer(row: Row) -> Dialogue:
    info = optional_object(row, "info")
    others = foreign(info, {KEY})
    own = foreign(row, _OWN) | ({"info": others} if others else {})
    if str(optional_object(own, "verifiers").get("version", "")).startswith("agenttuning"):
        for key in ("verifiers", "task", "agent", "is_completed", "ok"):
            own.pop(key, None)
    rewards = optional_object(row, "rewards")
    if rewards and list(rewards) != ["reward"]:
        own["rewards"] = rewards
    tools = [{"type": "function", "function": tool} for tool in objects_of({"tools": row.get("tools") or []}, "tools")]
    return Dialogue(
        id=optional_text(row, "id"),
        turns=(),
        tools=tuple(tools),  # type: ignore[arg-type]
        reward=_reward(rewards),
        stop=optional_text(row, "stop_condition"),
        extra={"verifiers": own} if own else {},
    )


def _reward(rewards: Row) -> float | None:
    """Return the sum of score times weight, as verifiers has it; None where nothing was scored."""
    total: float | None = None
    for name in rewards:
        part = optional_object(rewards, name, where="rewards.")
        score, weight = part.get("score"), part.get("weight", 1.0)
        if isinstance(score, (int, float)) and isinstance(weight, (int, float)):
            total = (total or 0.0) + score * weight
    return total


def _parent(node: Row, index: int) -> int | None:
    parent = node.get("parent")
    if parent is not None and (not isinstance(parent, int) or not 0 <= parent < index):
        raise bad("schema", f"nodes.{index}.parent", parent, "must be null or the index of an earlier node")
    return parent


def _path(leaf: int, parents: Sequence[int | None]) -> list[int]:
    path: list[int] = []
    at: int | None = leaf if leaf >= 0 else None
    while at is not None:
        path.append(at)
        at = parents[at]
    return path[::-1]


def _turn(node: Row, rest: Row, where: str) -> Turn:
    message = dict(optional_object(node, "message", where=where))
    if message.get("content") is None:
        message["content"] = ""
    turn = read_message(message, f"{where}message.")
    if turn.role == "assistant":
        turn = replace(turn, train=node.get("sampled") is True)
    own = foreign(node, _NODE)
    if own:
        turn = replace(turn, extra={**turn.extra, "verifiers": own})
    unnamed = rest.get("unnamed")
    if isinstance(unnamed, list):
        calls = tuple(replace(call, id=None) if i in unnamed else call for i, call in enumerate(turn.calls))
        turn = replace(turn, calls=calls)
    return restore_turn(turn, rest)


def _rest(turn: Turn) -> Row:
    """Return what a node does not say of a turn."""
    further: Row = {key: value for key, value in turn.extra.items() if key != "verifiers"}
    plain = turn.train in ((True, False) if turn.role == "assistant" else (None,))
    rest = turn_rest(replace(turn, extra=further), held={"reasoning", "call_id", *(("train",) if plain else ())})
    if turn.role == "tool" and turn.call_id is None:
        rest["call_id"] = None
    unnamed = [index for index, call in enumerate(turn.calls) if call.id is None]
    return rest | ({"unnamed": list(unnamed)} if unnamed else {})


def _node(turn: Turn, index: int) -> Row:
    message: Row = {"role": turn.role, "content": turn.content}
    if turn.reasoning is not None:
        message["reasoning_content"] = turn.reasoning
    if turn.role == "tool":
        message["tool_call_id"] = turn.call_id or ""
    if turn.calls:
        message["tool_calls"] = [
            {"id": f"call_{index}_{i}" if call.id is None else call.id, "name": call.name, "arguments": call.arguments}
            for i, call in enumerate(turn.calls)
        ]
    own = optional_object(turn.extra, "verifiers")
    parent: Row = {"parent": index - 1 if index else None}
    return {**parent, "message": message, "sampled": turn.role == "assistant" and turn.train is not False, **own}


def _tools(dialogue: Dialogue) -> list[JsonValue]:
    """Return the tools as verifiers has them, none where that would lose something."""
    tools: list[JsonValue] = []
    for tool in dialogue.tools:
        inner = tool.get("function") if isinstance(tool, dict) and tool.keys() == {"type", "function"} else None
        if not isinstance(inner, dict) or not {"name", "description", "parameters"} <= inner.keys():
            return []
        tools.append(inner)
    return tools

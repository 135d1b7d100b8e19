"""AgentBench's result files.

`agentbench`, runs.jsonl and error.jsonl of v0.2 and later:

    {"index": 3, "error": null, "info": null, "output": {"index": 3, "status": "completed", "result": {...},
     "history": [{"role": "user", "content": "..."}, {"role": "agent", "content": "..."}]}, "time": {...}}

`agentbench-old`, generation.jsonl of the first release, which AgentTuning's evaluation writes:

    {"index": 3, "input": ..., "output": ..., "history": [...], "exception_raised": false}

There is no flag: an acknowledgement right after the instruction is read as injected, all other answers as the agent's.
Function-calling histories are OpenAI messages; they are read too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Stop
from agenttuning.datasets.dialogue import Dialogue, Row, Turn
from agenttuning.datasets.format import Format
from agenttuning.datasets.leftover import KEY, dialogue_rest, foreign, restore_dialogue
from agenttuning.datasets.messages import read_message
from agenttuning.datasets.problems import bad, objects_of, optional_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

STATUS: Final = {
    "completed": Stop.DONE,
    "agent context limit": Stop.CONTEXT,
    "agent validation failed": Stop.FORMAT,
    "agent invalid action": Stop.REPEAT,
    "task limit reached": Stop.TURNS,
    "task error": Stop.ERROR,
}
"""v0.2's status of a sample; `agent invalid action` ends a run of them, `unknown` has no counterpart."""
_ACKNOWLEDGED: Final = re.compile(
    r"(ok|okay|sure|got it|understood|i understand|i've understood)\b.{0,200}\Z", re.IGNORECASE | re.DOTALL
)


class AgentBench(Format):
    """runs.jsonl."""

    name = "agentbench"
    about = "AgentBench v0.2 runs.jsonl: histories of user and agent, status and result"
    suffixes = (".jsonl", ".json")
    holds = frozenset({"reward", "success", "stop", "further fields"})
    training = False

    def matches(self, row: Row) -> bool:
        """An output with a status or a history, or the error of a run."""
        output = row.get("output")
        return "index" in row and (
            (isinstance(output, dict) and "status" in output) or ("time" in row and "error" in row)
        )

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue; one without history has no turns."""
        output = optional_object(row, "output")
        status, result = output.get("status"), output.get("result")
        kept = optional_object(result, KEY, where="output.result.") if isinstance(result, dict) else {}
        own = foreign(row, {"output"})
        rest = foreign(output, {"status", "history", *(("result",) if kept else ())})
        if rest.get("index") == own.get("index"):
            rest.pop("index", None)
        if own.keys() == {"index"} and isinstance(own["index"], str):
            own = {}
        own |= {"output": rest} if rest else {}
        found = Dialogue(
            id=str(row.get("index", number)),
            turns=_history(output, "output."),
            stop=None if status is None else str(STATUS.get(str(status), status)),
            extra={"agentbench": own} if own else {},
        )
        yield restore_dialogue(found, kept)

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        own = dict(optional_object(dialogue.extra, "agentbench"))
        output = dict(optional_object(own, "output"))
        own.pop("output", None)
        index: JsonValue = own.get("index", str(number) if dialogue.id is None else dialogue.id)
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "agentbench"}
        status = _status(dialogue.stop)
        kept = dialogue_rest(replace(dialogue, extra=further), held={"id", "tools", "stop"})
        if dialogue.stop != STATUS.get(status, status):
            kept["stop"] = dialogue.stop
        if kept and "result" in output:
            raise bad("name_clash", "output.result", output["result"], "the result of a run holds no further fields")
        result: Row = {"result": {KEY: kept}} if kept else {"result": None}
        history: list[JsonValue] = [{"role": _speaker(turn), "content": turn.content} for turn in dialogue.turns]
        body = {"index": index, "status": status, **result, **output, "history": history}
        yield {"index": index, "error": None, "info": None, "output": body, **own}


class AgentBenchOld(Format):
    """generation.jsonl."""

    name = "agentbench-old"
    about = "AgentBench's first release, generation.jsonl"
    suffixes = (".jsonl", ".json")
    holds = frozenset({"further fields"})
    training = False

    def matches(self, row: Row) -> bool:
        """A history beside input and output."""
        return "index" in row and "input" in row and "output" in row

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue; a row without history is its input and output."""
        if isinstance(row.get("history"), list):
            turns = _history(row, "")
        else:
            pair = (Turn("user", str(row["input"])), Turn("assistant", str(row["output"]), train=True))
            turns = pair if isinstance(row["input"], str) and isinstance(row["output"], str) else ()
        own = foreign(row, {"history"})
        identity = own.get("index", number)
        own = {
            key: value
            for key, value in own.items()
            if (key, value) not in (("index", str(identity)), ("exception_raised", False))
        }
        further = own.pop("agenttuning", None)
        extra: Row = {"agentbench-old": own} if own else {}
        yield Dialogue(str(identity), turns, extra=extra | (further if isinstance(further, dict) else {}))

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        own = optional_object(dialogue.extra, "agentbench-old")
        index: JsonValue = str(number) if dialogue.id is None else dialogue.id
        history: list[JsonValue] = [{"role": _speaker(turn), "content": turn.content} for turn in dialogue.turns]
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "agentbench-old"}
        row: Row = {"index": index, "input": None, "output": None, "history": history, "exception_raised": False, **own}
        yield row | ({"agenttuning": further} if further else {})


def _status(stop: str | None) -> str:
    return next((word for word, known in STATUS.items() if known == stop), "unknown")


def _speaker(turn: Turn) -> str:
    return "agent" if turn.role == "assistant" else "user"


def _history(row: Row, where: str) -> tuple[Turn, ...]:
    if row.get("history") is None:
        return ()
    turns = []
    for index, item in enumerate(objects_of(row, "history", where=where)):
        said: Row = {**item, "role": "assistant"} if item.get("role") == "agent" else item
        turns.append(read_message(said, f"{where}history.{index}."))
    if len(turns) > 1 and turns[1].role == "assistant" and _ACKNOWLEDGED.match(turns[1].content):
        turns[1] = replace(turns[1], train=False)
    return tuple(turns)

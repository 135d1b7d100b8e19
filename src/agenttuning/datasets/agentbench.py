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
from agenttuning.datasets.leftover import foreign
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
_WORDS: Final = {stop: word for word, stop in STATUS.items()}
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
        status = output.get("status")
        stop = STATUS.get(str(status), status) if status is not None else None
        result = output.get("result")
        ours = optional_object({"result": result}, "result").get("agenttuning") if isinstance(result, dict) else None
        kept: Row = ours if isinstance(ours, dict) else {}
        own = dict(foreign(row, {"output"}))
        rest = foreign(output, {"status", "history", *(("result",) if kept else ())})
        if rest.get("index") == own.get("index"):
            rest.pop("index", None)
        if own == {"index": own.get("index")} and isinstance(own.get("index"), str):
            own = {}
        own |= {"output": rest} if rest else {}
        success, reward = kept.get("success"), kept.get("reward")
        identity = row.get("index", number)
        found = Dialogue(
            id=str(identity),
            turns=_history(output, "output."),
            reward=float(reward) if isinstance(reward, (int, float)) else None,
            success=success if isinstance(success, bool) else None,
            stop=None if stop is None or "stop" in kept else str(stop),
            extra={"agentbench": own} if own else {},
        )
        extra = optional_object(kept, "extra")
        named = kept.get("stop")
        yield replace(found, extra=found.extra | extra, stop=str(named) if isinstance(named, str) else found.stop)

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the row."""
        own = dict(optional_object(dialogue.extra, "agentbench"))
        output = dict(optional_object(own, "output"))
        own.pop("output", None)
        index: JsonValue = own.get("index", str(number) if dialogue.id is None else dialogue.id)
        said: Row = {"reward": dialogue.reward, "success": dialogue.success}
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "agentbench"}
        said["extra"] = further or None
        status = _status(dialogue.stop)
        if dialogue.stop is None or (STATUS.get(status) != dialogue.stop and dialogue.stop != status):
            said["stop"] = dialogue.stop
        kept: Row = {key: value for key, value in said.items() if value is not None or key == "stop"}
        if kept and "result" in output:
            raise bad("name_clash", "output.result", output["result"], "the result of a run holds no further fields")
        result: Row = {"result": {"agenttuning": kept}} if kept else {"result": None}
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
    return "unknown" if stop is None else _WORDS.get(Stop(stop), "unknown") if stop in set(Stop) else "unknown"


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

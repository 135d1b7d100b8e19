"""ATIF, the Agent Trajectory Interchange Format (Harbor): 1.7 is written, 1.4 to 1.8 are read.

    {"schema_version": "ATIF-v1.7", "session_id": "os_42", "agent": {"name": "...", "version": "..."}, "steps": [
        {"step_id": 1, "source": "user", "message": "..."},
        {"step_id": 2, "source": "agent", "message": "Think: ... Act: ...", "tool_calls": [...],
         "observation": {"results": [{"source_call_id": null, "content": "..."}]}}]}

A result stands in the step of the agent that caused it: tool turns, and in our own trajectories the user turns that
carry the world's answer. Flags, outcome, split and whatever ATIF has no field for stand under `extra.agenttuning`;
thoughts move to `reasoning_content` only where they came in a field of their own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from agenttuning import __version__
from agenttuning.datasets.atif_steps import read_step, write_steps
from agenttuning.datasets.dialogue import Dialogue, Row
from agenttuning.datasets.format import EVERYTHING, Format
from agenttuning.datasets.leftover import KEY, dialogue_rest, foreign, restore_dialogue
from agenttuning.datasets.problems import bad, objects_of, optional_object, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN: Final = ("1.4", "1.5", "1.6", "1.7", "1.8")
_NAME: Final = "agenttuning"


class ATIF(Format):
    """Trajectory documents, one per row."""

    name = "atif"
    about = "ATIF 1.7: steps with observations; the rest in extra"
    suffixes = (".json", ".jsonl")
    holds = EVERYTHING
    training = False
    version: ClassVar[str] = "1.7"

    def matches(self, row: Row) -> bool:
        """A document that says so, or has its parts."""
        return str(row.get("schema_version", "")).startswith("ATIF") or ("steps" in row and "agent" in row)

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue; subagents' documents stay with it."""
        del number
        version = text_of(row, "schema_version").removeprefix("ATIF-v")
        if version not in KNOWN:
            raise bad("schema", "schema_version", version, f"known: {', '.join(KNOWN)}")
        turns = tuple(t for i, step in enumerate(objects_of(row, "steps")) for t in read_step(step, f"steps.{i}."))
        extra, agent = optional_object(row, "extra"), dict(optional_object(row, "agent"))
        tools = agent.pop("tool_definitions", None)
        own = foreign(row, {"schema_version", "steps", "extra", "agent"}) | foreign(
            {"extra": foreign(extra, {KEY})}, ()
        )
        if agent.get("name") != _NAME:
            own["agent"] = agent
        identity = own.pop("trajectory_id", None) or own.pop("session_id", None)
        found = Dialogue(
            id=None if identity is None else str(identity),
            turns=turns,
            tools=tuple(tools) if isinstance(tools, list) else (),
            extra={"atif": own} if own else {},
        )
        return [restore_dialogue(found, optional_object(extra, KEY, where="extra."))]

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the document."""
        own = dict(optional_object(dialogue.extra, "atif"))
        further: Row = {key: value for key, value in dialogue.extra.items() if key != "atif"}
        kept = dialogue_rest(replace(dialogue, extra=further), held={"id", "tools"})
        if not dialogue.id:
            kept["id"] = dialogue.id
        agent = {"name": _NAME, "version": __version__} | optional_object(own, "agent")
        if dialogue.tools:
            agent["tool_definitions"] = list(dialogue.tools)
        extra = optional_object(own, "extra") | ({KEY: kept} if kept else {})
        row: Row = {"schema_version": f"ATIF-v{self.version}", "trajectory_id": dialogue.id or f"dialogue_{number}"}
        row |= {key: value for key, value in own.items() if key not in {"agent", "extra"}}
        row |= {"agent": agent, "steps": list(write_steps(dialogue.turns, observed="trajectory" in dialogue.extra))}
        return [row | ({"extra": extra} if extra else {})]


class ATIF18(ATIF):
    """The same documents under the later version."""

    name = "atif-1.8"
    about = "ATIF 1.8"
    version = "1.8"

    def matches(self, row: Row) -> bool:
        """Never: every version is read as `atif`."""
        del row
        return False

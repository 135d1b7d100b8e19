"""Our own trajectories, one per line, as `collect` and `evaluate` write them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from agenttuning.core.records import Trajectory
from agenttuning.datasets.dialogue import Dialogue, Row, Turn
from agenttuning.datasets.format import FLAGS, Format
from agenttuning.datasets.problems import bad, optional_object

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable

    from pydantic import JsonValue

_HEADER: Final = "trajectory"


class Trajectories(Format):
    """The rows of a run's trajectory files."""

    name = "trajectory"
    about = "agenttuning's own trajectories: messages with flags, stop, score, provenance"
    suffixes = (".jsonl",)
    holds = FLAGS - {"flags of other turns"} | {"system turns", "reward", "success", "stop"}
    training = False

    def matches(self, row: Row) -> bool:
        """A row with provenance."""
        return "provenance" in row and "messages" in row

    def read(self, row: Row, *, number: int) -> Iterable[Dialogue]:
        """Return the dialogue, or several where the episode began anew."""
        del number
        held = _validated(row)
        header: Row = {key: value for key, value in row.items() if key not in {"messages", "restarts"}}
        name = f"{held.environment}_{held.task}_{held.sample}"
        for part, messages in enumerate(held.dialogues):
            yield Dialogue(
                id=f"{name}_{part}" if held.restarts else name,
                turns=tuple(Turn(message.role, message.content, message.train) for message in messages),
                reward=held.score.reward,
                success=held.score.success,
                stop=held.stop.value,
                extra={_HEADER: header | ({"steps": []} if held.restarts else {})},
            )

    def rows(self, dialogue: Dialogue, *, number: int) -> Iterable[Row]:
        """Return the trajectory of a dialogue that was one, or of one with an outcome."""
        header = dict(optional_object(dialogue.extra, _HEADER) or _unknown(dialogue, number))
        score = optional_object(header, "score") | {"reward": dialogue.reward, "success": dialogue.success}
        messages: list[JsonValue] = [
            {"role": turn.role, "content": turn.content} | ({} if turn.train is None else {"train": turn.train})
            for turn in dialogue.turns
        ]
        row: Row = {**header, "messages": messages, "stop": dialogue.stop, "score": score}
        _validated(row)
        yield row

    def check(self, dialogue: Dialogue) -> Counter[str]:
        """Return what would be left behind: a header of our own is no further field."""
        return super().check(replace(dialogue, extra={k: v for k, v in dialogue.extra.items() if k != _HEADER}))


def _validated(row: Row) -> Trajectory:
    try:
        return Trajectory.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        raise bad("schema", ".".join(map(str, first["loc"])), first["msg"], "correct the row") from error


def _unknown(dialogue: Dialogue, number: int) -> Row:
    """Return the header of a dialogue from elsewhere.

    Raises:
        BadRowError: it has no outcome, which nobody may make up.
    """
    if dialogue.reward is None or dialogue.success is None or dialogue.stop is None:
        raise bad(
            "no_outcome", "score", None, "a trajectory needs reward, success and stop; this file does not say them"
        )
    identity = str(number) if dialogue.id is None else dialogue.id
    world, _, task = identity.rpartition("_")
    known: Row = dict.fromkeys(("source", "environment_version", "prompt", "policy"), "unknown")
    provenance: Row = {**known, "difficulty": None}
    return {"environment": world or "unknown", "task": task, "split": "unknown", "provenance": provenance}

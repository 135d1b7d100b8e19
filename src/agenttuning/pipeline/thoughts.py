"""Thought repair: a model writes the thoughts that the teacher left out, or better ones for gold actions (ReAct).

A repaired turn keeps its action to the byte. Its record names who wrote the thought, and the whole dialogue is played
once more with the repaired turns: when the world does not take them as it took the teacher's, the dialogue stays as it
was. Only dialogues with some reward are worth a call.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field

from agenttuning.core.records import Message, Record, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.core.store import Appender, read_records
from agenttuning.environments import load_environment
from agenttuning.errors import BudgetError, PolicyError
from agenttuning.pipeline.construct import build_environment
from agenttuning.pipeline.executors.seating import seeded
from agenttuning.pipeline.progress import progress
from agenttuning.policies import LocalConfig, OpenAIConfig, ScriptedConfig, TgiConfig, open_model, scripted_player
from agenttuning.policies.episode import turn_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.pipeline.construct import Entry
    from agenttuning.policies.config import ModelConfig
    from agenttuning.policies.episode import Model
    from agenttuning.policies.ledger import Ledger

Kind = Literal["missing", "hindsight"]

_ACTION: Final = re.compile(r"^(ACTION|Action|Act|Answer|Final Answer):", re.MULTILINE)
_THOUGHT: Final = re.compile(r"\A\s*(?:THOUGHT|Thought|Think):\s*")
_MARKS: Final = {"ACTION": "THOUGHT", "Act": "Think"}
"""What a thought is called beside an action of that name; `Thought` everywhere else."""
_MOST_CHARACTERS: Final = 1000

_QUESTION: Final = (
    "Below is the record of an agent at work, up to its next move. Write what the agent thinks just before that move: "
    "in the first person, one to three sentences, only from what the record shows up to there, so that the move "
    "follows from it. Write the thought alone: no heading, no move, no remark about this request.\n\n"
    "{record}\n\n[the agent's next move]\n{action}"
)
_KNOWN: Final = "\n\nThis move is known to be right."


class ThoughtRepair(Record):
    """Who writes which thoughts."""

    policy: Annotated[OpenAIConfig | TgiConfig | LocalConfig, Field(discriminator="kind")]
    """The model that writes them."""
    kinds: tuple[Kind, ...] = Field(default=("missing",), min_length=1)
    """`missing`: turns with an action and no thought. `hindsight`: every turn of the oracle, whose actions are gold and
    whose thoughts are phrases; meant for Mind2Web."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One assistant turn whose thought is to be written."""

    step: int
    kind: Kind
    action: str
    """What stays, to the byte: from the action's mark on for hindsight, else the whole reply."""
    mark: str
    """What the thought is called."""


async def repair_thoughts(
    path: Path, entries: Iterable[Entry], repair: ThoughtRepair, *, concurrency: int, seed: int, ledger: Ledger
) -> dict[str, JsonValue]:
    """Replace a trajectory file by its repaired version and count the turns; stopped in between, it stays as it was."""
    tasks = {(load_environment(entry.environment).id, str(entry.task["id"])): entry for entry in entries}
    held = list(read_records(path, Trajectory))
    counts: Counter[str] = Counter()
    repaired = path.with_name("repaired.jsonl")
    repaired.unlink(missing_ok=True)
    with progress("thoughts", len(held)) as advance, Appender[Trajectory](repaired) as appender:
        async with open_model(repair.policy, ledger=ledger) as model:
            writer = Writer(model, seeded(repair.policy, seed), repair.kinds)
            for start in range(0, len(held), concurrency):
                chunk = held[start : start + concurrency]
                done = await asyncio.gather(
                    *(writer.repaired(one, tasks.get((one.environment, one.task)), counts) for one in chunk)
                )
                for trajectory in done:
                    appender.append(trajectory)
                advance(steps=len(chunk))
    repaired.replace(path)
    return dict(sorted((+counts).items()))


class Writer:
    """Asks a model for the thoughts of one dialogue after another."""

    def __init__(self, model: Model, config: ModelConfig, kinds: Sequence[Kind]) -> None:
        self._model = model
        self._name = config.name or model.name
        self._sampling = config.sampling
        self._kinds = kinds

    async def repaired(self, trajectory: Trajectory, entry: Entry | None, counts: Counter[str]) -> Trajectory:
        """Return the trajectory with the thoughts that it lacks, or as it is; count what became of each turn."""
        turns = list(find_turns(trajectory, self._kinds))
        if not turns or entry is None:
            return trajectory
        try:
            thoughts = await asyncio.gather(*(self._think(trajectory, turn) for turn in turns))
        except BudgetError:
            counts["left: budget"] += len(turns)
            return trajectory
        except PolicyError:
            counts["left: no answer"] += len(turns)
            return trajectory
        written = {turn: thought for turn, thought in zip(turns, thoughts, strict=True) if thought}
        counts["left: no thought in the answer"] += len(turns) - len(written)
        better = _with(trajectory, written, by=self._name)
        if written and not await _plays_alike(trajectory, better, entry):
            counts["left: the world takes the turn otherwise"] += len(written)
            return trajectory
        counts.update(turn.kind for turn in written)
        return better

    async def _think(self, trajectory: Trajectory, turn: Turn) -> str:
        index = trajectory.steps[turn.step].message
        start = max((opening for opening in trajectory.restarts if opening <= index), default=0)
        record = "\n\n".join(f"[{message.role}]\n{message.content}" for message in trajectory.messages[start:index])
        asked = _QUESTION.format(record=record, action=turn.action)
        asked += _KNOWN if turn.kind == "hindsight" else ""
        seed = turn_seed(self._sampling, episode="/".join(map(str, trajectory.key)), turn=turn.step)
        sampling = self._sampling.model_copy(update={"seed": seed})
        reply = await self._model.answer((Message(role="user", content=asked),), sampling=sampling)
        return clean_thought(reply.content)


def find_turns(trajectory: Trajectory, kinds: Sequence[Kind]) -> Iterable[Turn]:
    """Yield the turns whose thought is to be written; replies without a marked action are none."""
    if trajectory.score.reward == 0 or trajectory.failure is not None:
        return
    hindsight = "hindsight" in kinds and trajectory.provenance.policy == "oracle"
    for number, step in enumerate(trajectory.steps):
        content = trajectory.messages[step.message].content
        found = _ACTION.search(content)
        if found is None or step.thought_by is not None:
            continue
        mark = _MARKS.get(found[1], "Thought")
        if hindsight:
            yield Turn(number, "hindsight", content[found.start() :], mark)
        elif "missing" in kinds and not content[: found.start()].strip():
            yield Turn(number, "missing", content, mark)


def clean_thought(reply: str) -> str:
    """Return the thought in a model's reply: one paragraph, without marks or anything from an action on."""
    text = _THOUGHT.sub("", reply)
    found = _ACTION.search(text)
    text = " ".join(text[: found.start() if found else None].split()).strip("\"'` ")
    return "" if len(text) > _MOST_CHARACTERS else text


def _with(trajectory: Trajectory, written: dict[Turn, str], *, by: str) -> Trajectory:
    messages, steps = list(trajectory.messages), list(trajectory.steps)
    for turn, thought in written.items():
        step = steps[turn.step]
        content = f"{turn.mark}: {thought}\n{turn.action}"
        messages[step.message] = messages[step.message].model_copy(update={"content": content})
        steps[turn.step] = step.model_copy(update={"thought_by": by})
    return trajectory.model_copy(update={"messages": tuple(messages), "steps": tuple(steps)})


async def _plays_alike(before: Trajectory, after: Trajectory, entry: Entry) -> bool:
    """Play the repaired replies: does the world do the same actions and give the same reward."""
    replies = tuple(after.messages[step.message].content for step in after.steps)
    player = scripted_player(ScriptedConfig(replies=replies))
    played = await rollout(build_environment(entry), player, split=before.split)
    alike = [(step.action, step.valid) for step in played.steps] == [(step.action, step.valid) for step in before.steps]
    return alike and played.score.reward == before.score.reward

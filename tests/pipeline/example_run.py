"""A finished run folder, written by hand: three worlds, two models, 120 episodes, one of them hostile."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING

from tests.analysis.episodes import Turn, broken, episode

from agenttuning.core.records import Message, Stop, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import write_atomic, write_records
from agenttuning.pipeline.decontaminate import DecontaminateConfig
from agenttuning.pipeline.evaluate import judge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import JsonValue

HOSTILE = "</script><script>document.title='owned'</script><img src='http://example.invalid/x.png' onerror='alert(1)'>"
STAGES = ("construct", "collect", "filter", "decontaminate", "mix", "train", "evaluate")
WORLDS = ("alfworld", "chat", "database")
_PLACES = ("countertop 1", "fridge 1", "sinkbasin 1", "cabinet 4", "microwave 1", "shelf 2")


class TrainConfig(StageConfig):
    model: str = "tiny-base"
    steps: int = 600
    learning_rate: float = 0.002


def example_run(folder: Path, *, stages: Sequence[str] = STAGES, resume: bool = False) -> Run:
    """Write the named stages as finished."""
    run = Run(folder, seed=11, resume=resume)
    for stage in stages:
        _evaluate(run) if stage == "evaluate" else _finish(run, stage)
    return run


def _finish(run: Run, name: str) -> None:
    configs = {"train": TrainConfig(), "decontaminate": DecontaminateConfig()}
    stage = run.open(name, configs.get(name, StageConfig()))
    if name == "train":
        write_atomic(stage.folder / "metrics.jsonl", "".join(_metric(step) for step in range(1, 601)))
    else:
        write_atomic(stage.folder / "out.jsonl", "{}\n")
    stage.finish(outputs=("metrics.jsonl" if name == "train" else "out.jsonl",), counts=_counts()[name])


def _metric(step: int) -> str:
    loss = 0.08 + 3.1 * math.exp(-step / 60) + 0.08 * math.sin(step * 1.7) * math.exp(-step / 400)
    tokens = {"alfworld": 1200, "database": 700, "chat": 4100}
    return json.dumps({"step": step, "loss": round(loss, 4), "learning_rate": 0.002, "tokens": tokens}) + "\n"


def _counts() -> dict[str, dict[str, JsonValue]]:
    row = {"samples": 20, "too_short": 1, "clean": 15, "between": 4, "dirty": 0, "mean_rate": 0.0812}
    shared = {**row, "clean": 2, "between": 17, "mean_rate": 0.5127}
    return {
        "construct": {f"{world}.train": {"tasks": 400, "sources": "synthetic-v1"} for world in WORLDS},
        "collect": {"alfworld": {"episodes": 400, "success": 391, "seconds": random.random()}},
        "filter": {
            "table": {
                "alfworld": {"instructions": 400, "trajectories": 400, "kept": 391, "mean_turns": 9.3, "ratio": 0.9775},
                "chat": {"instructions": 2400, "trajectories": 2400, "kept": 2400, "mean_turns": 1.0, "ratio": 1.0},
                "database": {"instructions": 400, "trajectories": 400, "kept": 398, "mean_turns": 2.1, "ratio": 0.995},
            },
            "rejected": {"alfworld": {"reward below threshold": 9}, "database": {"duplicate": 2}},
        },
        "decontaminate": {
            "dropped": {"alfworld": 1, "database": 2},
            "rates": {
                "own_text": dict.fromkeys(("alfworld", "database"), row),
                "with_shared_text": dict.fromkeys(("alfworld", "database"), shared),
            },
            "offenders": {
                "database test-3": {
                    "trajectory": "database train-7",
                    "exact": 0.9,
                    "tolerant": 1.0,
                    "passage": "how many <b>rows</b> | are [[there]]",
                },
            },
        },
        "mix": {
            "unit": "examples",
            "sizes": {"alfworld": 391, "database": 395, "chat": 2400},
            "epochs": {"alfworld": 2.4552, "database": 2.4304, "chat": 3.2},
            "amounts": {
                name: {"examples": count} for name, count in (("alfworld", 960), ("database", 960), ("chat", 7680))
            },
        },
        "train": {"steps": 600, "tokens_per_second": random.random()},
    }


def _evaluate(run: Run) -> None:
    stage = run.open("evaluate", StageConfig())
    for model, skill in (("base", 0.05), ("tuned", 0.75)):
        dice = random.Random(f"{model} 3")
        write_records(
            stage.folder / f"{model}.jsonl",
            [_play(world, k, model, skill, dice) for world in WORLDS for k in range(20)],
        )
    judged = judge(stage.folder, ["base", "tuned"], stage.start)
    write_atomic(stage.folder / "scores.json", judged.model_dump_json(indent=2))
    stage.finish(outputs=("base.jsonl", "tuned.jsonl", "scores.json"), counts={})


def _play(world: str, number: int, model: str, skill: float, dice: random.Random) -> Trajectory:
    task = f"test-{world}-{number:04}"
    if (world, model, number) == ("database", "base", 7):
        return broken(task=task, environment=world, policy=model)
    solved = dice.random() < (0.92 if world == "chat" else skill)
    played = {"alfworld": _household, "database": _database, "chat": _chat}[world](solved, number, dice)
    one = played.model_copy(update={"environment": world, "task": task})
    made = one.provenance.model_copy(update={"environment_version": f"{world}/1", "policy": model})
    return one.model_copy(update={"provenance": made})


_CLOSED: Turn = ("Action: go to fridge 1", True, "The fridge 1 is closed.")
_EMPTY: Turn = ("Action: go to shelf 2", True, "On the shelf 2, you see nothing.")
_CLEAN = "Thought: It must be clean before it goes there.\nAction: clean mug 1 with sinkbasin 1"
_MUG: tuple[Turn, ...] = (
    ("Action: take mug 1 from shelf 2", True, "You pick up the mug 1 from the shelf 2."),
    (_CLEAN, True, "You clean the mug 1 using the sinkbasin 1."),
    ("Action: put mug 1 in/on cabinet 4", True, ""),
)


def _household(solved: bool, number: int, dice: random.Random) -> Trajectory:
    question = f"Your task is to: put a clean mug in {_PLACES[number % 6]}."
    if not solved:
        babble: Turn = (f"the the {dice.choice(_PLACES)} of", False, "Nothing happens.")
        decline: Turn = ("I'm sorry, I can not open things.", False, "Nothing happens.")
        habits: tuple[tuple[Turn, ...], ...] = ((babble,) * 6, (_CLOSED, _EMPTY) * 4, (decline,) * 3)
        return _opened(episode(turns=dice.choice(habits), reward=0.0, stop=Stop.TURNS), "household", question)
    things = ("plate 1", "knife 1, and a bowl 2", "mug 1")
    looks = [_look(place, thing) for place, thing in zip(dice.sample(_PLACES, 3), things, strict=True)]
    return _opened(episode(turns=(*looks, *_MUG)), "household", question)


def _look(place: str, thing: str) -> Turn:
    thought = f"Thought: A mug may be on the {place}. I look there first."
    return (f"{thought}\nAction: go to {place}", True, f"On the {place}, you see a {thing}.")


_QUERY = "SELECT COUNT(*) FROM players WHERE goals > 12;"
_COUNTED: tuple[Turn, ...] = (
    (f"Thought: I count the rows that match.\nAction: Operation\n```sql\n{_QUERY}\n```", True, "[(4,)]"),
    ('Action: Answer\nFinal Answer: ["4"]', True, ""),
)


def _database(solved: bool, number: int, dice: random.Random) -> Trajectory:
    question = f"How many players of team {number} scored more than {dice.randint(2, 30)} goals?"
    if solved:
        return _opened(episode(turns=_COUNTED), "database", question)
    wrong = HOSTILE if number == 3 else "SELECT SELECT goals"
    told = "No executable action. Answer with Action: Operation or Action: Answer."
    turns: tuple[Turn, ...] = ((wrong, False, told),) * dice.randint(1, 3)
    return _opened(episode(turns=turns, reward=0.0, stop=Stop.FORMAT), "database", question)


def _chat(solved: bool, number: int, dice: random.Random) -> Trajectory:
    words = dice.sample(("pear", "plum", "fig", "apple", "quince"), 4)
    answer = ", ".join(sorted(words) if solved else words)
    return _opened(
        episode(turns=((answer, True, ""),), reward=float(solved)), "", f"Sort these words: {', '.join(words)}."
    )


def _opened(one: Trajectory, world: str, question: str) -> Trajectory:
    """Give the episode an opening of its world; a chat has none but the question."""
    opening = one.messages[:3]
    if world:
        instruction = f"You act in a {world}. Answer every turn with a thought and an action."
        new = (
            opening[0].model_copy(update={"content": instruction}),
            opening[1],
            Message(role="user", content=question),
        )
    else:
        new = (*opening[:2], Message(role="user", content=question))
    return one.model_copy(update={"messages": (*new, *one.messages[3:])})

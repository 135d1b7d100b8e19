"""A run folder as decontaminate leaves it: agent and chat dialogues, cheap to make."""

import random
from pathlib import Path

from agenttuning.core.records import Message, Provenance, Score, Stop, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import write_records

WORDS = ["mug", "desk", "shelf", "lamp", "fridge", "apple", "tomato", "knife", "plate", "bowl"]
COUNTS = {"alfworld": 12, "database": 6, "chat": 30}


def kept_run(folder: Path, *, seed: int = 0, resume: bool = False, order: int = 0) -> Run:
    """Return a run whose first four stages are done; `order` shuffles the lines, as races of collection would."""
    run = Run(folder, seed=seed, resume=resume)
    if run.manifest("decontaminate") is None:
        stage = run.open("decontaminate", StageConfig())
        trajectories = [_trajectory(name, number) for name, count in COUNTS.items() for number in range(count)]
        random.Random(order).shuffle(trajectories)
        write_records(stage.folder / "kept.jsonl", trajectories)
        stage.finish(outputs=("kept.jsonl",), counts={})
    return run


def _trajectory(environment: str, number: int) -> Trajectory:
    draw = random.Random(f"{environment}{number}")
    messages: list[Message] = []
    if environment != "chat":
        messages.append(Message(role="user", content=f"You live in {environment}."))
        messages.append(Message(role="assistant", content="I follow.", train=False))
    for _ in range(1 if environment == "chat" else 4):
        words = " ".join(draw.choices(WORDS, k=4))
        messages.append(Message(role="user", content=f"Repeat: {words}"))
        messages.append(Message(role="assistant", content=words, train=True))
    return Trajectory(
        environment=environment,
        task=f"{environment}-{number:03d}",
        split="train",
        messages=tuple(messages),
        stop=Stop.DONE,
        score=Score(reward=1.0, success=True),
        provenance=Provenance(
            source="synthetic-v1", difficulty="tiny", environment_version="1", prompt="", policy="oracle"
        ),
    )

"""Trajectories made of what was said."""

from __future__ import annotations

from agenttuning.core.records import Message, Provenance, Score, StepRecord, Stop, Trajectory

MADE = Provenance(source="synthetic-v1", difficulty="tiny", environment_version="x/1", prompt="", policy="oracle")


def said(
    *turns: str, world: str = "chat", task: str = "1", stop: Stop = Stop.DONE, instruction: str = ""
) -> Trajectory:
    """Return a kept-worthy trajectory of user and assistant turns in turn; an instruction is not learned from."""
    opening = [Message(role="user", content=instruction), Message(role="assistant", content="Ok.", train=False)]
    messages = [
        Message(role="assistant", content=turn, train=True) if place % 2 else Message(role="user", content=turn)
        for place, turn in enumerate(turns)
    ]
    return Trajectory(
        environment=world,
        task=task,
        split="train",
        messages=tuple([*opening, *messages] if instruction else messages),
        steps=tuple(StepRecord(message=place, action="a", valid=True) for place in range(1, len(turns), 2)),
        stop=stop,
        score=Score(reward=1.0, success=True),
        provenance=MADE,
    )

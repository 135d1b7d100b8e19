"""Trajectories written by hand, for tests of what reads them."""

from __future__ import annotations

from agenttuning.core.records import (
    Difficulty,
    Failure,
    Message,
    Provenance,
    Sampling,
    Score,
    StepRecord,
    Stop,
    Trajectory,
)

Turn = tuple[str, bool, str]
"""Reply, valid, the world's answer."""


def episode(
    *,
    task: str = "t0",
    sample: int = 0,
    environment: str = "rooms",
    turns: tuple[Turn, ...] = (("Thought: go.\nAction: open door", True, "It is open."),),
    reward: float = 1.0,
    success: bool | None = None,
    stop: Stop = Stop.DONE,
    failure: Failure | None = None,
    policy: str = "base",
    difficulty: Difficulty | None = "tiny",
    source: str = "synthetic-v1",
    version: str = "1",
    prompt: str = "p1",
    sampling: Sampling | None = None,
) -> Trajectory:
    messages = [
        Message(role="user", content="You are in a room."),
        Message(role="assistant", content="OK.", train=False),
    ]
    messages.append(Message(role="user", content=f"Task: {task}"))
    steps = []
    for reply, valid, answer in turns:
        steps.append(
            StepRecord(message=len(messages), action=reply.split("Action: ")[-1] if valid else "", valid=valid)
        )
        messages += [Message(role="assistant", content=reply, train=True), Message(role="user", content=answer)]
    return Trajectory(
        environment=environment,
        task=task,
        split="test",
        sample=sample,
        messages=tuple(messages[:-1] if stop is Stop.DONE else messages),
        steps=tuple(steps),
        stop=Stop.ERROR if failure else stop,
        score=Score(reward=reward, success=reward == 1.0 if success is None else success),
        failure=failure,
        provenance=Provenance(
            source=source,
            difficulty=difficulty,
            environment_version=f"{environment}/{version}",
            prompt=prompt,
            policy=policy,
            sampling=sampling or Sampling(),
        ),
    )


def broken(*, task: str = "t0", environment: str = "rooms", policy: str = "base") -> Trajectory:
    """An episode whose server died before the first turn, stored as a failure."""
    failure = Failure(side="policy", error="ConnectError", message="refused")
    return episode(
        task=task, environment=environment, policy=policy, turns=(), reward=0.0, success=False, failure=failure
    )

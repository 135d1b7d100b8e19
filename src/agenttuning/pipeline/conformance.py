"""The suite that every environment passes: the oracle wins, noise loses, nothing leaks, nothing raises.

Where no gold solution can exist (a game against a player) the oracle is an expert: its win rate is measured, and it
still has to end every episode without a refused reply.

`agenttuning check ID` runs it on any environment and any data; the tests run it on all environments.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pydantic import Field

from agenttuning.core.environment import Inspection
from agenttuning.core.records import Record, Reply, Score, Stop, Trajectory, digest
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.errors import SideError, boundary
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Message, Sampling, Task
    from agenttuning.pipeline.progress import Advance

NOISE_REPLIES = 1000
"""Malformed replies per world."""
SLOW_NOISE_REPLIES = 30
"""The same where every episode opens something heavy (`Environment.slow_start`)."""
_NOISE_TASKS = 25
_FAILURES_SHOWN = 20


class Tally(Record):
    """Wins over plays."""

    success: int = 0
    n: int = 0
    metrics: dict[str, float] = {}
    """Means of the scores' named extras over the plays that were judged."""
    transcripts: str = ""
    """Digest of all messages, whatever the order of play: two runs of the same tasks that differ in a byte differ."""


class NoiseTally(Tally):
    """Wins and crashes of a policy that talks nonsense; both must be 0."""

    crashes: int = 0


class Report(Record):
    """What `agenttuning check` prints."""

    environment: str
    source: str
    tasks: int
    oracle: Tally
    oracles: dict[str, Tally] = {}
    """Each named oracle or backend of the world, where it has more than one."""
    without_oracle: dict[str, int] = {}
    """How many tasks an oracle left out because nothing solves them, where there are any."""
    win_rate_ci: tuple[float, float] | None = None
    """Where the oracle is an expert that may lose: Wilson's 95 % interval of its win rate."""
    noise: NoiseTally = NoiseTally()
    inspection: Inspection | None = None
    """What was found in official data before anything was played."""
    failures: list[str] = Field(default=[])
    """The first failed plays and broken laws, one sentence each."""


class Noise:
    """Answers with what no world should accept: empty, huge, control characters, near misses of the format."""

    name = "noise"
    sampling: Sampling | None = None

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    async def reply(self, messages: Sequence[Message]) -> Reply:
        """Return one malformed reply."""
        last = messages[-1].content
        pieces = last.split() or [""]
        choices = (
            "",
            " \n\t ",
            "\x00\x1b[31m\u202e\ud7ff\uffff\U0001f600",
            "A" * 100_000,
            "ACTION:",
            "Action: \nFinal Answer:",
            "THOUGHT: ACTION: THOUGHT:",
            "```sql\n```",
            "Action: Operation\n```sql\nSELECT\n```",
            "(" * 5_000,
            "'; DROP TABLE x; --",
            " ".join(self._random.choices(pieces, k=5)),
            f"ACTION: {self._random.choice(pieces)} {self._random.random()}",
            "".join(chr(self._random.randrange(1, 0xD7FF)) for _ in range(30)),
        )
        return Reply(content=self._random.choice(choices))


def noise_player(environment: Environment[Task], *, sample: int) -> Noise:
    """Return noise that differs from sample to sample."""
    del environment
    return Noise(sample)


async def play_oracle(
    environments: Iterable[Environment[Task]], advance: Advance, *, may_lose: bool = False, concurrency: int = 8
) -> tuple[Tally, list[str]]:
    """Play every task with its oracle; return the tally and a sentence per failure.

    An oracle that `may_lose` fails only where the episode does not end by itself or a reply of its own is refused.
    """
    won = played = 0
    failures: list[str] = []
    told: list[str] = []
    judged: list[Score] = []
    entries = ((environment, "check", 0) for environment in environments)
    async for trajectory in rollouts(entries, oracle_player, concurrency=concurrency):
        played += 1
        good = trajectory.score.success and trajectory.stop is Stop.DONE
        won += good
        told.append(digest(f"{trajectory.task} {trajectory.model_dump_json(include={'messages'})}"))
        judged += [] if trajectory.failure else [trajectory.score]
        if not (_is_sound(trajectory) if may_lose else good):
            failures.append(_sentence("expert" if may_lose else "oracle", trajectory))
        advance()
    tally = Tally(success=won, n=played, metrics=_means(judged), transcripts=digest("".join(sorted(told))))
    return tally, failures


def _means(scores: Sequence[Score]) -> dict[str, float]:
    names = sorted({name for score in scores for name in score.metrics})
    return {name: sum(score.metrics.get(name, 0.0) for score in scores) / len(scores) for name in names}


def _is_sound(trajectory: Trajectory) -> bool:
    return trajectory.stop is Stop.DONE and all(step.valid for step in trajectory.steps)


async def play_noise(kind: type[Environment[Task]], tasks: Sequence[Task]) -> tuple[NoiseTally, list[str]]:
    """Send malformed replies, about a thousand unless the world is slow, spread over some tasks that can be started."""
    won = crashes = played = replies = 0
    failures: list[str] = []
    playable = list(tasks[:_NOISE_TASKS])
    wanted = SLOW_NOISE_REPLIES if kind.slow_start else NOISE_REPLIES
    while replies < wanted and playable:
        task = playable[played % len(playable)]
        trajectory = await rollout(kind(task), noise_player, split="check", sample=played)
        if not trajectory.messages:
            playable.remove(task)
            continue
        played += 1
        replies += max(len(trajectory.steps), 1)
        won += trajectory.score.reward > 0
        crashes += trajectory.failure is not None
        if trajectory.failure is not None or trajectory.score.reward > 0:
            failures.append(_sentence("noise", trajectory))
    return NoiseTally(success=won, n=played, crashes=crashes), failures


async def broken_laws(kind: type[Environment[Task]], task: Task) -> list[str]:
    """Return the laws that an environment breaks on one task; none is the good answer."""
    broken: list[str] = []
    plays = [await rollout(kind(task), oracle_player, split="check") for _ in range(2)]
    if plays[0] != plays[1]:
        broken.append(
            f"{kind.id}: two plays of task {task.id!r} differ; start() and step() must depend on the task alone"
        )
    if Trajectory.model_validate_json(plays[0].model_dump_json(exclude_defaults=True)) != plays[0]:
        broken.append(f"{kind.id}: the trajectory of task {task.id!r} does not survive JSON")
    if kind.task_type.model_validate_json(task.model_dump_json(exclude_defaults=True)) != task:
        broken.append(f"{kind.id}: task {task.id!r} does not survive JSON")
    try:
        with boundary("environment"):
            solved = await _solved_at_once(kind(task))
    except SideError as error:
        return [*broken, f"{kind.id}: task {task.id!r} cannot be opened and left: {error}; close() must bear any order"]
    if solved:
        broken.append(f"{kind.id}: task {task.id!r} is solved before the first action")
    return broken


async def _solved_at_once(environment: Environment[Task]) -> bool:
    """Open and score an environment, closing it before, within and after."""
    await environment.close()
    async with environment:
        await environment.start()
        score = await environment.score()
        await environment.close()
    await environment.close()
    return score.success


def has_oracle(environment: Environment[Task]) -> bool:
    """Tell whether a gold solution exists; nothing is played."""
    return environment.oracle() is not None


def _sentence(player: str, trajectory: Trajectory) -> str:
    told = f"{player} on task {trajectory.task!r}: reward {trajectory.score.reward:g}, stop {trajectory.stop.value!r}"
    return f"{told}, {trajectory.failure.message}" if trajectory.failure else told


def shown(failures: Sequence[str]) -> list[str]:
    """Return the first failures, and how many more there are."""
    more = len(failures) - _FAILURES_SHOWN
    return [*failures[:_FAILURES_SHOWN], f"... and {more} more"] if more > 0 else list(failures)

"""Play one episode, or many: the one code path behind training data and evaluation."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

from agenttuning.core.records import (
    Failure,
    Message,
    Provenance,
    Score,
    StepRecord,
    Stop,
    Trajectory,
    Usage,
    digest,
)
from agenttuning.core.watch import Track, span, tracking
from agenttuning.errors import BudgetError, ContextLimitError, SideError, WorldError, boundary

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Collection, Coroutine, Iterable, Iterator

    from agenttuning.core.environment import Environment, Step
    from agenttuning.core.policy import Player, Policy
    from agenttuning.core.records import Task
    from agenttuning.core.watch import Watch

ResultT = TypeVar("ResultT")

LONGEST_TEXT: Final = 1_000_000
"""Characters of one message; more than any model reads, and a flood would fill memory and disk."""


class Episode:
    """The growing record of one episode."""

    def __init__(self, environment: Environment[Task], policy: Policy) -> None:
        self.environment = environment
        self.policy = policy
        self.messages: list[Message] = []
        self.restarts: list[int] = []
        self.steps: list[StepRecord] = []
        self.usage = Usage()
        self.prompt = ""
        self.stop = Stop.TURNS
        self.score = Score(reward=0.0, success=False)
        self.failure: Failure | None = None

    async def play(self) -> None:
        """Start, take turns until something stops the episode, and judge; failures end up in the record."""
        environment = self.environment
        try:
            with boundary("environment"), span("start"):
                async with _within(environment.start_seconds, "start"):
                    opening = await environment.start()
                self.messages.extend(_bounded(message) for message in opening)
                self.prompt = digest(opening[0].content) if len(opening) > 1 else ""
            self.stop = await self._turns()
            with boundary("environment"), span("score"):
                async with _within(environment.call_seconds, "score"):
                    score = await environment.score()
                self.score = Score.model_validate(score)
        except SideError as error:
            side = cast("Literal['environment', 'policy']", error.side)
            self.stop = Stop.ERROR
            name = error.origin or type(error.__cause__ or error).__name__
            self.failure = Failure(side=side, error=name, message=str(error))

    async def _turns(self) -> Stop:
        with boundary("environment"):
            limit = self.environment.turn_limit()
        for _ in range(limit):
            try:
                with boundary("policy"), span("model"):
                    reply = await self.policy.reply(self._shown())
                    self.messages.append(_bounded(Message(role="assistant", content=reply.content, train=True)))
                    self.usage += reply.usage
            except ContextLimitError:
                return Stop.CONTEXT
            except BudgetError:
                return Stop.BUDGET
            with boundary("environment"), span("step"):
                async with _within(self.environment.call_seconds, "step"):
                    step = await self.environment.step(reply.content)
                self._take(step)
            if step.done:
                return step.stop
        return Stop.TURNS

    def _take(self, step: Step) -> None:
        """Write down what a step did; all of it or, where the world gave something else than a step, nothing."""
        following: list[Message] = []
        if not step.done:
            told = [Message(role="user", content=step.observation)] if step.fresh is None else step.fresh
            following.extend(_bounded(message) for message in told)
        said = self.messages[-1] if step.kept is None else Message(role="assistant", content=step.kept, train=True)
        taken = StepRecord(message=len(self.messages) - 1, action=step.action, valid=step.valid)
        self.messages[-1] = _bounded(said)
        self.steps.append(taken)
        if not step.done and step.fresh is not None:
            self.restarts.append(len(self.messages))
        self.messages.extend(following)

    def _shown(self) -> tuple[Message, ...]:
        return tuple(self.messages[self.restarts[-1] if self.restarts else 0 :])

    def trajectory(self, *, split: str, sample: int, seed: int) -> Trajectory:
        """Freeze the record."""
        task, environment = self.environment.task, self.environment
        return Trajectory(
            environment=environment.id,
            task=task.id,
            split=split,
            sample=sample,
            category=task.category,
            instance=task.instance,
            messages=tuple(self.messages),
            restarts=tuple(self.restarts),
            steps=tuple(self.steps),
            stop=self.stop,
            score=self.score,
            usage=self.usage,
            failure=self.failure,
            never_train=task.never_train,
            provenance=Provenance(
                source=task.source,
                difficulty=task.difficulty,
                environment_version=f"{environment.id}/{environment.version} {environment.variant()}".rstrip(),
                prompt=self.prompt,
                policy=self.policy.name,
                sampling=self.policy.sampling,
                seed=seed,
            ),
        )


async def rollout(
    environment: Environment[Task], player: Player, *, split: str = "test", sample: int = 0, seed: int = 0
) -> Trajectory:
    """Play one episode to its end and record it; never raises for a failed episode."""
    episode = Episode(environment, player(environment, sample=sample))
    try:
        await episode.play()
    finally:
        await _leave(environment)
    return episode.trajectory(split=split, sample=sample, seed=seed)


async def _leave(environment: Environment[Task]) -> None:
    try:
        with boundary("environment"), span("close"):
            async with _within(environment.call_seconds, "close"):
                await environment.close()
    except SideError:
        return


@asynccontextmanager
async def _within(seconds: float | None, call: str) -> AsyncIterator[None]:
    """Give a world's call up at its deadline; elapsed time, so that a change of the clock changes nothing."""
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise WorldError(f"the world's {call} took longer than {seconds:g} seconds") from error
        raise


def _bounded(message: Message) -> Message:
    """Return a message that can be written down and sent.

    Raises:
        ValueError: it is too long, or holds half a character (`UnicodeEncodeError`).
    """
    if len(message.content) > LONGEST_TEXT:
        raise ValueError(f"a text of {len(message.content):,} characters; at most {LONGEST_TEXT:,} are taken")
    message.content.encode()
    return message


async def rollouts(
    environments: Iterable[tuple[Environment[Task], str, int] | None],
    player: Player,
    *,
    concurrency: int,
    seed: int = 0,
    watch: Watch | None = None,
) -> AsyncGenerator[Trajectory, None]:
    """Play many episodes, at most `concurrency` at once, yielding each as it ends.

    `environments` gives (environment, split, sample) and is read lazily, so millions of tasks need no memory; None says
    that no further episode may begin before one of those in progress has ended.
    Leaving the iterator early cancels and closes what is in flight.
    """

    def begin(entry: tuple[Environment[Task], str, int]) -> Coroutine[None, None, Trajectory]:
        environment, split, sample = entry
        episode = rollout(environment, player, split=split, sample=sample, seed=seed)
        return episode if watch is None else _watched(episode, environment.id, Track(), watch)

    playing = side_by_side((entry and begin(entry) for entry in environments), concurrency=concurrency)
    try:
        async for trajectory in playing:
            yield trajectory
    finally:
        await playing.aclose()


async def _watched(episode: Coroutine[None, None, Trajectory], world: str, track: Track, watch: Watch) -> Trajectory:
    with tracking(track):
        trajectory = await episode
    watch(world, track)
    return trajectory


async def side_by_side(
    jobs: Iterator[Coroutine[None, None, ResultT] | None], *, concurrency: int
) -> AsyncGenerator[ResultT, None]:
    """Run jobs, at most `concurrency` at once, yielding each result as it comes; None: not before another has ended.

    The first job that raises ends all. Leaving the iterator early cancels what is in flight.
    """
    running: set[asyncio.Task[ResultT]] = set()
    ended: asyncio.Queue[asyncio.Task[ResultT]] = asyncio.Queue()
    try:
        while True:
            while len(running) < concurrency and (job := next(jobs, None)) is not None:
                task = asyncio.create_task(job)
                task.add_done_callback(ended.put_nowait)
                running.add(task)
            if not running:
                return
            running.remove(task := await ended.get())
            yield task.result()
    finally:
        await _cancel(running)


async def _cancel(tasks: Collection[asyncio.Task[ResultT]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

"""From trajectories to one number per model and world, with what made it.

Episodes that broke are failures and stay in every denominator. Trajectories of unlike provenance never share a
cell: a number is worth what it says about how it was made.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from agenttuning.analysis.statistics import (
    Interval,
    PairedChange,
    clustered_interval,
    paired_change,
    pass_all,
    pass_at,
)
from agenttuning.core.records import Difficulty, Record, Sampling
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agenttuning.core.records import Trajectory


class MadeBy(Record):
    """The set-up behind a number; equal in all trajectories of a cell."""

    source: str
    difficulty: Difficulty | None
    split: str
    environment_version: str
    prompt: str
    """Digest of the instruction text; empty where the opening is the task alone."""
    policy: str
    sampling: Sampling | None
    seed: int


class WorldScore(Record):
    """One cell: one model on one world."""

    n: int
    """Episodes, failed ones too."""
    tasks: int
    """Different tasks among them."""
    success: float
    """Share of episodes that reached the goal in full."""
    ci: Interval
    """95 % interval of `success`: Wilson's, or a bootstrap over tasks where a task was played more than once, over
    instances where tasks share one."""
    reward: float
    """Mean reward in [0, 1]."""
    reward_ci: Interval
    """95 % interval of `reward`."""
    pass_at: dict[int, float] = {}
    """k to pass@k, where every task was played as often and more than once: at least one of k plays solves it."""
    pass_all: dict[int, float] = {}
    """k to pass^k: all of k plays solve it."""
    metrics: dict[str, float] = {}
    """Mean of every named extra of the world's score; an episode without it counts 0."""
    reward_by_category: float | None = None
    """Mean over the categories of tasks of their mean rewards; None where the tasks name none."""
    invalid_action: float | None
    """Share of steps without a valid action; None when no step was taken."""
    turns: float
    """Mean assistant turns per episode."""
    stops: dict[str, int]
    """Episodes by what ended them."""
    errors: dict[str, int]
    """Broken episodes by the side that broke; they count as failures."""
    success_without_errors: float | None
    """Success among the unbroken only, where some broke: what benchmarks that drop broken episodes would print."""
    made_by: MadeBy


def world_score(trajectories: Sequence[Trajectory]) -> WorldScore:
    """Score one model on one world.

    Raises:
        DataError: there are none, they are of several worlds, or their provenance differs (the text names in what).
    """
    made_by = _common(trajectories)
    n = len(trajectories)
    solved = [float(succeeded(trajectory)) for trajectory in trajectories]
    rewards = [reward(trajectory) for trajectory in trajectories]
    steps = [step for trajectory in trajectories for step in trajectory.steps]
    broken = Counter(trajectory.failure.side for trajectory in trajectories if trajectory.failure)
    unbroken = n - broken.total()
    return WorldScore(
        n=n,
        tasks=len({trajectory.task for trajectory in trajectories}),
        success=sum(solved) / n,
        ci=clustered_interval(_clusters(trajectories, solved)),
        reward=sum(rewards) / n,
        reward_ci=clustered_interval(_clusters(trajectories, rewards)),
        pass_at=_repeated(trajectories, pass_at),
        pass_all=_repeated(trajectories, pass_all),
        metrics=_metric_means(trajectories),
        reward_by_category=_category_mean(trajectories, rewards),
        invalid_action=sum(not step.valid for step in steps) / len(steps) if steps else None,
        turns=len(steps) / n,
        stops=dict(sorted(Counter(trajectory.stop.value for trajectory in trajectories).items())),
        errors=dict(sorted(broken.items())),
        success_without_errors=sum(solved) / unbroken if broken and unbroken else None,
        made_by=made_by,
    )


def _metric_means(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    judged = [{} if trajectory.failure else trajectory.score.metrics for trajectory in trajectories]
    names = dict.fromkeys(name for metrics in judged for name in metrics)
    return {name: sum(metrics.get(name, 0.0) for metrics in judged) / len(judged) for name in names}


def succeeded(trajectory: Trajectory) -> bool:
    """Tell whether the goal was reached in full by an episode that did not break."""
    return trajectory.failure is None and trajectory.score.success


def reward(trajectory: Trajectory) -> float:
    """Return the reward, 0 for an episode that broke."""
    return 0.0 if trajectory.failure else trajectory.score.reward


def score_worlds(trajectories: Iterable[Trajectory]) -> dict[str, WorldScore]:
    """Score one model on every world that it played, in the order of the worlds' names."""
    worlds: dict[str, list[Trajectory]] = {}
    for trajectory in trajectories:
        worlds.setdefault(trajectory.environment, []).append(trajectory)
    ordered = {world: sorted(played, key=lambda one: one.key) for world, played in sorted(worlds.items())}
    return {world: world_score(played) for world, played in ordered.items()}


def compare(before: Iterable[Trajectory], after: Iterable[Trajectory]) -> PairedChange:
    """Compare two models on the tasks of one world that both played.

    Only the first sample of each task enters, so that the pairs are independent. Sampling must be the same unless
    one of the two draws no tokens (an oracle).

    Raises:
        DataError: the two were not measured alike.
    """
    old = {one.task: one for one in before if one.sample == 0}
    new = {one.task: one for one in after if one.sample == 0}
    shared = sorted(old.keys() & new.keys())
    if shared:
        one, other = _made_by(old[shared[0]]), _made_by(new[shared[0]])
        tokens = one.sampling is not None and other.sampling is not None
        _require_alike(one, other, ignore=frozenset({"policy"} if tokens else {"policy", "sampling"}))
    return paired_change(
        [reward(old[task]) for task in shared],
        [reward(new[task]) for task in shared],
        solved=[(succeeded(old[task]), succeeded(new[task])) for task in shared],
    )


def _clusters(trajectories: Sequence[Trajectory], values: Sequence[float]) -> list[list[float]]:
    """Group what is not independent: the tasks of one instance, and the plays of one task."""
    by_cluster: dict[tuple[str, str], list[float]] = {}
    for trajectory, value in zip(trajectories, values, strict=True):
        shared = ("task", trajectory.task) if trajectory.instance is None else ("instance", trajectory.instance)
        by_cluster.setdefault(shared, []).append(value)
    return list(by_cluster.values())


def _repeated(
    trajectories: Sequence[Trajectory], estimate: Callable[[Sequence[int], int, int], float]
) -> dict[int, float]:
    plays: dict[str, list[bool]] = {}
    for trajectory in trajectories:
        plays.setdefault(trajectory.task, []).append(succeeded(trajectory))
    samples = {len(group) for group in plays.values()}
    if len(samples) != 1 or samples == {1}:
        return {}
    most = samples.pop()
    solved = [sum(group) for group in plays.values()]
    return {k: estimate(solved, most, k) for k in range(1, most + 1)}


def _category_mean(trajectories: Sequence[Trajectory], values: Sequence[float]) -> float | None:
    by_category: dict[str, list[float]] = {}
    for trajectory, value in zip(trajectories, values, strict=True):
        if trajectory.category is not None:
            by_category.setdefault(trajectory.category, []).append(value)
    means = [sum(group) / len(group) for group in by_category.values()]
    return sum(means) / len(means) if means else None


def _made_by(trajectory: Trajectory) -> MadeBy:
    return MadeBy(split=trajectory.split, **dict(trajectory.provenance))


def _common(trajectories: Sequence[Trajectory]) -> MadeBy:
    """Return the one set-up behind all trajectories; an episode that never opened has no prompt to compare."""
    worlds = sorted({trajectory.environment for trajectory in trajectories})
    if len(worlds) != 1:
        raise DataError(f"a score is of one world, these trajectories are of {worlds!r}")
    opened = [trajectory for trajectory in trajectories if trajectory.messages] or trajectories
    first = _made_by(opened[0])
    for trajectory in trajectories:
        unopened = frozenset() if trajectory.messages else frozenset({"prompt"})
        _require_alike(first, _made_by(trajectory), ignore=unopened)
    return first


def _require_alike(one: MadeBy, other: MadeBy, *, ignore: frozenset[str]) -> None:
    mine, theirs = _shown(one), _shown(other)
    unlike = [name for name in mine if mine[name] != theirs[name] and name not in ignore]
    if unlike:
        shown = ", ".join(f"{name} ({mine[name]} and {theirs[name]})" for name in unlike)
        raise DataError(
            f"episodes of {one.environment_version} were made in different ways and cannot share a number: {shown}; "
            "evaluate them under one recipe, in a run of its own"
        )


def _shown(made_by: MadeBy) -> Mapping[str, str]:
    return {name: repr(value) for name, value in made_by.model_dump().items()}

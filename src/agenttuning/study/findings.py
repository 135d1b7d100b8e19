"""The paper's three findings, asked of a study: which hold, with what confidence, and which do not.

1. Agent tuning lifts every held-in world, and something on worlds never trained on.
2. Elementary errors collapse.
3. Agent data alone destroys general ability; the mixture keeps it.

The variants are known by name: `base` (the untuned model), `mixed`, `agent-only`, `general-only`, and `without-WORLD`,
trained without one held-in world. A claim whose variants were not run is left out, never guessed.

Plays of all seeds are pooled. Where seeds share their tasks, a task's plays are one cluster: three seeds tell less than
three times as many tasks.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from agenttuning.analysis.errors import CATEGORIES, ErrorCategory, error_shares, find_errors
from agenttuning.analysis.scores import succeeded
from agenttuning.analysis.statistics import Interval, clustered_interval, paired_change
from agenttuning.core.records import Record
from agenttuning.core.run import Run
from agenttuning.errors import RunError
from agenttuning.pipeline.report_facts import gather, played

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agenttuning.core.records import Trajectory
    from agenttuning.pipeline.report_facts import Role
    from agenttuning.study.plan import Study

BASE, MIXED, AGENT_ONLY, GENERAL_ONLY = "base", "mixed", "agent-only", "general-only"
WITHOUT = "without-"
ELEMENTARY: tuple[ErrorCategory, ...] = ("invalid action", "short-term repetition", "long-term repetition", "refusal")
KEPT_POINTS = 0.05
"""General ability is kept when it falls by no more than this share."""
LOST_POINTS = 0.20
"""And destroyed when it falls by at least this one."""
_SIGNIFICANT = 0.05


class Rate(Record):
    """A share of episodes, with what it is a share of."""

    n: int
    tasks: int
    share: float
    ci: Interval
    """95 %, over tasks."""


class Claim(Record):
    """One sentence of the paper, and what the study says to it."""

    finding: Literal[1, 2, 3]
    says: str
    holds: bool
    figures: str
    """The numbers behind the verdict."""


class Findings(NamedTuple):
    """What a study says."""

    plays: dict[str, list[Trajectory]]
    """Variant to everything that its model played, all seeds."""
    seeds: dict[str, list[int]]
    """Variant to the seeds of its finished runs."""
    roles: dict[str, Role]
    """World to its part in the mixture."""
    shares: dict[str, float]
    """Variant to the agent share of its mixture, where it has one."""
    claims: list[Claim]

    def worlds(self, role: Role) -> list[str]:
        """Return the worlds of a part."""
        return [world for world, part in self.roles.items() if part == role]

    def of(self, variant: str, worlds: Iterable[str]) -> list[Trajectory]:
        """Return what a variant's model played in some worlds."""
        chosen = set(worlds)
        return [one for one in self.plays.get(variant, []) if one.environment in chosen]

    def rate(self, variant: str, worlds: Iterable[str]) -> Rate | None:
        """Return the success of a variant in some worlds, every world weighing alike."""
        return mean_rate([self.of(variant, [world]) for world in worlds])


def read_findings(study: Study) -> Findings:
    """Read the finished evaluations of a study.

    Raises:
        RunError: none is finished.
    """
    plays: dict[str, list[Trajectory]] = {}
    seeds: dict[str, list[int]] = {}
    roles: dict[str, Role] = {}
    shares: dict[str, float] = {}
    for cell in study.cells:
        run = Run(cell.recipe.folder)
        if "evaluate" not in cell.stages or run.manifest("evaluate") is None:
            continue
        facts = gather(run)
        model = "tuned" if "tuned" in facts.models else facts.models[0]
        plays.setdefault(cell.variant, []).extend(played(run, model))
        seeds.setdefault(cell.variant, []).append(cell.seed)
        roles |= facts.roles
        if "train" in cell.stages:
            shares[cell.variant] = cell.recipe.mix.agent_share
    if not plays:
        raise RunError(f"no run of {study.folder} has a finished evaluation; play the study first")
    return judge_plays(plays, seeds=seeds, roles=roles, shares=shares)


def judge_plays(
    plays: dict[str, list[Trajectory]], *, seeds: dict[str, list[int]], roles: dict[str, Role], shares: dict[str, float]
) -> Findings:
    """Make the claims about what was played."""
    order = ("trained on", "held out", "general")
    found = Findings(plays, seeds, dict(sorted(roles.items(), key=lambda item: order.index(item[1]))), shares, [])
    return found._replace(claims=[*_first(found), *_second(found), *_third(found)])


def mean_rate(worlds: Sequence[Sequence[Trajectory]]) -> Rate | None:
    """Return the mean success over worlds; None when one of them was not played.

    The interval of a mean over several worlds takes them as independent: the half widths add up as squares.
    """
    if not worlds or not all(worlds):
        return None
    rates = [_rate(plays, succeeded) for plays in worlds]
    share = sum(rate.share for rate in rates) / len(rates)
    below = sum((rate.share - rate.ci[0]) ** 2 for rate in rates) ** 0.5 / len(rates)
    above = sum((rate.ci[1] - rate.share) ** 2 for rate in rates) ** 0.5 / len(rates)
    bounds = (max(0.0, share - below), min(1.0, share + above))
    return Rate(n=sum(rate.n for rate in rates), tasks=sum(rate.tasks for rate in rates), share=share, ci=bounds)


def _rate(plays: Sequence[Trajectory], shows: Callable[[Trajectory], bool]) -> Rate:
    clusters: dict[tuple[str, str], list[float]] = {}
    for one in plays:
        clusters.setdefault((one.environment, one.instance or one.task), []).append(float(shows(one)))
    share = sum(map(sum, clusters.values())) / len(plays)
    return Rate(n=len(plays), tasks=len(clusters), share=share, ci=clustered_interval(list(clusters.values())))


def _first(found: Findings) -> list[Claim]:
    claims = []
    held_in = found.worlds("trained on")
    pairs = [(world, found.rate(BASE, [world]), found.rate(MIXED, [world])) for world in held_in]
    told = [(world, before, after) for world, before, after in pairs if before and after]
    if told:
        lifted = [world for world, before, after in told if after.ci[0] > before.ci[1]]
        claims.append(
            Claim(
                finding=1,
                says="Tuning lifts every held-in world, intervals apart.",
                holds=len(lifted) == len(told),
                figures="; ".join(f"{world} {_shown(before)} to {_shown(after)}" for world, before, after in told),
            )
        )
    claims += _unseen(found, found.worlds("held out"), MIXED, "Tuning lifts worlds that have no training tasks.")
    for variant in (name for name in found.plays if name.startswith(WITHOUT)):
        world = variant.removeprefix(WITHOUT)
        claims += _unseen(found, [world], variant, f"Tuning on the other worlds lifts {world}.")
    return claims


def _unseen(found: Findings, worlds: Sequence[str], variant: str, says: str) -> list[Claim]:
    """Compare on the same tasks; a world where both do alike adds nothing to either side."""
    before, after = _by_task(found.of(BASE, worlds)), _by_task(found.of(variant, worlds))
    shared = sorted(before.keys() & after.keys())
    if not shared:
        return []
    change = paired_change(
        [before[key] for key in shared],
        [after[key] for key in shared],
        solved=[(before[key] >= 0.5, after[key] >= 0.5) for key in shared],
    )
    rates = found.rate(BASE, worlds), found.rate(variant, worlds)
    return [
        Claim(
            finding=1,
            says=says,
            holds=change.gained > change.lost and change.p_value < _SIGNIFICANT,
            figures=f"{_shown(rates[0])} to {_shown(rates[1])}; of {change.tasks} tasks {change.gained} gained and "
            f"{change.lost} lost (solved in at least half of the plays), p {change.p_value:.3f}",
        )
    ]


def _by_task(plays: Iterable[Trajectory]) -> dict[tuple[str, str], float]:
    solved: dict[tuple[str, str], list[bool]] = {}
    for one in plays:
        solved.setdefault((one.environment, one.task), []).append(succeeded(one))
    return {key: sum(values) / len(values) for key, values in solved.items()}


def _second(found: Findings) -> list[Claim]:
    held_in = found.worlds("trained on")
    before, after = found.of(BASE, held_in), found.of(MIXED, held_in)
    if not before or not after:
        return []
    claims = []
    for category in ELEMENTARY:
        one, other = (_rate(plays, partial(_shows, category)) for plays in (before, after))
        if one.share == 0.0 and other.share == 0.0:
            continue
        claims.append(
            Claim(
                finding=2,
                says=f"Episodes with {category} fall by at least half.",
                holds=other.share <= one.share / 2 and other.ci[1] < one.ci[0],
                figures=f"{_shown(one)} to {_shown(other)} of held-in episodes",
            )
        )
    return claims


def _shows(category: ErrorCategory, play: Trajectory) -> bool:
    return category in find_errors(play)


def _third(found: Findings) -> list[Claim]:
    general = found.worlds("general")
    base, mixed, alone = (found.rate(variant, general) for variant in (BASE, MIXED, AGENT_ONLY))
    claims = []
    if base and mixed:
        says = f"The mixture keeps general ability within {100 * KEPT_POINTS:.0f} points."
        claims.append(_claim_3(says, holds=base.share - mixed.share <= KEPT_POINTS, before=base, after=mixed))
    if base and alone:
        says = f"Agent data alone costs at least {100 * LOST_POINTS:.0f} points of general ability."
        holds = base.share - alone.share >= LOST_POINTS and alone.ci[1] < base.ci[0]
        claims.append(_claim_3(says, holds=holds, before=base, after=alone))
    unseen = found.worlds("held out")
    one, other = found.rate(AGENT_ONLY, unseen), found.rate(MIXED, unseen)
    if one and other:
        says = "On worlds without training tasks the mixture does better than agent data alone."
        claims.append(_claim_3(says, holds=other.ci[0] > one.ci[1], before=one, after=other))
    return claims


def _claim_3(says: str, *, holds: bool, before: Rate, after: Rate) -> Claim:
    return Claim(finding=3, says=says, holds=holds, figures=f"{_shown(before)} against {_shown(after)}")


def _shown(rate: Rate | None) -> str:
    if rate is None:
        return "not measured"
    return f"{100 * rate.share:.1f} % ({100 * rate.ci[0]:.1f} to {100 * rate.ci[1]:.1f})"


def error_table(found: Findings) -> dict[str, dict[ErrorCategory, float]]:
    """Return the share of held-in episodes that show each error, of variants that played all held-in worlds."""
    held_in = found.worlds("trained on")
    shares = {
        variant: error_shares(found.of(variant, held_in)) for variant in found.plays if found.rate(variant, held_in)
    }
    seen = Counter(category for one in shares.values() for category, share in one.items() if share)
    return {
        variant: {category: one[category] for category in CATEGORIES if seen[category]}
        for variant, one in shares.items()
    }

"""The metrics of one sample: element accuracy, F1 of the operation, step success, and what the ranker missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Score

if TYPE_CHECKING:
    from collections.abc import Collection

    from agenttuning.environments.worlds.sites.tournament import Prediction

RECALL_AT: Final = (5, 10, 20, 50)


def judge(prediction: Prediction, *, elements: Collection[str], action: str, best_rank: int | None) -> Score:
    """Compare a prediction with the right elements that took part; without one everything is 0."""
    element = float(prediction.element in elements)
    f1 = action_f1(prediction.action, action) if elements else 0.0
    success = element == 1.0 and f1 >= 1.0
    metrics = {"element_accuracy": element, "action_f1": f1, "step_success": float(success)}
    return Score(reward=float(success), success=success, metrics={**metrics, **recall(best_rank)})


def action_f1(predicted: str, gold: str) -> float:
    """Return the F1 of the sets of words; two empty ones are equal."""
    mine, theirs = set(predicted.split()), set(gold.split())
    if not mine or not theirs:
        return float(mine == theirs)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))


def recall(best_rank: int | None) -> dict[str, float]:
    """Return whether the best right element is among the ranker's first 5, 10, 20 and 50."""
    return {f"recall@{k}": float(best_rank is not None and best_rank < k) for k in RECALL_AT}

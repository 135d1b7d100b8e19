"""Which set-ups are unlike: what must agree before two numbers may stand in one column.

A policy is what is compared, and a seed is what is repeated; everything else that made a number must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agenttuning.analysis.scores import MadeBy

_MAY_DIFFER = frozenset({"policy", "seed"})


def differing_keys(one: MadeBy, other: MadeBy) -> list[str]:
    """Return the keys in which two set-ups differ; sampling is not asked of what draws no tokens."""
    mine, theirs = one.model_dump(), other.model_dump()
    unlike = [key for key in mine if mine[key] != theirs[key] and key not in _MAY_DIFFER]
    if one.sampling is None or other.sampling is None:
        return [key for key in unlike if key != "sampling"]
    if "sampling" in unlike and _without_seed(one) == _without_seed(other):
        unlike.remove("sampling")
    return unlike


def _without_seed(made_by: MadeBy) -> dict[str, object]:
    return made_by.sampling.model_dump(exclude={"seed"}) if made_by.sampling else {}

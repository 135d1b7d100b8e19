"""The constants of the contamination rule."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from agenttuning.core.records import Record


class Rule(Record):
    """The constants of the rule."""

    n: int = Field(default=10, gt=0)
    """Tokens of a seed, or of a window."""
    tolerance: int = Field(default=4, ge=0)
    """Mismatching tokens that an extended match, or a window, may hold."""
    reading: Literal["seed", "strict"] = "seed"
    """`seed`: an exact n-gram extended over mismatches; `strict`: any aligned n tokens with at most `tolerance`
    mismatches, which finds more and takes far longer."""
    dirty: float = Field(default=0.8, ge=0.0, le=1.0)
    """A sample above this contaminated share is dirty."""
    clean: float = Field(default=0.2, ge=0.0, le=1.0)
    """A sample below this contaminated share is clean."""

    @model_validator(mode="after")
    def _pieces(self) -> Rule:
        if self.reading == "strict" and self.n <= self.tolerance:
            raise ValueError(
                f"the strict reading needs n above tolerance, got n = {self.n}, {self.tolerance} mismatches"
            )
        return self

    @property
    def piece(self) -> int:
        """Tokens in a row that every match holds.

        A window with at most `tolerance` mismatches is cut into `tolerance` + 1 pieces, one of which has none.
        """
        return self.n if self.reading == "seed" else self.n // (self.tolerance + 1)

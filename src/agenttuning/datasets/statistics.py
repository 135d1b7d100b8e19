"""The paper's table of a data file: dialogues and average turns per environment (paper table 1).

A turn is an answer that the teacher wrote: an assistant turn not flagged false. Few-shot answers and acknowledgements
are context.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agenttuning.datasets.hub import split_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenttuning.datasets.dialogue import Dialogue


@dataclass
class Figures:
    """Sums of one environment, or of a file."""

    dialogues: int = 0
    messages: int = 0
    turns: int = 0
    """Teacher turns."""
    context_turns: int = 0
    characters: int = 0
    tokens: int = 0
    rewards: int = 0
    reward: float = 0.0

    def add(self, dialogue: Dialogue, count: Callable[[str], int] | None) -> None:
        """Add a dialogue; `count` gives the tokens of a text."""
        self.dialogues += 1
        self.messages += len(dialogue.turns)
        for turn in dialogue.turns:
            if turn.role == "assistant":
                context = turn.train is False
                self.turns += not context
                self.context_turns += context
            self.characters += len(turn.content)
            if count is not None:
                self.tokens += count(turn.content)
        if dialogue.reward is not None:
            self.rewards += 1
            self.reward += dialogue.reward

    def row(self) -> dict[str, int | float | None]:
        """Return the figures of a table row."""
        row: dict[str, int | float | None] = {
            "conversations": self.dialogues,
            "average_turns": round(self.turns / self.dialogues, 2) if self.dialogues else 0.0,
            "messages": self.messages,
            "trained_turns": self.turns,
            "context_turns": self.context_turns,
            "characters": self.characters,
        }
        if self.tokens:
            row["tokens"] = self.tokens
        return row | ({"average_reward": round(self.reward / self.rewards, 4)} if self.rewards else {})


@dataclass
class Statistics:
    """Figures of a file, and of each environment that its ids name."""

    count: Callable[[str], int] | None = None
    """Tokens of a text; None counts characters only."""
    total: Figures = field(default_factory=Figures)
    environments: dict[str, Figures] = field(default_factory=dict)

    def add(self, dialogue: Dialogue) -> None:
        """Add a dialogue."""
        self.total.add(dialogue, self.count)
        header = dialogue.extra.get("trajectory")
        name = str(header["environment"]) if isinstance(header, dict) else split_of(dialogue.id)
        if name != "train":
            self.environments.setdefault(name, Figures()).add(dialogue, self.count)

"""Worked plans to be shown before a question: the first whose tools are all offered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from agenttuning.environments.worlds.rewoo.question import written_plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from agenttuning.environments.worlds.rewoo.toolbox import ToolName


class Example(NamedTuple):
    """A question and a plan for it."""

    tools: frozenset[ToolName]
    question: str
    steps: tuple[tuple[str, str], ...]

    @property
    def plan(self) -> str:
        """The plan as a planner writes it."""
        return written_plan(list(self.steps))


EXAMPLES: Final = (
    Example(
        frozenset({"SearchSOTU", "LLM"}),
        "Based on State of the Union Address 2023: How many electric charging stations are being built, and by whom?",
        (
            ("Find the passage about charging stations.", "SearchSOTU[electric vehicle charging stations built by]"),
            ("Read the number and the builders out of it.", "LLM[How many stations, and who builds them? Given #E1]"),
        ),
    ),
    Example(
        frozenset({"Wikipedia", "LLM"}),
        "Which river flows through the birthplace of the composer of The Magic Flute?",
        (
            ("Find out who composed the opera.", "Wikipedia[The Magic Flute]"),
            ("Take the composer's name from the page.", "LLM[Who composed the opera? Given #E1]"),
            ("Find out where the composer was born.", "Wikipedia[#E2]"),
            ("Take the town from the page.", "LLM[In which town was the composer born? Given #E3]"),
            ("Find the river of that town.", "LLM[Which river flows through #E4?]"),
        ),
    ),
    Example(
        frozenset({"SearchSOTU"}),
        "Based on State of the Union Address 2023: How many electric charging stations are being built?",
        (("Find the passage about charging stations.", "SearchSOTU[electric vehicle charging stations]"),),
    ),
    Example(
        frozenset({"Wikipedia", "Calculator"}),
        "How many years after the Eiffel Tower was finished was the Atomium opened?",
        (
            ("Find the year of the tower.", "Wikipedia[Eiffel Tower | completed]"),
            ("Find the year of the Atomium.", "Wikipedia[Atomium | opened]"),
            ("Work out the difference.", "Calculator[#E2 - #E1]"),
        ),
    ),
    Example(
        frozenset({"Calculator"}),
        "Pia has three boxes of 24 pencils. She gives a quarter of all pencils to her class. How many does she keep?",
        (
            ("Count all pencils.", "Calculator[3 * 24]"),
            ("Work out how many she gives away.", "Calculator[#E1 / 4]"),
            ("Take them off.", "Calculator[#E1 - #E2]"),
        ),
    ),
    Example(
        frozenset({"Wikipedia"}),
        "Which is taller, the Eiffel Tower or the Atomium?",
        (
            ("Find the height of the tower.", "Wikipedia[Eiffel Tower | height metres tall]"),
            ("Find the height of the Atomium.", "Wikipedia[Atomium | height metres tall]"),
        ),
    ),
    Example(
        frozenset({"LLM"}),
        "Which river flows through the birthplace of the composer of The Magic Flute?",
        (
            ("Find out who composed the opera.", "LLM[Who composed The Magic Flute?]"),
            ("Find out where the composer was born.", "LLM[In which town was #E1 born?]"),
            ("Find the river of that town.", "LLM[Which river flows through #E2?]"),
        ),
    ),
)


def example_for(offered: Collection[ToolName]) -> Example | None:
    """Return the example for these tools; None where every example needs another."""
    return next((example for example in EXAMPLES if example.tools.issubset(offered)), None)

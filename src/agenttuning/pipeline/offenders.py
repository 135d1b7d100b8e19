"""Which training trajectories hold what of which test sample: the evidence behind the contamination rates."""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pydantic import JsonValue

    from agenttuning.analysis.contamination import Match, Reference
    from agenttuning.analysis.contamination.spans import Spans
    from agenttuning.core.records import Trajectory

    Show = Callable[[Sequence[str] | Sequence[int]], Sequence[str]]
    """Tokens to what a person reads of each."""


_SHOWN = 160
"""Characters of a passage in a table."""


class Passage(Record):
    """One match; places count tokens from 0, the end excluded."""

    in_sample: tuple[int, int]
    in_training: tuple[int, int]
    text: str
    """The passage as the training side has it, folded, a space between tokens; those that the sample does not have
    stand in [[ ]]."""


class Offence(Record):
    """One line of `offenders.jsonl`: a test sample and a training trajectory that holds much of it."""

    test_set: str
    """The world, or the name of the general test."""
    sample: str
    """Id of the task, or name of the row."""
    environment: str
    task: str
    episode: int
    """Number of the sample of the training task."""
    exact: float
    """Share of the test sample inside exact runs."""
    tolerant: float
    """Share inside matches, mismatches bridged."""
    passages: tuple[Passage, ...]

    def row(self) -> dict[str, JsonValue]:
        """Return what a table shows of it."""
        longest = max((passage.text for passage in self.passages), key=len, default="")
        return {
            "trajectory": f"{self.environment} {self.task}",
            "exact": self.exact,
            "tolerant": self.tolerant,
            "passage": longest if len(longest) <= _SHOWN else f"{longest[:_SHOWN]} ...",
        }


@dataclass(frozen=True, slots=True)
class _Found:
    trajectory: tuple[str, str, int]
    text: str
    exact: float
    tolerant: float
    spans: Spans


class Offenders:
    """The trajectories that hold most of each sample, gathered while training texts pass by."""

    def __init__(self, *, most: int, least: float) -> None:
        """Keep `most` trajectories per sample, of those that hold at least the share `least` of it."""
        self._most, self._least = most, least
        self._found: defaultdict[int, list[_Found]] = defaultdict(list)

    def note(self, trajectory: Trajectory, text: str, match: Match) -> None:
        """Remember a trajectory where it holds more than others do; the earlier of equals stays."""
        for place in np.nonzero(match.tolerant >= self._least)[0] if self._most else ():
            sample, share = int(match.samples[place]), float(match.tolerant[place])
            held = self._found[sample]
            if len(held) == self._most and share <= held[-1].tolerant:
                continue
            key = (trajectory.environment, trajectory.task, trajectory.sample)
            spans = match.spans.where(match.spans.sample == sample)
            held.append(_Found(key, text, float(match.exact[place]), share, spans))
            held.sort(key=lambda found: -found.tolerant)
            del held[self._most :]

    def offences(self, names: Sequence[tuple[str, str]], reference: Reference, show: Show) -> Iterator[Offence]:
        """Yield what was found, by sample, the worst first.

        Args:
            names: test set and name of every sample.
            reference: cuts texts into the tokens that spans count.
            show: makes them readable.
        """
        for sample, held in sorted(self._found.items()):
            for found in held:
                (tokens,) = reference.split([found.text])
                yield Offence(
                    test_set=names[sample][0],
                    sample=names[sample][1],
                    environment=found.trajectory[0],
                    task=found.trajectory[1],
                    episode=found.trajectory[2],
                    exact=round(found.exact, 4),
                    tolerant=round(found.tolerant, 4),
                    passages=tuple(_passages(found.spans, show(tokens), reference.tokens_of(sample), tokens)),
                )


def worst(offences: Iterable[Offence], most: int) -> dict[str, JsonValue]:
    """Return, for a table, the test samples of which one trajectory holds most word for word, each once."""
    first: dict[str, Offence] = {}
    for one in offences:
        name = f"{one.test_set} {one.sample}"
        if name not in first or one.exact > first[name].exact:
            first[name] = one
    chosen = heapq.nlargest(most, first.items(), key=lambda item: (item[1].exact, item[1].tolerant))
    return {name: one.row() for name, one in chosen}


def _passages(
    spans: Spans,
    shown: Sequence[str],
    sample: Sequence[str | int],
    training: Sequence[str] | Sequence[int],
) -> Iterator[Passage]:
    for start, stop, shift in united(spans):
        marked = (
            shown[place + shift] if sample[place] == training[place + shift] else f"[[{shown[place + shift]}]]"
            for place in range(start, stop)
        )
        yield Passage(in_sample=(start, stop), in_training=(start + shift, stop + shift), text=" ".join(marked))


def united(spans: Spans) -> list[tuple[int, int, int]]:
    """Unite the overlapping spans of one sample and one text that lie alike; return (start, stop, shift), in order."""
    joined: list[tuple[int, int, int]] = []
    rows = zip(spans.shift.tolist(), spans.start.tolist(), spans.stop.tolist(), strict=True)
    for shift, start, stop in sorted(rows):
        if joined and joined[-1][2] == shift and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]), shift)
        else:
            joined.append((start, stop, shift))
    return sorted(joined)

"""Both readings of the rule as a person would write them down, one token at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.analysis.contamination import Reference, Rule, words

if TYPE_CHECKING:
    from agenttuning.analysis.contamination.reference import Engine


def slow_shares(samples: list[str], text: str, rule: Rule) -> list[float]:
    """Every alignment, every seed, grown token by token; or every window."""
    row = words(text)
    shares = []
    for sample in (words(sample) for sample in samples):
        inside = [False] * len(sample)
        for offset in range(-len(sample), len(row)):
            equal = [
                0 <= place + offset < len(row) and sample[place] == row[place + offset] for place in range(len(sample))
            ]
            if rule.reading == "seed":
                _mark_seeds(inside, equal, rule)
            else:
                _mark_windows(inside, equal, offset, len(row), rule)
        shares.append(sum(inside) / max(len(sample), 1))
    return shares


def _mark_seeds(inside: list[bool], equal: list[bool], rule: Rule) -> None:
    for start in range(len(equal) - rule.n + 1):
        if not all(equal[start : start + rule.n]) or (start and equal[start - 1]):
            continue
        stop = start
        while stop < len(equal) and equal[stop]:
            stop += 1
        budget, end = rule.tolerance, stop
        for place in range(stop, len(equal)):
            budget -= not equal[place]
            if budget < 0:
                break
            end = place + 1 if equal[place] else end
        budget = rule.tolerance - sum(not equal[place] for place in range(stop, end))
        begin = start
        for place in range(start - 1, -1, -1):
            budget -= not equal[place]
            if budget < 0:
                break
            begin = place if equal[place] else begin
        inside[begin:end] = [True] * (end - begin)


def _mark_windows(inside: list[bool], equal: list[bool], offset: int, length: int, rule: Rule) -> None:
    for start in range(len(equal) - rule.n + 1):
        fits = start + offset >= 0 and start + offset + rule.n <= length
        if fits and equal[start : start + rule.n].count(False) <= rule.tolerance:
            inside[start : start + rule.n] = [True] * rule.n


def shares(samples: list[str], text: str, rule: Rule, *, exact: bool = False, engine: Engine = "numpy") -> list[float]:
    """Return what one text holds of every sample."""
    found = Reference(samples, rule, engine=engine).match(text)
    held = dict(zip(found.samples.tolist(), (found.exact if exact else found.tolerant).tolist(), strict=True))
    return [held.get(number, 0.0) for number in range(len(samples))]

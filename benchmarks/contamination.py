"""Words per second of the contamination check against Python sets of n-grams, on the same text in the same run.

    python benchmarks/contamination.py [TEXTS]         against the sets of strings and of tuples, one core
    python benchmarks/contamination.py --long [WORDS]  a general set as long as ShareGPT's, all cores; or in two steps:
    python benchmarks/contamination.py --write FOLDER, then --check FOLDER

Words follow Zipf's law; some training texts hold a test sample, and every method must find all of them. A set answers
only whether some n-gram is shared, the check also compares, extends and rates. Random texts of common words do share
windows with four mismatches: those are the texts that the strict reading finds more. Best of three runs;
indexing the samples is not counted. The long run writes JSON Lines first and then reads them in a process of its own,
whose wall time and peak memory are told.
"""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agenttuning.analysis.contamination import Reference, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.analysis.contamination.reference import Engine

N = 10
LONG = 300_000_000
"""Words of the long run, about 400 M tokens."""
SAMPLES, SAMPLE_WORDS = 6000, 50
TEXT_WORDS = 3300
"""Words of a training text: 90,000 of them are the long run."""
_STEPS = 1 << 20
"""Words are drawn from a table of their quantiles."""


class Source:
    """Texts of words that follow Zipf's law, some of them with a sample in it."""

    def __init__(self, seed: int) -> None:
        self._stream = np.random.default_rng(seed)
        letters = random.Random(0)
        drawn = {"".join(letters.choices("etaoinshrdlucm", k=max(2, int(letters.gauss(6, 2))))) for _ in range(60_000)}
        words = sorted(drawn)
        letters.shuffle(words)
        chances = np.cumsum(1 / np.arange(1, len(words) + 1))
        steps = np.searchsorted(chances, (np.arange(_STEPS) + 0.5) / _STEPS * chances[-1])
        self._words = np.array(words, dtype=object)[steps]

    def text(self, words: int) -> str:
        """Draw one text."""
        return " ".join(self._words[self._stream.integers(0, _STEPS, words)])

    def texts(self, count: int, samples: list[str]) -> Iterator[tuple[bool, str]]:
        """Yield texts and whether a sample was planted; one in a hundred has one."""
        for number in range(count):
            text = self.text(TEXT_WORDS)
            planted = number % 100 == 0
            yield planted, f"{text} {samples[number % len(samples)]} {text[:50]}" if planted else text


Check = Callable[[list[str]], list[bool]]
"""Training texts to whether each holds some n-gram of a sample."""


def by_strings(samples: list[str]) -> Check:
    """Look every n-gram up as a joined string."""
    known = {gram for sample in samples for gram in _strings(sample)}
    return lambda texts: [any(gram in known for gram in _strings(text)) for text in texts]


def _strings(text: str) -> Iterator[str]:
    split = text.lower().split()
    return (" ".join(split[place : place + N]) for place in range(len(split) - N + 1))


def by_tuples(samples: list[str]) -> Check:
    """Look every n-gram up as a tuple of words."""
    known = {gram for sample in samples for gram in _tuples(sample)}
    return lambda texts: [not known.isdisjoint(_tuples(text)) for text in texts]


def _tuples(text: str) -> Iterator[tuple[str, ...]]:
    split = text.lower().split()
    return zip(*(split[place:] for place in range(N)), strict=False)


def by_rule(rule: Rule, *, engine: Engine) -> Callable[[list[str]], Check]:
    """Check as the stage does."""

    def build(samples: list[str]) -> Check:
        reference = Reference(samples, rule, engine=engine)
        reference.match(samples[0])  # compiles
        return lambda texts: [len(match.samples) > 0 for _, match in reference.scan((None, text) for text in texts)]

    return build


def compare(count: int) -> None:
    """Print the speed of every method on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    source = Source(1)
    samples = [source.text(SAMPLE_WORDS) for _ in range(SAMPLES)]
    drawn = list(source.texts(count, samples))
    texts, planted = [text for _, text in drawn], [held for held, _ in drawn]
    size = sum(map(len, texts))
    print(f"{count * TEXT_WORDS / 1e6:.1f} M words, {size / 1e6:.0f} MB; {SAMPLES} samples of {SAMPLE_WORDS} words")
    methods = {
        "Python set of joined strings": by_strings,
        "Python set of tuples": by_tuples,
        "numpy": by_rule(Rule(), engine="numpy"),
        "numba": by_rule(Rule(), engine="numba"),
        "numba, strict reading": by_rule(Rule(reading="strict"), engine="numba"),
    }
    seconds = {}
    for name, build in methods.items():
        check = build(samples)
        spent, found = min(_seconds(check, texts) for _ in range(1 if "strict" in name else 3))
        missed = sum(held and not seen for held, seen in zip(planted, found, strict=True))
        more = sum(seen and not held for held, seen in zip(planted, found, strict=True))
        assert not missed, name
        assert not more or "strict" in name, name
        seconds[name] = spent
        rate = count * TEXT_WORDS / spent / 1e6
        ratio = seconds["Python set of joined strings"] / spent
        speed = f"{rate:7.2f} M words/s {size / spent / 1e6:7.1f} MB/s, {ratio:5.1f} times the first"
        print(f"{name:30} {speed}; {more} texts more")


def _seconds(check: Check, texts: list[str]) -> tuple[float, list[bool]]:
    began = time.process_time()
    found = check(texts)
    return time.process_time() - began, found


def write_long(folder: Path, words: int) -> None:
    """Write a long set of training texts, and the samples."""
    path, count = folder / "general.jsonl", words // TEXT_WORDS
    source = Source(1)
    samples = [source.text(SAMPLE_WORDS) for _ in range(SAMPLES)]
    with path.open("w") as file:
        for _, text in source.texts(count, samples):
            file.write(json.dumps({"text": text}) + "\n")
    (folder / "samples.json").write_text(json.dumps(samples))
    print(f"{count:,} texts, {count * TEXT_WORDS / 1e6:.0f} M words, {path.stat().st_size / 1e9:.2f} GB written")


def check_long(folder: Path) -> None:
    """Check a written set; print wall time, CPU time and peak memory, reading and parsing included."""
    began = time.monotonic()
    reference = Reference(json.loads((folder / "samples.json").read_text()), Rule())
    found = read = 0
    with (folder / "general.jsonl").open("rb") as file:
        for _, match in reference.scan((None, json.loads(line)["text"]) for line in file):
            read += 1
            found += bool(len(match.samples))
    assert found == -(-read // 100), found
    spent = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"checked {read:,} texts, {found:,} of them planted and found: {time.monotonic() - began:.1f} s wall, "
        f"{spent.ru_utime + spent.ru_stime:.1f} s CPU, {spent.ru_maxrss / 1e6:.2f} GB peak, {os.cpu_count()} cores"
    )


def main(words: list[str]) -> None:
    """Choose what to measure."""
    match words:
        case ["--write", folder]:
            write_long(Path(folder), LONG)
        case ["--check", folder]:
            check_long(Path(folder))
        case ["--long", *rest]:
            with tempfile.TemporaryDirectory() as folder:
                write_long(Path(folder), int(rest[0]) if rest else LONG)
                subprocess.run((sys.executable, __file__, "--check", folder), check=True)
        case [count]:
            compare(int(count))
        case _:
            compare(1200)


if __name__ == "__main__":
    main(sys.argv[1:])

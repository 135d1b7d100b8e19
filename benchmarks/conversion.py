"""The data formats: MB/s of convert and validate against reading and writing the same JSON, and their memory.

    python benchmarks/conversion.py [MEGABYTES [FOLDER]]

A generated file of so many MB (200) in AgentInstruct's schema, as JSON Lines, as one JSON array and as Parquet: 11
turns of 30 to 700 characters, like ALFWorld's and WebShop's. The peer is `json.loads` and `json.dumps` of every line,
in the same run; a ratio of 2 means half its speed. Each figure comes from a process of its own; memory is its peak,
Python and libraries included, and does not grow with the file.
"""

from __future__ import annotations

import json
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.datasets.checks import Checker
from agenttuning.datasets.conversion import Conversion, Outcome
from agenttuning.datasets.registry import format_named
from agenttuning.datasets.row_writer import write_rows
from agenttuning.datasets.source import open_source
from agenttuning.datasets.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.datasets.dialogue import Row

WORDS = ["take", "open", "look", "desk", "bed", "shelf", "lamp", "drawer", "mug", "pen", "on", "in", "the", "is"]
TARGETS = ("agentinstruct", "openai", "axolotl", "llamafactory-whole", "atif")


def main() -> None:
    """Run the parts, each in a process of its own."""
    if sys.argv[1:2] == ["--part"]:
        name, *arguments = sys.argv[2:]
        begun = time.process_time()
        found = {"peer": peer, "convert": convert, "validate": validate, "stats": stats}[name](*arguments)
        print(json.dumps({"seconds": time.process_time() - begun, "memory": peak_megabytes(), "count": found}))
        return
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(f"Python {platform.python_version()}, {platform.machine()}; one process, one thread, processor time")
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as place:
        folder = Path(place)
        files = write_files(folder, megabytes * 10**6)
        size = files[0].stat().st_size / 1e6
        base = part("peer", str(files[0]), str(folder / "out"))
        show("json.loads + json.dumps", base, size, base)
        for target in TARGETS:
            show(f"convert to {target}", part("convert", str(files[0]), str(folder / "out.jsonl"), target), size, base)
        for path in files[1:]:
            show(
                f"convert {path.name} to openai",
                part("convert", str(path), str(folder / "out.jsonl"), "openai"),
                size,
                base,
            )
        show(
            "convert to a Parquet file",
            part("convert", str(files[0]), str(folder / "out.parquet"), "agentinstruct"),
            size,
            base,
        )
        show("validate", part("validate", str(files[0])), size, base)
        show("stats", part("stats", str(files[0])), size, base)


def part(name: str, *arguments: str) -> dict[str, float]:
    """Run one part in a fresh process and return its figures."""
    command = [sys.executable, __file__, "--part", name, *arguments]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def peak_megabytes() -> float:
    """Return the most memory that this program has had since it began (Linux; `getrusage` counts its parent's too)."""
    found = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def show(what: str, found: dict[str, float], size: float, base: dict[str, float]) -> None:
    """Print one line."""
    rate, ratio = size / found["seconds"], found["seconds"] / base["seconds"]
    print(f"{what:<36} {rate:6.0f} MB/s, {ratio:4.2f} of the peer's time, peak {found['memory']:.0f} MB", flush=True)


def peer(source: str, target: str) -> int:
    """Read and write every line."""
    count = 0
    with Path(source).open("rb") as lines, Path(target).open("wb") as out:
        for line in lines:
            out.write(json.dumps(json.loads(line), ensure_ascii=False).encode() + b"\n")
            count += 1
    return count


def convert(source: str, target: str, to: str) -> int:
    """Convert a file."""
    outcome = Outcome()
    Conversion(format_named(to)).run(open_source(Path(source)).dialogues, Path(target), outcome)
    assert outcome.written == outcome.read, outcome.refused
    return outcome.written


def validate(source: str) -> int:
    """Check a file."""
    checker = Checker()
    found = Counter(p.rule for _, one in open_source(Path(source)).dialogues for p in checker.check(one))
    return found.total()


def stats(source: str) -> int:
    """Count a file."""
    statistics = Statistics()
    for _, one in open_source(Path(source)).dialogues:
        statistics.add(one)
    return statistics.total.turns


def write_files(folder: Path, size: int) -> list[Path]:
    """Write the same rows in three kinds of file."""
    schema = format_named("agentinstruct").schema()
    paths = [folder / "rows.jsonl", folder / "rows.json", folder / "rows.parquet"]
    for path in paths:
        write_rows(path, rows(size), schema=schema)
    return paths


def rows(size: int) -> Iterator[Row]:
    """Yield so many bytes of conversations."""
    chance = random.Random(0)
    written = number = 0
    while written < size:
        turns: list[Row] = [said("human", 700, chance), said("gpt", 30, chance, loss=False)]
        for _ in range(4):
            turns += [said("human", 400, chance), said("gpt", 200, chance, loss=True)]
        row: Row = {"id": f"alfworld_{number}", "conversations": list(turns)}
        written += len(json.dumps(row))
        number += 1
        yield row


def said(sender: str, length: int, chance: random.Random, *, loss: bool | None = None) -> Row:
    """Return a turn."""
    text = " ".join(chance.choices(WORDS, k=length // 5))
    return {"from": sender, "loss": loss, "value": f"ACTION: go to {text}" if loss else f"{text}\n“{text[:9]}”"}


if __name__ == "__main__":
    main()

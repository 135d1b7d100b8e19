"""The hostile suite and the probes on all worlds; writes their tables into docs/security.md.

    python benchmarks/hostile_suite.py                       everything, about half an hour
    python benchmarks/hostile_suite.py chat alfworld         these worlds; the others keep their rows
    python benchmarks/hostile_suite.py webarena --replies 100
    python benchmarks/hostile_suite.py --probes              the probes instead

Each world is played by `agenttuning check ID --hostile N --json` in a process of its own. Exit code 1 when one is not
sound.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

from agenttuning.core.records import Record
from agenttuning.environments import environment_ids
from agenttuning.pipeline.hostility.probe import ProbeReport, ProbeResult
from agenttuning.pipeline.hostility.suite import HostileReport

PAGE = Path(__file__).parents[1] / "docs" / "security.md"
SUITE = ("<!-- hostile suite: benchmarks/hostile_suite.py -->", "<!-- end of the hostile suite -->")
PROBED = ("<!-- probes: benchmarks/hostile_suite.py --probes -->", "<!-- end of the probes -->")
HEAD = (
    "| world | hostile replies | episodes | crashes | hangs | leaks | rewarded | of these oracle's moves / words / "
    "own legal moves | unearned | slowest reply |\n| --- |" + " ---: |" * 9
)
PROBE_HEAD = (
    "| world | probe | tasks | may win | won | success | secrets told | why it stays |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
)
RecordT = TypeVar("RecordT", bound=Record)
SETTINGS = {"operating_system": ["command_seconds=3"]}


def main() -> int:
    """Play, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", nargs="*", default=environment_ids())
    parser.add_argument("--replies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--probes", action="store_true")
    arguments = parser.parse_args()
    marks = PROBED if arguments.probes else SUITE
    rows, sound = read_rows(marks), True
    for world in arguments.worlds:
        if arguments.probes:
            results = ask(world, "--probes", record=ProbeReport).results
            sound &= all(result.held for result in results)
            rows[world] = list(map(probe_row, results))
        else:
            given = ("--hostile", str(arguments.replies), "--seed", str(arguments.seed))
            report = ask(world, *given, record=HostileReport)
            sound &= report.sound
            rows[world] = [suite_row(report)]
            for line in (*report.leaks, *report.faults, *report.unearned):
                print(f"  {line}")
        print("\n".join(rows[world]), flush=True)
        write_rows(rows, marks)
    return 0 if sound else 1


def ask(world: str, *words: str, record: type[RecordT]) -> RecordT:
    """Run the command on one world."""
    command = [sys.executable, "-m", "agenttuning", "check", world, *SETTINGS.get(world, []), "--json", *words]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return record.model_validate_json(ran.stdout)


def suite_row(report: HostileReport) -> str:
    """Return a world's line of the table."""
    ways = [report.explained.get(way, 0) for way in ("oracle's moves", "oracle's words", "own legal moves")]
    cells = (
        f"`{report.environment}`",
        f"{report.replies:,}",
        f"{report.episodes:,}",
        report.crashes,
        report.hangs,
        len(report.leaks),
        report.rewarded,
        " / ".join(map(str, ways)),
        len(report.unearned),
        f"{report.slowest_seconds:.1f} s",
    )
    return f"| {' | '.join(map(str, cells))} |"


def probe_row(result: ProbeResult) -> str:
    """Return a probe's line of the table."""
    cells = (
        f"`{result.environment}`",
        result.probe,
        result.tasks,
        f"{result.bound:g}",
        f"{result.reward:.3f}",
        f"{result.success:.1%}",
        result.told,
        result.stays or "-",
    )
    return f"| {' | '.join(map(str, cells))} |"


def read_rows(marks: tuple[str, str]) -> dict[str, list[str]]:
    """Return the rows that stand on the page, by world."""
    block = PAGE.read_text().partition(marks[0])[2].partition(marks[1])[0]
    rows: dict[str, list[str]] = {}
    for found in re.finditer(r"^\| `(\w+)`.*$", block, re.MULTILINE):
        rows.setdefault(found[1], []).append(found[0])
    return rows


def write_rows(rows: dict[str, list[str]], marks: tuple[str, str]) -> None:
    """Replace the table on the page."""
    before, _, rest = PAGE.read_text().partition(marks[0])
    after = rest.partition(marks[1])[2]
    ordered = [row for world in environment_ids() for row in rows.get(world, [])]
    head = PROBE_HEAD if marks == PROBED else HEAD
    PAGE.write_text("\n".join((f"{before}{marks[0]}", head, *ordered, f"{marks[1]}{after}")))


if __name__ == "__main__":
    raise SystemExit(main())

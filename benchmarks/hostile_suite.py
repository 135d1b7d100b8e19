"""The hostile suite and the probes on all worlds; writes their tables into docs/security.md.

    python benchmarks/hostile_suite.py                       everything, about half an hour
    python benchmarks/hostile_suite.py chat alfworld         these worlds; the others keep their rows
    python benchmarks/hostile_suite.py webarena --replies 100

Each world is played by `agenttuning check ID --hostile N --json` in a process of its own. Exit code 1 when one is not
sound.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from agenttuning.environments import environment_ids
from agenttuning.pipeline.hostility.suite import HostileReport

PAGE = Path(__file__).parents[1] / "docs" / "security.md"
BEGIN, END = "<!-- hostile suite: benchmarks/hostile_suite.py -->", "<!-- end of the hostile suite -->"
HEAD = (
    "| world | hostile replies | episodes | crashes | hangs | leaks | rewarded | of these oracle's moves / words / "
    "own legal moves | unearned | slowest reply |\n| --- |" + " ---: |" * 9
)
SETTINGS = {"operating_system": ["command_seconds=3"]}


def main() -> int:
    """Play, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", nargs="*", default=environment_ids())
    parser.add_argument("--replies", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows, sound = read_rows(), True
    for world in arguments.worlds:
        report = play(world, replies=arguments.replies, seed=arguments.seed)
        sound &= report.sound
        rows[world] = row(report)
        print(rows[world], flush=True)
        for line in (*report.leaks, *report.faults, *report.unearned):
            print(f"  {line}")
        write_rows(rows)
    return 0 if sound else 1


def play(world: str, *, replies: int, seed: int) -> HostileReport:
    """Run the command on one world."""
    command = [sys.executable, "-m", "agenttuning", "check", world, *SETTINGS.get(world, []), "--json"]
    command += ["--hostile", str(replies), "--seed", str(seed)]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return HostileReport.model_validate_json(ran.stdout)


def row(report: HostileReport) -> str:
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


def read_rows() -> dict[str, str]:
    """Return the rows that stand on the page."""
    block = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    return {found[1]: found[0] for found in re.finditer(r"^\| `(\w+)`.*$", block, re.MULTILINE)}


def write_rows(rows: dict[str, str]) -> None:
    """Replace the table on the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    ordered = [rows[world] for world in environment_ids() if world in rows]
    PAGE.write_text("\n".join((f"{before}{BEGIN}", HEAD, *ordered, f"{END}{after}")))


if __name__ == "__main__":
    raise SystemExit(main())

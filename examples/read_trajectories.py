"""Read the trajectories of a run: `python examples/read_trajectories.py runs/quickstart/8-evaluate/tuned.jsonl`."""

import sys
from collections import defaultdict
from pathlib import Path

from agenttuning.core.records import Trajectory
from agenttuning.core.store import read_records


def main(path: Path) -> None:
    """Print, for every world, how many episodes were won and the longest one that was lost."""
    worlds: defaultdict[str, list[Trajectory]] = defaultdict(list)
    for trajectory in read_records(path, Trajectory):
        worlds[trajectory.environment].append(trajectory)
    for name, played in sorted(worlds.items()):
        lost = max((t for t in played if not t.score.success), key=lambda t: t.turns, default=None)
        won = sum(trajectory.score.success for trajectory in played)
        print(
            f"{name}: {won} of {len(played)} won" + (f"; look at task {lost.task}, {lost.stop.value}" if lost else "")
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

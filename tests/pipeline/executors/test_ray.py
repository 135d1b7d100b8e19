"""Ray on this machine with two nodes: the same digests, and a node that dies takes nothing with it."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.executors.worlds import collected, constructed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ray.cluster_utils import Cluster

ray = pytest.importorskip("ray", reason="the extra [ray] is not installed")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own sockets and processes
]
SMALL = {"num_cpus": 1, "object_store_memory": 80 << 20}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Two nodes of one CPU each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "180")  # a busy machine is no failure
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    nodes = Cluster(initialize_head=True, head_node_args={**SMALL, "include_dashboard": False})
    try:
        nodes.add_node(**SMALL)
        ray.init(address=nodes.address, log_to_driver=False, logging_level=logging.ERROR)
        yield nodes
    finally:
        ray.shutdown()
        nodes.shutdown()


def kill_after(cluster: Cluster, node: object, path: Path, episodes: int) -> None:
    """Kill a node's processes when so many episodes are recorded."""
    until = time.monotonic() + 240
    while time.monotonic() < until and (not path.exists() or path.read_bytes().count(b"\n") < episodes):
        time.sleep(0.02)
    cluster.remove_node(node, allow_graceful=False)


def test_two_nodes_give_the_digests_of_one_machine_also_when_one_dies(cluster: Cluster, tmp_path: Path) -> None:
    whole, _ = collected(constructed(tmp_path / "whole", tasks=40, seconds=0.05))
    alike, _ = collected(constructed(tmp_path / "alike", tasks=40, seconds=0.05), executor="ray", concurrency=8)
    assert (alike.outputs, alike.counts) == (whole.outputs, whole.counts)

    run = constructed(tmp_path / "killed", tasks=40, seconds=0.05)
    path = run.stage_folder("collect") / "trajectories.jsonl"
    victim = cluster.list_all_nodes()[1]
    killer = threading.Thread(target=kill_after, args=(cluster, victim, path, 5))
    killer.start()
    manifest, played = collected(run, executor="ray", concurrency=8)
    killer.join()
    assert len(played) == len({one.key for one in played}) == 40
    assert (manifest.outputs, manifest.counts) == (whole.outputs, whole.counts)

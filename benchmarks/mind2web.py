"""Prompts per second of the Mind2Web world, against the least that lxml needs: read a page once and write it once.

A prompt is one multiple-choice question: the page cut around five candidates, and the choices. The pages are generated
ones and, where a file of recorded actions is named (`python benchmarks/mind2web.py FILE.jsonl`), real ones. The last
lines measure `agenttuning data import mind2web` on a generated file.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lxml import etree

from agenttuning.environments.held_in.mind2web import Mind2Web, Mind2WebConfig
from agenttuning.environments.worlds.sites.generator import draw_sample
from agenttuning.environments.worlds.sites.importing import import_folder
from agenttuning.environments.worlds.sites.page import Page
from agenttuning.environments.worlds.sites.question import ask
from agenttuning.environments.worlds.sites.ranking import Bm25Ranker, rank_sample

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sites.sample import Sample

TASKS: Final = 300
IMPORT_MEGABYTES: Final = 200


def measure_prompts(name: str, samples: list[Sample]) -> None:
    """Print prompts per second, what ranking costs, and the ratio to lxml's own share."""
    began = time.process_time()
    for sample in samples:
        etree.tostring(etree.fromstring(sample.html), encoding="unicode")
    least = (time.process_time() - began) / len(samples)
    began = time.process_time()
    for sample in samples:
        ask(Page(sample.html), sample.candidates[:5], task=sample.task, previous=sample.previous)
    spent = (time.process_time() - began) / len(samples)
    began = time.process_time()
    for sample in samples:
        rank_sample(sample, Bm25Ranker())
    ranked = (time.process_time() - began) / len(samples)
    size = sum(len(sample.html) for sample in samples) / len(samples) / 1e3
    print(
        f"{name} ({size:.1f} kB, {sum(len(s.candidates) for s in samples) / len(samples):.0f} candidates): "
        f"{1 / spent:,.0f} prompts/s, {spent / least:.1f} x lxml alone; ranking {1e3 * ranked:.2f} ms a page"
    )


def measure_generator() -> None:
    """Print tasks per second of CPU time, ranked and ready to play."""
    for difficulty in ("tiny", "standard", "hard"):
        began = time.process_time()
        tasks = Mind2Web.load("train", Mind2WebConfig.model_validate({"difficulty": difficulty}))
        count = sum(1 for _ in islice(tasks, TASKS))
        print(f"generator, {difficulty}: {count / (time.process_time() - began):,.0f} tasks/s")


def measure_import(folder: Path) -> None:
    """Print megabytes per second and peak memory of an import."""
    page = draw_sample("hard", seed=0, test=False, index=0)
    action = {
        "action_uid": "u",
        "cleaned_html": page.html,
        "raw_html": page.html * 20,
        "operation": {"op": page.operation, "value": page.value},
        "pos_candidates": [{"backend_node_id": node} for node in page.positives],
        "neg_candidates": [{"backend_node_id": node} for node in page.negatives],
    }
    task = {
        "annotation_id": "a",
        "website": "w",
        "confirmed_task": "t",
        "action_reprs": ["r"] * 8,
        "actions": [action] * 8,
    }
    line = json.dumps(task)
    with (folder / "train_0.json").open("w") as file:
        count = IMPORT_MEGABYTES * 1_000_000 // len(line)
        file.write("[" + line)
        for _ in range(count - 1):
            file.write(", " + line)
        file.write("]")
    began = time.perf_counter()
    *_, last = import_folder(folder, folder / "rows")
    spent = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"import of {last.total / 1e6:.0f} MB: {last.total / 1e6 / spent:.0f} MB/s, peak memory {peak:.0f} MB")


def main(recorded: Path | None) -> None:
    """Print the figures."""
    measure_generator()
    for difficulty in ("tiny", "standard", "hard"):
        drawn = [draw_sample(difficulty, seed=0, test=False, index=index) for index in range(TASKS)]
        measure_prompts(f"generated pages, {difficulty}", drawn)
    if recorded is not None:
        from agenttuning.environments.worlds.sites.official import read_rows, split_of

        rows = list(islice(read_rows(recorded, split=split_of(recorded)), TASKS))
        measure_prompts("recorded pages", [row.sample for row in rows] * -(-30 // len(rows)))
    with tempfile.TemporaryDirectory() as folder:
        measure_import(Path(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

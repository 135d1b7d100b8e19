"""How long does a report of 20,000 trajectories take to write, to open and to filter?

    python benchmarks/report_page.py [TRAJECTORIES]

A finished run is generated: two models on two worlds, twelve turns per episode. The page is opened in Chromium from
its file. Limits: first list in 2 s, a filter in 200 ms, 60 MB.
"""

import random
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from agenttuning.core.records import Message, Provenance, Sampling, Score, StepRecord, Stop, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import write_atomic, write_records
from agenttuning.pipeline.evaluate import judge
from agenttuning.pipeline.report import ReportConfig
from agenttuning.pipeline.report import run as report

TURNS = 12
PLACES = [f"{place} {number}" for place in ("cabinet", "drawer", "shelf", "countertop") for number in range(1, 13)]
THINGS = ["mug", "plate", "soap bar", "pencil", "laptop", "candle", "towel", "vase", "book", "keychain"]


def trajectories(model: str, count: int, skill: float) -> Iterator[Trajectory]:
    """Yield episodes that read like ALFWorld's."""
    for number in range(count):
        draw = random.Random(f"{model} {number}")
        messages = [
            Message(role="user", content="Interact with a household to solve a task. " * 20),
            Message(role="assistant", content="OK.", train=False),
            Message(role="user", content=f"You are in the middle of a room. {'. '.join(draw.sample(PLACES, 20))}"),
        ]
        steps = []
        for _ in range(TURNS):
            place, thing = draw.choice(PLACES), draw.choice(THINGS)
            valid = draw.random() < skill
            said = f"THOUGHT: I need a {thing}; it may be at {place}, so I look there first.\nACTION: go to {place}"
            steps.append(StepRecord(message=len(messages), action=f"go to {place}" if valid else "", valid=valid))
            messages.append(Message(role="assistant", content=said, train=True))
            messages.append(
                Message(role="user", content=f"On the {place}, you see {', '.join(draw.sample(THINGS, 4))}.")
            )
        won = draw.random() < skill
        yield Trajectory(
            environment=("alfworld", "scienceworld")[number % 2],
            task=f"test-{number:05d}",
            split="test",
            messages=tuple(messages),
            steps=tuple(steps),
            stop=Stop.DONE if won else Stop.TURNS,
            score=Score(reward=float(won), success=won),
            provenance=Provenance(
                source="synthetic-v1",
                difficulty="standard",
                environment_version="1",
                prompt="p",
                policy=model,
                sampling=Sampling(),
            ),
        )


def main() -> None:
    """Print the figures beside their limits."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    folder = Path(tempfile.mkdtemp())
    try:
        run = Run(folder)
        stage = run.open("evaluate", StageConfig())
        for model, skill in (("base", 0.2), ("tuned", 0.8)):
            write_records(stage.folder / f"{model}.jsonl", trajectories(model, count // 2, skill))
        scores = judge(stage.folder, ["base", "tuned"], stage.start)
        write_atomic(stage.folder / "scores.json", scores.model_dump_json())
        stage.finish(outputs=("base.jsonl", "tuned.jsonl", "scores.json"), counts={})
        raw = sum(path.stat().st_size for path in stage.folder.glob("*.jsonl"))
        began = time.perf_counter()
        report(ReportConfig(), run)
        wrote = time.perf_counter() - began
        page = run.output("report", "report.html")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{count:,} trajectories, {raw / 1e6:.0f} MB: page of {page.stat().st_size / 1e6:.1f} MB (limit 60)")
        print(f"written in {wrote:.1f} s, peak {peak:.0f} MB")
        browse(page)
    finally:
        shutil.rmtree(folder)


def browse(file: Path) -> None:
    """Open the page, filter it and open an episode."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        began = time.perf_counter()
        page.goto(file.as_uri(), wait_until="commit")
        page.wait_for_selector("#list .row")
        print(f"first list after {time.perf_counter() - began:.2f} s (limit 2)")
        took = page.evaluate(
            """() => { const began = performance.now(), filters = document.getElementById("filters");
                filters.elements.error.value = "0"; filters.elements.outcome.value = "gained";
                filters.dispatchEvent(new Event("input", { bubbles: true }));
                document.getElementById("list").getBoundingClientRect();
                return performance.now() - began; }"""
        )
        print(f"a filter answers in {took:.0f} ms (limit 200): {page.inner_text('#found')}")
        began = time.perf_counter()
        page.locator("#list .row").nth(3).click()
        page.locator(".play").first.wait_for()
        print(f"an episode opens in {1000 * (time.perf_counter() - began):.0f} ms, the driver's part included")
        browser.close()


if __name__ == "__main__":
    main()

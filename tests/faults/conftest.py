"""What the fault tests share: the digests of an undisturbed run, and the table that `make faults` saves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.small import call, digests, write_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return digests and counts of every stage of the small recipe."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = call(write_recipe(folder))
    assert done.returncode == 0, done.stderr
    return digests(folder / "runs" / "small")


def pytest_configure(config: pytest.Config) -> None:
    config.stash.setdefault(_ROWS, [])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.when == "call" or (report.skipped and report.when == "setup"):
        fault = item.name.removeprefix("test_").replace("_", " ")
        item.config.stash.setdefault(_ROWS, []).append(f"| {fault} | {report.outcome} | {report.duration:.0f} |")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Save the table where `AGENTTUNING_FAULT_TABLE` says."""
    target = os.environ.get("AGENTTUNING_FAULT_TABLE")
    if target:
        table = "\n".join(("| fault | outcome | seconds |", "| --- | --- | ---: |", *config.stash.get(_ROWS, [])))
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).write_text(f"{table}\n")
        terminalreporter.write_line(f"\n{table}\n\nsaved in {target}")

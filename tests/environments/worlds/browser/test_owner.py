"""The browser of a process: one for all loops, contexts of their own, a new one after a crash."""

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from agenttuning.environments.worlds.browser import process
from agenttuning.environments.worlds.browser.process import PROGRAM_VARIABLE, BrowserProcess, missing_program
from agenttuning.errors import MissingExtraError, WorldError

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_program()), reason=missing_program() or "present"),
]
pytest.importorskip("playwright", reason="playwright is not installed")

from agenttuning.environments.worlds.browser.owner import Browser, _reap, shared_browser  # noqa: E402

SECONDS = 60


def _cookie(browser: Browser, name: str) -> str:
    """Open a context, set a cookie there, and return what its page knows."""

    async def visit() -> str:
        context = await browser.new_context(allowed="http://example.invalid/")
        try:
            await context.add_cookies([{"name": name, "value": "1", "url": "http://example.invalid/"}])
            return " ".join(sorted(cookie["name"] for cookie in await context.cookies()))
        finally:
            await context.close()

    return asyncio.run(browser.run(visit(), seconds=SECONDS))


def test_contexts_share_nothing_and_the_browser_outlives_a_loop() -> None:
    browser = shared_browser()
    assert _cookie(browser, "first") == "first"
    assert _cookie(shared_browser(), "second") == "second"
    assert shared_browser() is browser
    assert browser.contexts == 0


def test_work_that_takes_too_long_is_cut_off() -> None:
    with pytest.raises(TimeoutError):
        asyncio.run(shared_browser().run(asyncio.sleep(SECONDS), seconds=0.1))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_a_browser_that_crashed_is_replaced_and_cleaned_up() -> None:
    browser = shared_browser()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"--user-data-dir={browser.folder}".encode() in line and b"keeper" not in line:
                os.kill(int(entry.name), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while browser.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not browser.alive
    with pytest.raises(WorldError, match="the browser broke"):
        _cookie(browser, "late")
    assert shared_browser() is not browser
    assert not browser.folder.exists()
    assert _cookie(shared_browser(), "again") == "again"


def test_a_browser_that_nobody_uses_is_ended() -> None:
    browser = shared_browser()
    assert _reap(browser, SECONDS) == pytest.approx(SECONDS, abs=SECONDS / 2)
    assert browser.alive
    assert _reap(browser, 0.0) is None
    assert not browser.folder.exists()
    assert _reap(browser, 0.0) is None
    assert shared_browser() is not browser
    assert _cookie(shared_browser(), "later") == "later"


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRAM_VARIABLE, "no-such-browser")
    with pytest.raises(MissingExtraError, match="no-such-browser"):
        BrowserProcess()
    monkeypatch.delenv(PROGRAM_VARIABLE)
    monkeypatch.setenv("PATH", "")
    assert "install" in missing_program()


def test_a_program_that_is_no_browser_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRAM_VARIABLE, "false")
    monkeypatch.setattr(process, "_START_SECONDS", 0.5)
    with pytest.raises(WorldError, match="did not start"):
        BrowserProcess()

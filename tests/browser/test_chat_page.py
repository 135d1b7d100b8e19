"""The chat page in a real browser: it streams, stops, says what is wrong, and shows hostile output as text."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.serving.letters import LetterEngine
from tests.serving.thread import in_thread

from agenttuning.serving.app import create_app
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.sync_api import Browser, Page
    from starlette.applications import Starlette
    from tests.serving.thread import Threaded

pytestmark = pytest.mark.browser
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">&lt;'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on PATH; apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=_FLAGS)
        yield started
        started.close()


@contextmanager
def opened(engine: LetterEngine, settings: ServerSettings, chromium: Browser) -> Iterator[tuple[Page, Threaded]]:
    """Open the page, and see that it asks nobody else and that the policy stops nothing of its own."""

    @asynccontextmanager
    async def served() -> AsyncIterator[Starlette]:
        yield create_app(engine, settings)

    said, asked = list[str](), list[str]()
    with in_thread(served()) as server, chromium.new_context(viewport={"width": 360, "height": 640}) as context:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server.url}/")
        yield page, server
        engine.gate.set()
    assert [text for text in said if "the server responded with a status of 4" not in text] == []
    assert {url for url in asked if not url.startswith(server.url)} <= {"data:,"}


def say(page: Page, text: str) -> None:
    page.get_by_label("Message").focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def turns(page: Page) -> list[str]:
    return page.locator(".turn pre").all_text_contents()


def test_it_streams_and_keeps_the_history_and_begins_anew(chromium: Browser) -> None:
    engine = LetterEngine()
    with opened(engine, ServerSettings(max_answer_tokens=3), chromium) as (page, _):
        page.wait_for_selector("h1:text-is('letters')")
        say(page, "ab")
        page.wait_for_selector(".turn:nth-of-type(2) small")
        say(page, "cd")
        page.wait_for_selector(".turn:nth-of-type(4) small")
        assert turns(page) == ["ab", "abc", "cd", "abc"]
        assert [bytes(asked.prompt_ids).decode() for asked in engine.asked] == ["ab", "ababccd"]
        page.get_by_role("button", name="Settings").click()
        page.get_by_label("System text").fill("S:")
        page.get_by_label("Temperature").fill("0")
        page.get_by_role("button", name="New chat").click()
        assert turns(page) == []
        say(page, "x")
        page.wait_for_selector(".turn:nth-of-type(2) small")
        assert bytes(engine.asked[-1].prompt_ids) == b"S:x"
        assert [asked.sampling.temperature for asked in engine.asked] == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("way", ["button", "key"])
def test_an_answer_is_shown_as_it_comes_and_can_be_stopped(chromium: Browser, way: str) -> None:
    engine = LetterEngine()
    engine.holds_after = 2
    with opened(engine, ServerSettings(), chromium) as (page, server):
        say(page, "x")
        page.wait_for_selector(".turn.busy pre:text-is('ab')")
        if way == "key":
            page.keyboard.press("Escape")
        else:
            page.get_by_role("button", name="Stop").click()
        page.wait_for_selector(".turn small:text-is('stopped')")
        assert turns(page) == ["x", "ab"]
        server.wait(engine.idle())


def test_a_full_server_is_told_and_the_message_is_kept(chromium: Browser) -> None:
    engine = LetterEngine()
    engine.gate.clear()
    with opened(engine, ServerSettings(max_concurrent=1, max_answer_tokens=1), chromium) as (page, server):
        other = page.context.new_page()
        other.goto(f"{server.url}/")
        say(other, "first")
        server.wait(engine.entered.acquire())
        say(page, "second")
        page.wait_for_selector("#error:has-text('429: 1 requests are in progress'):has-text('in 1 s')")
        assert (turns(page), page.get_by_label("Message").input_value()) == ([], "second")
        server.call(engine.gate.set)
        other.wait_for_selector(".turn small")
        page.keyboard.press("Enter")
        page.wait_for_selector(".turn small")
        assert turns(page) == ["second", "a"]


def test_a_key_is_asked_for_where_the_server_has_one(chromium: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LETTERS_KEY", "s3cret")
    settings = ServerSettings(key_variable="LETTERS_KEY", max_answer_tokens=1)
    with opened(LetterEngine(), settings, chromium) as (page, _):
        say(page, "x")
        page.wait_for_selector("#error:has-text('401: this server needs')")
        page.keyboard.type("s3cret")
        assert page.get_by_label("Key of the server").input_value() == "s3cret"
        say(page, "")
        page.wait_for_selector(".turn small")
        assert turns(page) == ["x", "a"]


def test_a_setting_out_of_range_is_named_and_a_failure_ends_the_answer(chromium: Browser) -> None:
    engine = LetterEngine()
    engine.fails_after = 2
    with opened(engine, ServerSettings(), chromium) as (page, _):
        page.get_by_role("button", name="Settings").click()
        page.get_by_label("Temperature").fill("3")
        page.get_by_role("button", name="Settings").click()
        say(page, "x")
        page.wait_for_selector("#error:has-text('Temperature: Value must be less than')")
        page.get_by_label("Temperature").fill("")
        say(page, "")
        page.wait_for_selector(".turn small:text-is('broken off')")
        assert (turns(page), page.locator("#error").text_content()) == (["x", "ab"], "out of memory")


def test_hostile_output_is_text(chromium: Browser) -> None:
    with opened(LetterEngine(HOSTILE), ServerSettings(max_answer_tokens=len(HOSTILE)), chromium) as (page, _):
        say(page, "<b>x</b>")
        page.wait_for_selector(".turn small")
        assert turns(page) == ["<b>x</b>", HOSTILE]
        assert page.locator(".turn b, .turn script, .turn img").count() == 0

"""The page in a real browser: no request, no error, filters that filter, text that stays text."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tests.analysis.episodes import episode
from tests.pipeline.example_run import example_run

from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import write_atomic, write_records
from agenttuning.pipeline.evaluate import judge
from agenttuning.pipeline.report import ReportConfig
from agenttuning.pipeline.report import run as report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = example_run(tmp_path_factory.mktemp("run"))
    report(ReportConfig(), run)
    return run.output("report", "report.html")


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


class Opened:
    """The page, and everything that it did on its own."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(dialog.message))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri())

    def choose(self, name: str, value: str) -> None:
        self.page.select_option(f"select[name={name}]", value)

    def listed(self) -> list[str]:
        """The rows in sight; the others do not exist."""
        return self.page.locator("#list .row").all_inner_texts()

    def found(self) -> int:
        return int(self.page.inner_text("#found").split(" of ")[0].replace(",", ""))

    def reads(self, name: str) -> None:
        """Wait for the reader to show a task."""
        self.page.locator("#reader h3", has_text=name).wait_for()

    def shown(self) -> str:
        return self.page.inner_text("#reader")


@pytest.fixture
def opened(chromium: Browser, page_file: Path) -> Iterator[Opened]:
    page = chromium.new_page(viewport={"width": 1200, "height": 900})
    yield Opened(page, page_file)
    page.close()


def test_it_asks_for_nothing_and_complains_of_nothing(opened: Opened, page_file: Path) -> None:
    assert opened.asked == [page_file.as_uri()]
    opened.page.locator("#list").focus()
    for _ in range(60):
        opened.page.keyboard.press("ArrowDown")
    opened.reads("chat")
    assert opened.asked == [page_file.as_uri()]
    assert opened.said == []


def test_filters_narrow_the_list_and_count_it(opened: Opened) -> None:
    assert opened.found() == 60
    opened.choose("world", "alfworld")
    assert opened.found() == 20
    opened.choose("outcome", "gained")
    narrowed = opened.listed()
    assert 0 < opened.found() < 20
    assert all("alfworld" in text and "gained" in text for text in narrowed)
    assert opened.page.inner_text("#found").endswith(" of 60")
    opened.choose("world", "")
    opened.choose("outcome", "")
    assert opened.found() == 60


def test_an_error_is_looked_for_in_the_chosen_model(opened: Opened) -> None:
    opened.page.select_option("select[name=error]", label="invalid action")
    either = opened.found()
    assert "invalid action" in opened.page.inner_text(".play header >> nth=0")
    opened.choose("model", "tuned")
    assert 0 < opened.found() < either


def test_a_task_is_found_by_its_name(opened: Opened) -> None:
    opened.page.fill("input[name=text]", "DATABASE-0007")
    assert opened.listed()[0].startswith("test-database-0007")
    assert opened.found() == 1


def test_only_rows_in_sight_exist(opened: Opened) -> None:
    assert opened.page.locator("#list .row").count() < 40
    opened.page.evaluate("document.getElementById('list').scrollTop = 1e6")
    opened.page.wait_for_selector('.row[aria-posinset="60"]')


def test_the_loss_mask_is_coloured_on_request(opened: Opened) -> None:
    colour = "getComputedStyle(document.querySelector('.play .reply')).backgroundColor"
    plain = opened.page.evaluate(colour)
    opened.page.check("input[name=mask]")
    assert opened.page.evaluate(colour) != plain
    assert opened.page.locator("#reader .answer.trained").count() == 0


def test_both_models_stand_side_by_side_until_one_is_chosen(opened: Opened) -> None:
    opened.choose("outcome", "gained")
    columns = opened.page.locator(".play")
    assert columns.all_inner_texts()[0].startswith("failed\nbase")
    assert columns.count() == 2
    before, after = columns.nth(0).bounding_box(), columns.nth(1).bounding_box()
    assert before
    assert after
    assert before["y"] == after["y"]
    opened.choose("model", "tuned")
    assert columns.count() == 1
    assert "solved" in columns.inner_text()


def test_hostile_text_is_shown_as_text(opened: Opened) -> None:
    opened.choose("world", "database")
    opened.page.locator("#list .row", has_text="database-0003").click()
    opened.reads("database-0003")
    shown = opened.shown()
    assert "</script><script>document.title='owned'" in shown
    assert "no valid action" in shown
    assert opened.page.title().startswith("tiny-base")
    assert opened.said == []


def test_arrow_keys_walk_the_list(opened: Opened) -> None:
    names = [text.splitlines()[0] for text in opened.listed()]
    opened.page.locator("#list").focus()
    opened.page.keyboard.press("ArrowDown")
    opened.reads(names[1])
    assert opened.page.locator('.row[aria-selected="true"] b').inner_text() == names[1]
    opened.page.keyboard.press("End")
    opened.page.wait_for_selector('.row[aria-selected="true"][aria-posinset="60"]')


def test_two_models_are_compared_up_to_where_they_part(chromium: Browser, tmp_path: Path) -> None:
    begun = ("Action: open drawer", True, "It holds a key.")
    ends = {"base": ("Action: wait", True, "Nothing."), "tuned": ("Action: take key", True, "Taken.")}
    run = Run(tmp_path)
    stage = run.open("evaluate", StageConfig())
    for model, end in ends.items():
        write_records(stage.folder / f"{model}.jsonl", [episode(policy=model, turns=(begun, end))])
    write_atomic(stage.folder / "scores.json", judge(stage.folder, ends, stage.start).model_dump_json())
    stage.finish(outputs=("base.jsonl", "tuned.jsonl", "scores.json"), counts={})
    report(ReportConfig(), run)
    page = chromium.new_page()
    page.goto(run.output("report", "report.html").as_uri())
    page.locator(".play").first.wait_for()
    for number, end in enumerate(ends.values()):
        told = page.locator(".play").nth(number).inner_text().lower()
        assert told.index("it holds a key") < told.index("from here on the two differ") < told.index(end[0].lower())
    page.close()


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_nothing_runs_out_of_the_window(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 800})
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_dark_is_dark_and_light_is_light(opened: Opened) -> None:
    def brightness() -> int:
        colour = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))

    opened.page.emulate_media(color_scheme="dark")
    dark = brightness()
    opened.page.emulate_media(color_scheme="light")
    light = brightness()
    assert dark < 150
    assert light > 600

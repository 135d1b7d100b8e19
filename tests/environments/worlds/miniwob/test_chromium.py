"""The benchmark's pages in Chromium: set-up by seed, the five actions, hostile input, nothing left open."""

import asyncio
import random
import string
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from agenttuning.core.records import Stop, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.miniwob import Miniwob, MiniwobConfig, MiniwobTask
from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.miniwob.grammar import Action, Verb
from agenttuning.environments.worlds.miniwob.page import Verdict
from agenttuning.environments.worlds.miniwob.pages import PAGES, page_folder
from agenttuning.environments.worlds.miniwob.solvers import SOLVERS
from agenttuning.policies.oracle import oracle_player

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(bool(missing_program()), reason=missing_program() or "present"),
]
pytest.importorskip("playwright", reason="playwright is not installed")
pytest.importorskip("miniwob", reason="the pages are not installed")

from agenttuning.environments.worlds.browser.owner import shared_browser  # noqa: E402
from agenttuning.environments.worlds.miniwob.chromium import ChromiumTaskPage  # noqa: E402

ResultT = TypeVar("ResultT")
PLAYED = ("enter-date", "enter-time", "click-menu", "use-spinner", "social-media", "terminal", "click-scroll-list")
"""Pages where the browser matters most: inputs with segments, menus that open late, icons, focus."""
STUB = """<body><div id="wrap"><div id="query">q</div><div id="area">{}</div></div><script>
var WOB_DONE_GLOBAL = false, WOB_RAW_REWARD_GLOBAL = 0;
var core = {{endEpisode() {{}}, setDataMode() {{}}, startEpisodeReal() {{}}, getUtterance: () => 'do'}};
Math.seedrandom = () => 0;
</script></body>"""


def _task(page: str, seed: int) -> MiniwobTask:
    return MiniwobTask(id=f"{page}-{seed}", page=page, seed=seed, backend="chromium", pages="stock")


def _oracle(page: str, seed: int) -> Trajectory:
    return asyncio.run(rollout(Miniwob(_task(page, seed)), oracle_player))


def _on(page: ChromiumTaskPage, work: Coroutine[object, object, ResultT]) -> ResultT:
    async def play() -> ResultT:
        try:
            await page.open()
            return await work
        finally:
            await page.close()

    return asyncio.run(play())


def _stub(folder: Path, body: str) -> ChromiumTaskPage:
    (folder / "miniwob").mkdir()
    (folder / "miniwob" / "stub.html").write_text(STUB.format(body))
    return ChromiumTaskPage(folder, "stub", seed=0, data_mode="train")


def test_all_pages_of_the_wheel_are_the_stock_ones() -> None:
    tasks = list(Miniwob.load("test", MiniwobConfig(backend="chromium")))
    assert len(tasks) == len({task.id for task in tasks}) == 460
    assert {task.pages for task in tasks} == {"stock"}
    assert set(SOLVERS) <= set(PAGES)
    assert len(SOLVERS) >= 30


@pytest.mark.parametrize("page", PLAYED)
def test_the_script_wins_and_a_second_play_is_the_same(page: str) -> None:
    first = _oracle(page, 4)
    assert (first.score.reward, first.stop) == (1, Stop.DONE), first.messages[-1]
    assert _oracle(page, 4) == first
    assert shared_browser().contexts == 0


def test_episodes_at_once_do_not_meet() -> None:
    async def play() -> list[Trajectory]:
        tasks = [_task("login-user", seed) for seed in range(4)]
        return await asyncio.gather(*(rollout(Miniwob(task), oracle_player) for task in tasks))

    together = asyncio.run(play())
    assert [one.score.reward for one in together] == [1, 1, 1, 1]
    assert together[2] == _oracle("login-user", 2)


def test_some_of_the_boxes_are_a_success_to_the_paper_only() -> None:
    async def play() -> tuple[float, dict[str, float]]:
        async with Miniwob(_task("click-checkboxes-large", 0)) as environment:
            await environment.start()
            replies = environment.oracle()
            assert replies is not None
            next(replies)
            for reply in replies:
                await environment.step(reply)
            score = await environment.score()
            return score.reward, score.metrics

    reward, metrics = asyncio.run(play())
    assert reward == 0
    assert 0 < metrics["raw_reward"] < 1
    assert metrics["paper_success"] == 1


def test_hostile_replies_are_observations_and_no_page_is_left() -> None:
    draw = random.Random(7)
    pieces = [
        "//",
        "[",
        "]",
        "(",
        ")",
        "*",
        "@",
        "'",
        '"',
        "|",
        "..",
        "::",
        "text()",
        "node()",
        "count",
        "$",
        ">>",
        "\\n",
    ]
    pieces += ["css=a", "javascript:", "<img src=x onerror=alert(1)>", "\u202e", "\U0001f600", "\ud800", "\x00", "a"]

    def reply(number: int) -> str:
        verb = draw.choice(("type", "clickxpath", "clickoption", "movemouse", "press"))
        junk = "".join(draw.choices(pieces, k=draw.randint(1, 12)))
        return f"Action: {verb} {junk if number % 9 else draw.choice(string.printable) * 3_000}"

    async def play(page: str, start: int) -> tuple[int, int]:
        async with Miniwob(_task(page, 1)) as environment:
            await environment.start()
            steps = [await environment.step(reply(start + number)) for number in range(50)]
            return len(steps), sum(bool(step.observation) for step in steps)

    for start, page in enumerate(("login-user", "terminal", "email-inbox", "click-menu")):
        assert asyncio.run(play(page, 50 * start)) == (50, 50)
    assert shared_browser().contexts == 0


@pytest.mark.parametrize(
    ("verb", "argument", "told"),
    [
        ("clickxpath", "//*[@id='password']", ""),
        ("clickxpath", "//svg", "No element"),
        ("clickxpath", "//[", "no xpath"),
        ("clickxpath", "//text()", "no xpath"),
        ("clickxpath", "//script", "takes a clickxpath"),
        ("clickoption", "//button", "takes a clickoption"),
    ],
)
def test_what_cannot_be_done_is_told(verb: Verb, argument: str, told: str) -> None:
    page = ChromiumTaskPage(page_folder(None), "login-user", seed=0, data_mode="train")
    answer = _on(page, page.act(Action(verb, argument)))
    assert told in answer
    assert bool(told) == bool(answer)


def test_a_page_that_hangs_ends_its_episode_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agenttuning.environments.worlds.miniwob.chromium.ACTION_SECONDS", 1.0)
    page = _stub(tmp_path, "<button onclick='for (;;);'>x</button>")
    with pytest.raises(TimeoutError):
        _on(page, page.act(Action("clickxpath", "//button")))
    assert shared_browser().contexts == 0
    assert _oracle("click-test", 0).score.reward == 1


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.2])
def test_an_episode_that_is_cancelled_while_it_opens_leaves_no_page(seconds: float) -> None:
    async def play() -> None:
        episode = asyncio.create_task(rollout(Miniwob(_task("click-test", 0)), oracle_player))
        await asyncio.sleep(seconds)
        episode.cancel()
        await asyncio.gather(episode, return_exceptions=True)

    shared_browser()
    asyncio.run(play())
    assert shared_browser().contexts == 0


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path.parent / "secret.js"
    secret.write_text("document.body.id = 'leaked'")
    outside = f"<script src='{secret.as_uri()}'></script><script src='http://127.0.0.1:1/x.js'></script>"
    page = _stub(tmp_path, f"{outside}<button onclick=\"location = 'http://127.0.0.1:1/'\">go</button>")

    async def leave() -> tuple[str, Verdict, str]:
        told = await page.act(Action("clickxpath", "//body[@id='leaked']"))
        await page.act(Action("clickxpath", "//button"))
        return told, await page.verdict(), await page.html()

    told, verdict, html = _on(page, leave())
    assert told == "No element matches this xpath."
    assert not verdict.done
    assert "go" in html


def test_covered_and_hidden_matches_are_passed_over(tmp_path: Path) -> None:
    page = _stub(
        tmp_path,
        "<button style='display: none'>hidden</button><button disabled>off</button>"
        "<div style='position: relative'><button>under</button>"
        "<p style='position: absolute; inset: 0; margin: 0'>over</p></div>"
        "<button onclick=\"this.id = 'hit'\">free</button>",
    )

    async def click() -> tuple[str, str]:
        return await page.act(Action("clickxpath", "//button")), await page.html()

    told, html = _on(page, click())
    assert told == ""
    assert 'id="hit">free' in html

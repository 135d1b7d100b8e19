"""The WebShop environment: protocol, parser, reward, oracle, sources."""

import asyncio
import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.playing import play
from tests.environments.worlds.shop.records import attribute_entries, human_entries, record, stock, write_files

from agenttuning.cli.check import check
from agenttuning.core.environment import Step
from agenttuning.core.records import Difficulty, Stop, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments import load_environment
from agenttuning.environments.held_in.webshop import MAX_ROUNDS, WebShop, WebShopConfig, WebShopTask
from agenttuning.environments.worlds.shop.catalogue import SmallShop
from agenttuning.environments.worlds.shop.folder import open_folder
from agenttuning.environments.worlds.shop.product import Goal, Product
from agenttuning.errors import AgentTuningError, DataError, MissingExtraError
from agenttuning.policies.oracle import oracle_player

GOLDEN = Path(__file__).parents[1] / "golden" / "webshop.json"
LAMP = Product(
    asin="B000000001",
    title="Oak Lamp",
    prices=(30.0,),
    options={"color": ("red", "blue")},
    attributes=("oak",),
    query="lamps",
)
PEN = Product(asin="B000000002", title="Steel Pen", attributes=("steel",), query="pens")
GOAL = Goal(
    asin=LAMP.asin,
    instruction="i want an oak lamp in red, and price lower than 40.00 dollars",
    title=LAMP.title,
    attributes=("oak",),
    options=("red",),
    price_cap=40.0,
    query="lamps",
)
TASK = WebShopTask(id="t", goal=GOAL, shop=SmallShop(products=(LAMP, PEN)), words="oak lamp")
WAY = tuple(f"Action:\n{did}" for did in ("search[oak lamp]", "click[B000000001]", "click[red]", "click[Buy Now]"))


def _play(task: WebShopTask, *replies: str) -> Trajectory:
    return play(WebShop(task), *replies)


def _step(reply: str) -> Step:
    async def episode() -> Step:
        async with WebShop(TASK) as environment:
            await environment.start()
            return await environment.step(reply)

    return asyncio.run(episode())


@pytest.mark.parametrize(
    ("reply", "action", "valid"),
    [
        ("Action:\nsearch[lamp]", "search[lamp]", True),
        ("Thought:\nI look.\n\nAction: \nsearch[lamp]", "search[lamp]", True),
        ("action:   \n   search[lamp]", "search[lamp]", True),
        ("Action:\nsearch[lamp] and then click[x]", "search[lamp]", True),
        ("Action:\nsearch[a]\nAction:\nsearch[b]", "search[a]", True),
        ("My action:\nsearch[lamp]", "search[lamp]", True),
        ("Action:\nsearch[lamp [red]]", "search[lamp [red]", False),
        ("Action:\nclick[search]", "click[search]", False),
        ("Action:\nclick[red]", "click[red]", False),
        ("Action:\nclick[Buy Now]", "click[Buy Now]", False),
        ("Action:\nsearch[ ]", "search[ ]", True),
        ("Action:\nsearch[\u706f]", "search[\u706f]", True),
    ],
)
def test_actions_are_read_as_the_protocol_says(reply: str, action: str, valid: bool) -> None:
    step = _step(reply)
    assert (step.action, step.valid, step.done) == (action, valid, False)
    assert step.observation.startswith("Observation:\n")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "search[lamp]",
        "Action: search[lamp]",  # no new line
        "Action:\n\nsearch[lamp]",  # one too many
        "ACTION:\nsearch[lamp]",
        "Action:\n\tsearch[lamp]",
        "Action:\nbuy[lamp]",
        "Action:\nsearch[]",
        "Action:\nclick[]",
        "Action:\nsearch[lamp",
        "Action:\nsearch[la\nmp]",
        "Action:\nSearch[lamp]",
        "Action:\nI would search[lamp]",
    ],
)
def test_a_reply_without_an_action_ends_the_episode(reply: str) -> None:
    step = _step(reply)
    assert (step.done, step.stop, step.valid) == (True, Stop.FORMAT, False)
    assert _play(TASK, reply).score.reward == 0.0


def test_a_purchase_is_judged_and_ends_the_episode() -> None:
    played = _play(TASK, *WAY)
    assert (played.stop, played.turns, played.score.reward, played.score.success) == (Stop.DONE, 4, 1.0, True)
    assert played.score.metrics == {
        "type": 1.0,
        "title_score": 1.0,
        "attribute_hits": 1.0,
        "option_hits": 1.0,
        "price_hit": 1.0,
        "wanted": 3.0,
        "price": 30.0,
    }
    partly = _play(TASK, WAY[0], WAY[1], WAY[3])
    assert (partly.stop, partly.score.success) == (Stop.DONE, False)
    assert partly.score.reward == pytest.approx(2 / 3)


def test_ten_rounds_without_a_purchase_are_worth_nothing() -> None:
    played = _play(TASK, *WAY[:3])
    assert (played.stop, played.turns, played.score.reward) == (Stop.TURNS, MAX_ROUNDS, 0.0)
    assert all(step.valid for step in played.steps)


def test_the_opening_is_that_of_the_protocol() -> None:
    messages = _play(TASK, "").messages[:-1]
    assert [message.role for message in messages] == ["user", "assistant"] * 5 + ["user"]
    assert {message.train for message in messages if message.role == "assistant"} == {False}
    assert messages[1].content == "Ok."
    assert messages[-1].content == (
        "Observation:\nWebShop [SEP] Instruction: [SEP] i want an oak lamp in red, and price lower than 40.00 dollars "
        "[SEP] Search\n\nAvailable Actions:\n{'has_search_bar': True, 'clickables': ['search']}"
    )
    for example in messages[3:10:2]:
        assert _step(example.content).stop is Stop.DONE  # every example reply is one that the parser reads
    bare = _play(TASK.model_copy(update={"shots": 0}), "").messages[:-1]
    assert (bare[:2], bare[2:]) == (messages[:2], messages[-1:])


def test_the_variant_names_tagger_and_prices() -> None:
    version = _play(TASK, *WAY).provenance.environment_version
    assert version == "webshop/1 tagger light, prices 0"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30) | st.sampled_from(WAY) | st.text(max_size=9).map("Action:\nclick[{}]".format)))
def test_nothing_a_model_says_raises(replies: list[str]) -> None:
    played = _play(TASK, *replies, "end")
    assert played.failure is None
    assert played.score.success == (played.stop is Stop.DONE and played.score.reward == 1.0)


async def _gather(tasks: list[WebShopTask], concurrency: int) -> dict[str, str]:
    entries = ((WebShop(task), "test", 0) for task in tasks)
    return {
        played.task: played.model_dump_json()
        async for played in rollouts(entries, oracle_player, concurrency=concurrency)
    }


def test_concurrency_changes_no_byte() -> None:
    """200 tasks, one at a time and 64 at once: the same prompts, observations and scores."""
    tasks = list(islice(WebShop.load("test"), 200))
    alone, together = (asyncio.run(_gather(tasks, concurrency)) for concurrency in (1, 64))
    assert len(alone) == 200
    assert alone == together
    assert asyncio.run(_gather(tasks[::-1], 64)) == alone


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_golden_episode(difficulty: Difficulty, request: pytest.FixtureRequest) -> None:
    task = next(iter(WebShop.load("train", WebShopConfig(difficulty=difficulty))))
    played = asyncio.run(rollout(WebShop(task), oracle_player, split="train"))
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert json.loads(played.model_dump_json(exclude_defaults=True)) == golden[difficulty]


def test_tiny_dialogues_are_short() -> None:
    for task in islice(WebShop.load("train", WebShopConfig(difficulty="tiny")), 60):
        played = asyncio.run(rollout(WebShop(task), oracle_player))
        assert 3 <= played.turns <= 4
        assert max(len(message.content) for message in played.messages[2:]) < 280
        assert sum(len(message.content) for message in played.messages) < 1200


def test_another_seed_is_another_shop() -> None:
    one, other = (next(iter(WebShop.load("test", WebShopConfig(seed=seed)))) for seed in (0, 1))
    assert one.goal != other.goal


def test_splits_and_tasks_of_real_data(official_data: Callable[[str], Path]) -> None:
    folder = official_data("webshop")
    config = WebShopConfig(official=folder)
    assert WebShop.splits(config) == {"human": 1, "synthetic": 44, "sessions": 9}
    assert WebShop.splits(WebShopConfig(official=folder, part="goals")) == {"human": 1, "synthetic": 44}
    assert WebShop.splits(WebShopConfig(official=folder, part="sessions")) == {"sessions": 9}
    human = next(iter(WebShop.load("human", config)))
    assert human.goal.asin == "B07FYPSNH8"
    assert human.goal.instruction.startswith("i am looking for a gluten free")
    assert human.goal.instruction.endswith(f"soy-free, and price lower than {human.goal.price_cap:.2f} dollars")
    assert human.goal.attributes == ("gluten free",)
    capped = [task.goal.price_cap for task in WebShop.load("synthetic", config)]
    again = [task.goal.price_cap for task in WebShop.load("synthetic", config)]
    other = [task.goal.price_cap for task in WebShop.load("synthetic", WebShopConfig(official=folder, price_seed=1))]
    assert capped == again != other


def test_the_expert_wins_every_goal_of_the_100_real_products(official_data: Callable[[str], Path]) -> None:
    config = WebShopConfig(official=official_data("webshop"))
    for split in ("human", "synthetic"):
        for task in WebShop.load(split, config):
            played = asyncio.run(rollout(WebShop(task), oracle_player))
            assert played.score.success, (task.id, played.score, played.failure)


def test_the_check_of_real_data_reports_goals_and_recorded_visits(official_data: Callable[[str], Path]) -> None:
    report = asyncio.run(check(WebShop, WebShopConfig(official=official_data("webshop")), split=None, limit=None))  # type: ignore[arg-type]
    assert {name: (tally.success, tally.n) for name, tally in report.oracles.items()} == {
        "goals": (45, 45),
        "sessions": (9, 9),
    }
    assert (report.tasks, report.noise.success, report.noise.crashes, report.failures) == (54, 0, 0, [])


def test_the_check_does_without_recorded_visits(tmp_path: Path) -> None:
    report = asyncio.run(check(WebShop, WebShopConfig(official=_imported(tmp_path, 3)), split=None, limit=None))  # type: ignore[arg-type]
    assert (report.oracle.success, report.oracle.n) == (6, 6)
    assert len(report.failures) == 1
    assert "'sessions' left out" in report.failures[0]


def _imported(folder: Path, count: int = 30) -> Path:
    found = stock(count)
    write_files(folder, map(record, found), attributes=attribute_entries(found), human=human_entries(found))
    list(WebShop.import_official(folder, folder / "imported"))
    return folder


def test_an_imported_shop_is_played(tmp_path: Path) -> None:
    folder = _imported(tmp_path)
    for official in (folder, folder / "imported"):
        config = WebShopConfig(official=official)
        assert WebShop.splits(config) == {"human": 30, "synthetic": 30}
        for task in islice(WebShop.load("human", config), 5):
            assert asyncio.run(rollout(WebShop(task), oracle_player)).score.success


def test_the_whole_human_set_is_numbered_as_webshop_numbers_it(tmp_path: Path) -> None:
    """12,087 wishes as WebShop has, in its shuffled order; AgentBench's splits are ranges of it."""
    found = stock(120)
    human = {
        product.asin: [
            {"instruction": f"wish {place * 101 + turn}", "instruction_attributes": ["a"], "instruction_options": []}
            for turn in range(101)
        ]
        for place, product in enumerate(found)
    }
    write_files(tmp_path, map(record, found), human=human)
    config = WebShopConfig(official=tmp_path)
    assert WebShop.splits(config) == {"test": 200, "dev": 80, "train": 11_500}
    tasks = list(islice(WebShop.load("dev", config), 2))
    assert [task.id for task in tasks] == ["dev-200", "dev-201"]
    import random

    order = list(range(12_120))
    random.seed(233)
    random.shuffle(order)
    assert [task.goal.instruction.split(",")[0] for task in tasks] == [f"wish {order[200]}", f"wish {order[201]}"]


@pytest.mark.parametrize(
    ("config", "split", "error", "said"),
    [
        (WebShopConfig(), "tets", DataError, "did you mean 'test'"),
        (WebShopConfig(official=Path("/no/such/folder")), "test", DataError, "no WebShop data"),
    ],
)
def test_mistakes_say_what_to_do(config: WebShopConfig, split: str, error: type[AgentTuningError], said: str) -> None:
    with pytest.raises(error, match=said):
        WebShop.load(split, config)


def test_a_large_folder_is_to_be_imported_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_folder.cache_clear()
    write_files(tmp_path, map(record, stock(3)))
    monkeypatch.setattr("agenttuning.environments.worlds.shop.folder.SMALL", 10)
    with pytest.raises(DataError, match="agenttuning data import webshop"):
        WebShop.splits(WebShopConfig(official=tmp_path))


def test_a_tagger_that_is_not_installed_is_told_before_anything_is_played() -> None:
    with pytest.raises(MissingExtraError, match="set tagger = 'light'"):
        WebShop.load("test", WebShopConfig(tagger="en_core_web_none"))


def test_the_environment_is_found_by_its_id() -> None:
    assert load_environment("webshop") is WebShop  # type: ignore[comparison-overlap]

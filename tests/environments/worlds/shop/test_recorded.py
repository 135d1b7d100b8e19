"""Recorded human visits: each is played again and comes out as WebShop judged it."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agenttuning.core.records import Stop
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_in.webshop import MAX_ROUNDS, WebShop, WebShopConfig
from agenttuning.environments.worlds.shop.folder import official_visits, open_folder
from agenttuning.environments.worlds.shop.nouns import load_tagger
from agenttuning.environments.worlds.shop.product import Product
from agenttuning.environments.worlds.shop.recorded import RecordedCatalogue, RecordedVisit, read_visits
from agenttuning.environments.worlds.shop.reward import judge
from agenttuning.environments.worlds.shop.visit import Visit
from agenttuning.errors import DataError
from agenttuning.policies.oracle import oracle_player

Find = Callable[[str], Path]


def visits(folder: Path) -> list[RecordedVisit]:
    return list(official_visits(folder))


def test_every_recorded_visit_is_walked_click_by_click_to_its_reward(official_data: Find) -> None:
    rewards = {}
    for visit in visits(official_data("webshop")):
        walked = Visit(RecordedCatalogue(visit.shop), visit.goal.instruction)
        for action in visit.actions:
            assert walked.act(action), (visit.name, action)
        assert walked.purchase is not None
        assert walked.purchase.product.asin == visit.judged.asin
        verdict = judge(
            walked.purchase.product,
            visit.goal,
            price=walked.purchase.product.price(seed=0),
            options=walked.purchase.options.values(),
            tagger=load_tagger("light"),
            judged=visit.judged,
        )
        assert verdict.reward == pytest.approx(visit.judged.reward, abs=1e-12)
        rewards[visit.name.removeprefix("traj_20220427_1_")] = round(verdict.reward, 4)
    assert rewards == {
        "12": 0.5,
        "13": 0.5,
        "15": 0.75,
        "17": 1.0,
        "18": 0.5,
        "21": 0.6667,
        "23": 0.6667,
        "6": 0.3333,
        "7": 1.0,
    }


def test_every_part_of_the_recorded_verdict_comes_out(official_data: Find) -> None:
    """Worked out anew: type factor, options, price; for the one who bought the wanted product its title too."""
    folder = official_data("webshop")
    for visit in visits(folder):
        last = json.loads((folder / f"{visit.name}.jsonl").read_text("utf-8").splitlines()[-1])
        told, bought = last["reward_info"], last["content"]
        product = RecordedCatalogue(visit.shop).product(bought["asin"])
        verdict = judge(
            product,
            visit.goal,
            price=bought["price"],
            options=bought["options"].values(),
            tagger=load_tagger("light"),
            judged=visit.judged,
        )
        assert verdict.likeness.factor == told["r_type"]
        assert verdict.price_hit == told["r_price"]
        assert verdict.option_hits == pytest.approx(told.get("r_option", 0) * len(visit.goal.options))
        assert verdict.attribute_hits == pytest.approx(told["r_att"] * len(visit.goal.attributes))
        if bought["asin"] == visit.goal.asin:
            assert verdict.likeness.title_score == pytest.approx(told["title_score"], abs=0.01)
            assert (verdict.likeness.query_match, verdict.likeness.category_match) == (True, True)


def test_no_product_that_was_bought_is_among_the_100_so_texts_come_from_the_logs(official_data: Find) -> None:
    folder = official_data("webshop")
    found = visits(folder)
    assert [visit.judged.texts for visit in found] == [False] * 9
    assert [visit.name[-2:] for visit in found if visit.judged.asin == visit.goal.asin] == ["_7"]
    assert [visit.name[-2:] for visit in found if len(visit.actions) > MAX_ROUNDS] == ["_6"]


def test_a_visit_of_too_many_rounds_is_played_from_its_last_search(official_data: Find) -> None:
    visit = next(found for found in visits(official_data("webshop")) if found.name.endswith("_6"))
    assert len(visit.actions) == 14
    assert visit.fitting(MAX_ROUNDS) == (
        *("search[silver synthetic wig]", "click[B07B9M7C1X]", "click[3t280]", "click[Buy Now]"),
    )


def test_the_environment_replays_them_within_its_rounds(official_data: Find) -> None:
    tasks = list(WebShop.load("sessions", WebShopConfig(official=official_data("webshop"))))
    assert len(tasks) == 9
    for task in tasks:
        played = asyncio.run(rollout(WebShop(task), oracle_player))
        assert task.judged is not None
        assert (played.stop, played.score.success) == (Stop.DONE, True), played.failure
        assert played.score.reward == pytest.approx(task.judged.reward, abs=1e-12)


def test_texts_at_hand_go_before_the_log(official_data: Find) -> None:
    """With the full shop imported, nothing is taken from the log."""
    folder = official_data("webshop")
    bought = Product(asin="B09F3V2HVT", title="Wax candles", prices=(8.99,), attributes=("birthday cake",))
    found = {visit.name: visit for visit in read_visits(folder, find={bought.asin: bought}.get)}
    visit = found["traj_20220427_1_18"]
    assert visit.judged.texts
    verdict = judge(bought, visit.goal, price=8.99, options=(), tagger=load_tagger("light"), judged=visit.judged)
    assert (verdict.attribute_hits, verdict.likeness.title_score) == (1, pytest.approx(1 / 7))
    assert verdict.reward == 0.5  # now for its type: neither query nor category nor title is alike


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json", '{"page": "index", "url": "", "goal": {}}'])
def test_other_logs_are_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "traj_1.jsonl").write_text(text, "utf-8")
    with pytest.raises(DataError, match="traj_1"):
        list(read_visits(tmp_path, find=lambda _: None))


def test_a_log_that_ends_before_the_purchase_is_refused(official_data: Find, tmp_path: Path) -> None:
    lines = (official_data("webshop") / "traj_20220427_1_7.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "traj_7.jsonl").write_text("\n".join(lines[:-1]), "utf-8")
    with pytest.raises(DataError, match="no purchase"):
        list(read_visits(tmp_path, find=lambda _: None))


def test_logs_alone_are_a_source(official_data: Find, tmp_path: Path) -> None:
    open_folder.cache_clear()
    shutil.copy(official_data("webshop") / "traj_20220427_1_7.jsonl", tmp_path)
    assert WebShop.splits(WebShopConfig(official=tmp_path)) == {"sessions": 1}

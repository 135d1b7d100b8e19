import pytest

from agenttuning.core.records import Difficulty
from agenttuning.environments.worlds.minisites.database import open_database
from agenttuning.environments.worlds.minisites.rows import (
    Account,
    Article,
    Community,
    Customer,
    Issue,
    Order,
    OrderLine,
    Post,
    Product,
    Project,
    Review,
)
from agenttuning.environments.worlds.minisites.scene import Scene, make_scene
from agenttuning.environments.worlds.minisites.schema import TABLES

DIFFICULTIES: tuple[Difficulty, ...] = ("tiny", "standard", "hard")


def names(scene: Scene) -> set[str]:
    """Return what a task could ask about by name."""
    return {
        *(each.name for each in scene.all(Account)),
        *(each.title for each in scene.all(Product)),
        *(each.sku for each in scene.all(Product)),
        *(each.name for each in scene.all(Customer)),
        *(each.name for each in scene.all(Community)),
        *(each.title for each in scene.all(Post)),
        *(each.name for each in scene.all(Project)),
        *(each.title for each in scene.all(Issue)),
        *(each.title for each in scene.all(Article)),
        *(f"order {each.id}" for each in scene.all(Order)),
        *(f"review {each.id}" for each in scene.all(Review)),
    }


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_scenes_of_the_two_splits_share_no_name(difficulty: Difficulty) -> None:
    train = set().union(*(names(make_scene(difficulty, seed=seed)) for seed in range(0, 12, 2)))
    test = set().union(*(names(make_scene(difficulty, seed=seed)) for seed in range(1, 12, 2)))
    assert train.isdisjoint(test)


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_a_seed_gives_the_same_scene(difficulty: Difficulty) -> None:
    first = make_scene(difficulty, seed=4)
    make_scene.cache_clear()
    assert make_scene(difficulty, seed=4) == first
    assert make_scene(difficulty, seed=6) != first


@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_rows_fit_together(difficulty: Difficulty) -> None:
    scene = make_scene(difficulty, seed=1)
    prices = {product.sku: product.price for product in scene.all(Product)}
    for order in scene.all(Order):
        lines = [line for line in scene.all(OrderLine) if line.order_id == order.id]
        assert order.total == sum(line.quantity * line.price for line in lines)
        assert all(prices[line.sku] == line.price for line in lines)
    assert [each.day for each in scene.all(Order)] == sorted(each.day for each in scene.all(Order))
    titles = {article.title for article in scene.all(Article)}
    links = [part.partition("]]")[0] for article in scene.all(Article) for part in article.text.split("[[")[1:]]
    assert titles.issuperset(links)


def test_a_database_begins_as_the_scene_and_is_nobody_elses() -> None:
    scene = make_scene("standard", seed=0)
    one, other = open_database("standard", seed=0), open_database("standard", seed=0)
    for kind in TABLES:
        assert sorted(one.rows(kind), key=str) == sorted(scene.all(kind), key=str)
    one.change("delete from product")
    assert one.rows(Product) == []
    assert other.rows(Product) == scene.all(Product)

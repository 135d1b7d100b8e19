"""The evaluators, each branch both ways, on pages that are kept as texts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from tests.environments.worlds.webarena.test_raw_task import TASK

from agenttuning.environments.worlds.webarena.evaluators import Ending, build_evaluator, clean
from agenttuning.environments.worlds.webarena.judge import WordJudge
from agenttuning.environments.worlds.webarena.locators import TEXT_FUNCTIONS, read_call
from agenttuning.environments.worlds.webarena.raw_task import RawTask
from agenttuning.environments.worlds.webarena.task import Dialect
from agenttuning.errors import DataError, WorldError

SHOP = "http://shop.test"


@dataclass
class StoredPage:
    html: str
    values: Mapping[str, str]

    async def content(self) -> str:
        return self.html

    async def value(self, expression: str) -> str:
        return self.values.get(expression, "")


@dataclass
class StoredSites:
    """An aftermath whose pages and interfaces are tables."""

    url: str = f"{SHOP}/cart"
    pages: Mapping[str | None, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)

    async def page(self, url: str | None) -> StoredPage:
        return StoredPage(self.pages.get(url, ""), self.values)

    async def fetch(self, url: str, *, post: str | None = None, headers: Mapping[str, str] | None = None) -> str:
        if url.endswith("/admin/token") and post is not None:
            return '"secret"'
        if headers != {"Authorization": "Bearer secret"} or url not in self.answers:
            raise WorldError(f"{url} answered 401")
        return self.answers[url]

    def address(self, text: str) -> str:
        return text.replace("__SHOPPING__", SHOP).replace("__REDDIT__", "http://forum.test")


def task(*types: str, **parts: object) -> RawTask:
    nothing = {"reference_answers": None, "reference_url": "", "program_html": []}
    return RawTask.model_validate(TASK | {"eval": {"eval_types": types, **nothing, **parts}})


def won(task: RawTask, sites: StoredSites | None = None, *, answer: str = "", dialect: Dialect = "upstream") -> bool:
    evaluator = build_evaluator(task, dialect=dialect)
    ending = Ending(answer, sites or StoredSites(), WordJudge())
    return asyncio.run(evaluator.score(ending)) == 1


@pytest.mark.parametrize(
    ("answers", "answer", "right"),
    [
        ({"exact_match": "Blue Lamp"}, "blue lamp", True),
        ({"exact_match": "Blue Lamp"}, ' "Blue lamp" ', True),
        ({"exact_match": "Blue Lamp"}, "a blue lamp", False),
        ({"exact_match": "Blue Lamp"}, "", False),
        ({"must_include": ["blue", "12"]}, "12 BLUE lamps", True),
        ({"must_include": ["blue", "12"]}, "blue lamps", False),
        ({"must_include": ["0"]}, "there are 0 left", True),
        ({"must_include": ["0"]}, "there are 10 left", False),
        ({"must_include": ["0", "left"]}, "there are 10 left", True),
        ({"fuzzy_match": ["12 minutes"]}, "12 minutes", True),
        ({"fuzzy_match": ["12 minutes", "by bus"]}, "12 minutes", False),
        ({"fuzzy_match": ["12 minutes"]}, "", False),
        ({"fuzzy_match": "N/A"}, "n/a", True),
        ({"fuzzy_match": "N/A"}, "there are none left", True),
        ({"fuzzy_match": "N/A"}, "it costs 12", False),
        ({"fuzzy_match": "N/A"}, "", False),
        ({"exact_match": "12", "must_include": ["3"]}, "12", False),
    ],
)
def test_answers(answers: dict[str, object], answer: str, *, right: bool) -> None:
    assert won(task("string_match", reference_answers=answers, string_note="none left"), answer=answer) is right


def test_the_dialect_of_2023_finds_a_digit_anywhere() -> None:
    asked = task("string_match", reference_answers={"must_include": ["0"]})
    assert won(asked, answer="10", dialect="2023")


@pytest.mark.parametrize(
    ("reference", "note", "url", "upstream", "paper"),
    [
        ("__SHOPPING__/cart", None, f"{SHOP}/cart/", True, True),
        ("__SHOPPING__/cart", None, f"{SHOP}/cart/42", True, False),
        ("__SHOPPING__/cart", "GOLD in PRED", f"{SHOP}/cart/42", True, True),
        ("__SHOPPING__/cart", "EXACT", f"{SHOP}/cart/42", False, False),
        ("__SHOPPING__/a |OR| __SHOPPING__/b", "GOLD in PRED", f"{SHOP}/b", True, True),
        ("__SHOPPING__/a |OR| __SHOPPING__/b", "EXACT", f"{SHOP}/c", False, False),
        ("__SHOPPING__/a?x=1", "GOLD in PRED", f"{SHOP}/a?y=2&x=1", True, False),
        ("__SHOPPING__/a?x=1", "GOLD in PRED", f"{SHOP}/a?x=2", False, False),
        ("__SHOPPING__/a?x=1 |OR| __SHOPPING__/a?x=2", "GOLD in PRED", f"{SHOP}/a?x=2", True, True),
        ("__SHOPPING__/a", "GOLD in PRED", "about:blank", False, False),
    ],
)
def test_addresses(reference: str, note: str | None, url: str, *, upstream: bool, paper: bool) -> None:
    asked = task("url_match", reference_url=reference, url_note=note)
    assert won(asked, StoredSites(url=url)) is upstream
    assert won(asked, StoredSites(url=url), dialect="2023") is paper


def look(locator: str = "", required: object = "lamp", url: str = "last", **more: object) -> dict[str, object]:
    return {"url": url, "locator": locator, "required_contents": required, **more}


@pytest.mark.parametrize(
    ("looked", "right"),
    [
        (look(), True),
        (look(required="desk"), False),
        (look(required="desk |OR| LAMP"), True),
        (look(required={"must_include": ["lamp", "blue |OR| red"]}), True),
        (look(required={"must_include": ["lamp", "red"]}), False),
        (look(required={"must_include": ["lamp & shade"]}), True),
        (look("document.title", {"exact_match": "Lamps"}), True),
        (look("document.title", {"exact_match": "Lamp"}), False),
        (look("[...document.links].length", {"exact_match": "2"}), True),
        (look("document.missing", {"exact_match": ""}), True),
        (look("document.missing", {"must_include": ["a"]}), False),
        (look(url="__SHOPPING__/b"), False),
        (look(required="second", url="__SHOPPING__/b"), True),
        (look("document.title", {"exact_match": "Lamps"}, prep_actions=["document.links[0].click()"]), True),
        (look(required="a post", url="func:reddit_get_post_url('__last_url__')"), False),
    ],
)
def test_pages(looked: dict[str, object], *, right: bool) -> None:
    pages = {None: "<p>Blue lamp &amp; shade</p>", f"{SHOP}/b": "<h1>second</h1>"}
    values = {"document.title": "Lamps", "[...document.links].length": "2"}
    assert won(task("program_html", program_html=[looked]), StoredSites(pages=pages, values=values)) is right


@pytest.mark.parametrize(
    ("url", "post"),
    [
        ("http://forum.test/f/books/12/title#comment", "http://forum.test/f/books/12/"),
        ("http://forum.test/f/books", "http://forum.test/f/books"),
        ("http://forum.test/user/me/1/2", "http://forum.test/user/me/1/2"),
    ],
)
def test_the_post_that_an_address_belongs_to(url: str, post: str) -> None:
    asked = task("program_html", program_html=[look(url="func:reddit_get_post_url('__last_url__')")])
    other = task("program_html", program_html=[look(url="func:reddit_get_post_url(__last_url__)")])
    sites = StoredSites(url=url, pages={post: "lamp"})
    assert won(other, sites)
    assert won(asked, sites)


def test_the_shops_interface_is_asked() -> None:
    latest = "searchCriteria%5BsortOrders%5D%5B0%5D%5Bfield%5D=created_at"
    latest += "&searchCriteria%5BsortOrders%5D%5B0%5D%5Bdirection%5D=DESC&searchCriteria%5BpageSize%5D=1"
    order = f"{SHOP}/rest/V1/orders?{latest}"
    reviews = f"{SHOP}/rest/V1/products/B%2F1/reviews"
    sites = StoredSites(
        pages={f"{SHOP}/sales/order/view/order_id/17/": "lamp"},
        answers={
            order: '{"items": [{"increment_id": "000000017", "more": 1}]}',
            reviews: '[{"nickname": "A", "ratings": []}, {"nickname": "Lampert", "ratings": [{"percent": 80}]}]',
        },
    )
    assert won(task("program_html", program_html=[look(url="func:shopping_get_latest_order_url()")]), sites)
    author = "func:shopping_get_sku_latest_review_author('B/1')"
    rating = "func:shopping_get_sku_latest_review_rating('B/1')"
    assert won(task("program_html", program_html=[look(author, {"exact_match": "lampert"})]), sites)
    assert won(task("program_html", program_html=[look(rating, {"exact_match": "80"})]), sites)
    with pytest.raises(WorldError, match="answered 401"):
        won(task("program_html", program_html=[look(author.replace("B/1", "B2"))]), sites)


def test_judgements_are_multiplied() -> None:
    asked = task(
        "url_match", "program_html", reference_url="__SHOPPING__/cart", program_html=[look(), look("", "blue")]
    )
    assert won(asked, StoredSites(pages={None: "blue lamp"}))
    assert not won(asked, StoredSites(pages={None: "red lamp"}))
    assert not won(asked, StoredSites(url=SHOP, pages={None: "blue lamp"}))


def test_nobody_wins_where_there_is_nothing_to_judge() -> None:
    assert not won(task("program_html"), answer="done")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (task("string_match"), "without reference_answers"),
        (task("string_match", reference_answers={}), "without reference_answers"),
        (task("string_match", reference_answers={"fuzzy_match": "maybe"}), "must be a list"),
        (task("url_match"), "without reference_url"),
        (task("program_html", program_html=[look("window.close()")]), "no kind of locator"),
        (task("program_html", program_html=[look(required={})]), "needs one of"),
        (task("program_html", program_html=[look("func:__import__('os')")]), "no function '__import__'"),
        (task("program_html", program_html=[look(url="func:reddit_get_post_url(open('x'))")]), "quoted texts"),
        (task("program_html", program_html=[look(url="func:reddit_get_post_url()")]), "takes 1 arguments"),
        (task("program_html", program_html=[look(url="func:a.b()")]), "by its name"),
        (task("program_html", program_html=[look(url="func:1 +")]), "no call"),
    ],
)
def test_what_no_evaluator_can_do_is_told_with_the_task(asked: RawTask, told: str) -> None:
    with pytest.raises(DataError, match=told) as caught:
        build_evaluator(asked)
    assert str(caught.value).startswith("task 3: ")


def test_calls_are_read_and_not_run() -> None:
    known = {name: count for name, (count, _) in TEXT_FUNCTIONS.items()}
    call = read_call("func:gitlab_get_project_memeber_role(__page__, 'ada')", known)
    assert (call.name, call.arguments) == ("gitlab_get_project_memeber_role", ("__page__", "ada"))
    with pytest.raises(DataError, match="did you mean 'gitlab_get_project_memeber_role'"):
        read_call("func:gitlab_get_project_member_role(__page__, 'ada')", known)


@pytest.mark.parametrize(("answer", "plain"), [("'A'", "a"), ('"', '"'), ('"A', '"a'), ("'\"A\"'", '"a"'), ("", "")])
def test_one_pair_of_quotes_is_taken_off(answer: str, plain: str) -> None:
    assert clean(answer) == plain

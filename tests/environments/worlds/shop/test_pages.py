"""Pages: by hand, and piece by piece as in recorded dialogues and in the shop's own processed products."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from agenttuning.environments.worlds.shop.official import Attributes, read_product
from agenttuning.environments.worlds.shop.pages import index_page, item_page, results_page, sub_page
from agenttuning.environments.worlds.shop.product import Product

Find = Callable[[str], Path]
LAMP = Product(
    asin="B00LAMP001",
    title=" Oak Lamp ",
    description="Gives light.",
    bullets=("Dimmable", "", "Warm"),
    prices=(9.99, 20.0),
    options={"color": ("red", "blue | green"), "size": ("s",)},
)
PEN = Product(asin="B00PEN0001", title="Pen", prices=(3.0,))


def test_the_index_page() -> None:
    page = index_page("a pen")
    assert page.text == "WebShop [SEP] Instruction: [SEP] a pen [SEP] Search"
    assert page.actions == "{'has_search_bar': True, 'clickables': ['search']}"


def test_result_pages() -> None:
    first = results_page("a pen", (LAMP, PEN), number=1, total=12)
    assert first.text == (
        "Instruction: [SEP] a pen [SEP] Back to Search [SEP] Page 1 (Total results: 12) [SEP] Next > [SEP] B00LAMP001 "
        "[SEP] Oak Lamp [SEP] $9.99 to $20.0 [SEP] B00PEN0001 [SEP] Pen [SEP] $3.0"
    )
    assert list(first.targets) == ["back to search", "next >", "b00lamp001", "b00pen0001"]
    behind = results_page("a pen", (), number=3, total=12)
    assert behind.text.endswith("Page 3 (Total results: 12) [SEP] < Prev [SEP] Next >")
    assert behind.actions == "{'has_search_bar': False, 'clickables': ['back to search', '< prev', 'next >']}"


def test_the_item_page() -> None:
    page = item_page("a lamp", LAMP)
    assert page.text == (
        "Instruction: [SEP] a lamp [SEP] Back to Search [SEP] < Prev [SEP] color [SEP] red [SEP] blue | green [SEP] "
        "size [SEP] s [SEP] Oak Lamp [SEP] Price: $9.99 to $20.0 [SEP] Rating: N.A. [SEP] Description [SEP] "
        "Features [SEP] Reviews [SEP] Buy Now"
    )
    buttons = ["back to search", "< prev", "description", "features", "reviews", "buy now"]
    assert list(page.targets) == [*buttons, "red", "blue | green", "s"]


def test_sub_pages() -> None:
    head = "Instruction: [SEP] a lamp [SEP] Back to Search [SEP] < Prev"
    assert sub_page("a lamp", LAMP, name="Description").text == f"{head} [SEP] Gives light."
    assert sub_page("a lamp", LAMP, name="Features").text == f"{head} [SEP] Dimmable [SEP] Warm"
    assert sub_page("a lamp", LAMP, name="Reviews").text == head


def dialogue_pages(path: Path) -> Iterator[tuple[list[str], str]]:
    with gzip.open(path / "webshop_conversations_393.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            for turn in json.loads(line)["conversations"][2:]:
                if turn["from"] == "human":
                    yield turn["value"].split(" [SEP] "), turn["value"]


def test_every_page_of_the_recorded_dialogues_is_rendered_from_its_parts(official_data: Find) -> None:
    """393 dialogues of the official shop: index, results and item pages, taken apart and put together again."""
    kinds: Counter[str] = Counter()
    for parts, text in dialogue_pages(official_data("webshop")):
        if parts[0] == "WebShop":
            kinds["index"] += 1
            assert index_page(parts[2]).text == text
        elif parts[3].startswith("Page "):
            kinds["results"] += 1
            number, total = (int("".join(filter(str.isdigit, word))) for word in parts[3].split(" (Total"))
            listed = parts[6 if number > 1 else 5 :]
            tripled = [listed[place : place + 3] for place in range(0, len(listed), 3)]
            found = [_with_tag(asin, title, tag) for asin, title, tag in tripled]
            assert results_page(parts[1], found, number=number, total=total).text == text
        else:
            kinds["item"] += 1
            *options, title, tag = parts[4:-5]
            # Which of the strings are names of options, the text does not say: as one option they read the same.
            shown = {options[0]: tuple(options[1:])} if options else {}
            product = _with_tag("B", title, tag.removeprefix("Price: ")).model_copy(update={"options": shown})
            assert item_page(parts[1], product).text == text
    assert kinds == {"index": 393, "results": 394, "item": 1199}


def _with_tag(asin: str, title: str, tag: str) -> Product:
    return Product(asin=asin, title=title, prices=tuple(float(price) for price in tag.replace("$", "").split(" to ")))


def test_the_shops_own_processed_products_are_read_alike(official_data: Find) -> None:
    """100 real products: search text, price tag and options equal what WebShop made of the same records."""
    lines = (official_data("webshop") / "resources_100_documents.jsonl").read_text("utf-8").splitlines()
    for line in lines:
        document = json.loads(line)
        made = document["product"]
        product, odd = read_product(made, attributes=Attributes(attributes=made["Attributes"]))
        assert isinstance(product, Product)
        assert odd is None
        assert product.search_text == document["contents"]
        assert product.price_tag == made["Price"]
        assert {name: list(values) for name, values in product.options.items()} == made["options"]
        assert (product.title, product.description) == (made["Title"], made["Description"])
        assert list(product.bullets) == made["BulletPoints"]
        assert list(product.attributes) == made["Attributes"]
    assert len(lines) == 100

"""The import: what is read, what is counted as odd, what survives a kill, what workers share."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.environments.worlds.shop.records import attribute_entries, human_entries, record, stock, write_files

from agenttuning.core.environment import ImportProgress
from agenttuning.environments.worlds.shop import importing, official
from agenttuning.environments.worlds.shop.folder import open_folder
from agenttuning.environments.worlds.shop.importing import import_shop
from agenttuning.environments.worlds.shop.source import require_files
from agenttuning.environments.worlds.shop.store import StoredCatalogue, find_import
from agenttuning.errors import DataError

STOCK = stock(60)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(importing, "BATCH", 7)
    open_folder.cache_clear()
    yield
    open_folder.cache_clear()


def source(folder: Path) -> Path:
    entries = attribute_entries(STOCK[:50])
    return write_files(folder, map(record, STOCK), attributes=entries, human=human_entries(STOCK[10:14]))


def bring_in(folder: Path, target: Path | None = None) -> list[ImportProgress]:
    return list(import_shop(require_files(folder), target or folder / "imported"))


def test_the_store_holds_what_the_files_say_and_finds_alike(tmp_path: Path) -> None:
    folder = source(tmp_path)
    small = open_folder(folder)  # read directly
    steps = bring_in(folder)
    stored = StoredCatalogue(folder / "imported")
    assert len(stored) == len(small) == 60
    for product in STOCK:
        assert stored.product(product.asin) == small.product(product.asin)
    for query in ("cotton shirt", "oak", "machine washable", "zebra", "lavender soap"):
        assert list(stored.search(query)) == list(small.search(query))
    for kind, count in (("human", 4), ("synthetic", 50)):
        assert len(stored.goal_places(kind)) == len(small.goal_places(kind)) == count  # type: ignore[arg-type]
    kept = [stored.goal(place, seed=3) for place in stored.goal_places("human")]
    assert kept == [small.goal(place, seed=3) for place in small.goal_places("human")]
    assert steps[-1] == ImportProgress(steps[-1].total, steps[-1].total, "60 products, 54 wishes")
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    told = json.loads((folder / "imported" / "import.json").read_text("utf-8"))
    assert told["counts"] == {"products": 60, "human": 4, "synthetic": 50}


def test_products_are_read_as_webshop_reads_them(tmp_path: Path) -> None:
    whole = STOCK[0]
    folder = write_files(tmp_path, [record(whole)], attributes=attribute_entries([whole]))
    bring_in(folder)
    product = StoredCatalogue(folder / "imported").product(whole.asin)
    assert product == whole


def test_an_import_is_done_once(tmp_path: Path) -> None:
    folder = source(tmp_path)
    bring_in(folder)
    before = (folder / "imported" / "shop.sqlite").stat().st_mtime_ns
    assert [step.note for step in bring_in(folder)] == ["imported before"]
    assert (folder / "imported" / "shop.sqlite").stat().st_mtime_ns == before
    assert sorted(path.name for path in (folder / "imported").iterdir()) == ["import.json", "index", "shop.sqlite"]


def test_other_files_are_imported_anew(tmp_path: Path) -> None:
    folder = source(tmp_path)
    bring_in(folder)
    write_files(folder, map(record, STOCK[:5]))
    bring_in(folder)
    assert len(StoredCatalogue(folder / "imported")) == 5


def test_odd_products_are_left_out_or_mended_and_counted(tmp_path: Path) -> None:
    odd = [
        record(STOCK[0]),
        record(STOCK[0], name="Another"),
        record(STOCK[1], asin="nan"),
        record(STOCK[1], asin="B0123456789"),
        record(STOCK[1], asin=""),
        record(STOCK[1], asin=12),
        record(STOCK[1], name=None),
        record(STOCK[1], name=""),
        record(STOCK[2], pricing=None),
        record(STOCK[3], pricing=""),
        record(STOCK[4], pricing="call us"),
        record(STOCK[5], pricing="$1.2.3"),
        record(STOCK[6], small_description=None, full_description=None, customization_options=""),
        record(STOCK[7], small_description="One line", customization_options={"SIZE": None}),
        record(STOCK[8], customization_options=[1, 2]),
        {key: value for key, value in record(STOCK[9]).items() if key != "asin"},
        "text",
        None,
        ["list"],
    ]
    folder = write_files(tmp_path, odd)
    bring_in(folder)
    shop = StoredCatalogue(folder / "imported")
    assert len(shop) == 7
    told = json.loads((folder / "imported" / "import.json").read_text("utf-8"))["odd"]
    assert told == {
        official.REPEATED: 1,
        official.NO_NUMBER: 3,
        official.NO_TITLE: 2,
        official.ODD_PRICE: 2,
        official.NO_PRODUCT: 6,
    }
    assert [shop.product(product.asin).price_tag for product in STOCK[2:6]] == ["$100.0"] * 4
    assert shop.product(STOCK[0].asin).title == STOCK[0].title  # the first of a number stays
    assert shop.product(STOCK[6].asin).bullets == ()
    assert (shop.product(STOCK[7].asin).bullets, shop.product(STOCK[7].asin).options) == (("One line",), {})


def test_prices_of_every_notation(tmp_path: Path) -> None:
    stated = {"$5": (5.0,), "$1,234.50": (1234.5,), "$3.00 - $9.99": (3.0, 9.99), "$1$2$3": (1.0, 2.0), "7$8": (8.0,)}
    folder = write_files(tmp_path, [record(STOCK[n], pricing=price) for n, price in enumerate(stated)])
    bring_in(folder)
    shop = StoredCatalogue(folder / "imported")
    assert [shop.product(STOCK[n].asin).prices for n in range(len(stated))] == list(stated.values())


def test_a_torn_file_gives_its_whole_products_and_says_so(tmp_path: Path) -> None:
    folder = source(tmp_path)
    text = (folder / "items_shuffle.json").read_bytes()
    (folder / "items_shuffle.json").write_bytes(text[: len(text) // 2])
    bring_in(folder)
    told = json.loads((folder / "imported" / "import.json").read_text("utf-8"))
    assert 25 <= told["counts"]["products"] <= 31
    assert told["odd"] == {"file ends within a record": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("items_shuffle.json", "{}"),
        ("items_shuffle.json", "<html>not found</html>"),
        ("items_ins_v2.json", "[]"),
        ("items_human_ins.json", '{"B0": [{"instruction": 1}]}'),
    ],
)
def test_files_of_another_format_are_refused(name: str, text: str, tmp_path: Path) -> None:
    folder = source(tmp_path)
    (folder / name).write_text(text, "utf-8")
    with pytest.raises(DataError, match=name):
        bring_in(folder)
    assert find_import(folder) is None


def test_a_folder_without_products_names_them(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"items_shuffle\*\.json"):
        require_files(tmp_path)


def test_two_imports_into_one_folder_do_not_mix(tmp_path: Path) -> None:
    files = require_files(source(tmp_path))
    first = import_shop(files, tmp_path / "imported")
    next(first)
    with pytest.raises(DataError, match="another import"):
        list(import_shop(files, tmp_path / "imported"))
    list(first)
    assert len(StoredCatalogue(tmp_path / "imported")) == 60


def test_a_place_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write the import"):
        bring_in(source(tmp_path / "source"), tmp_path / "file" / "imported")


@pytest.mark.parametrize("name", ["shop.sqlite", "index/data.npy", "index/bm25.json"])
def test_a_store_that_was_damaged_says_so(name: str, tmp_path: Path) -> None:
    folder = source(tmp_path)
    bring_in(folder)
    (folder / "imported" / name).write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"again|anew"):
        open_folder(folder)


@pytest.mark.parametrize("batches", [0, 1, 4, 8, 9, 10, 11])
def test_an_import_left_after_any_step_goes_on(batches: int, tmp_path: Path) -> None:
    files = require_files(source(tmp_path / "source"))
    begun = import_shop(files, tmp_path / "imported")
    for _ in range(batches + 1):
        next(begun)
    begun.close()
    begun_again = list(import_shop(files, tmp_path / "imported"))
    assert len(begun_again) <= 12 - min(batches, 8) + 2
    _assert_same_import(files.products.parent, tmp_path)


KILLED = """
import sys, time
from pathlib import Path
from agenttuning.environments.worlds.shop import importing
from agenttuning.environments.worlds.shop.source import require_files
importing.BATCH = 7
for step in importing.import_shop(require_files(Path(sys.argv[1])), Path(sys.argv[2])):
    print(step.done, flush=True)
    time.sleep(0.02)
"""


@pytest.mark.parametrize("lines", [1, 4])
def test_a_killed_import_goes_on_and_ends_alike(lines: int, tmp_path: Path) -> None:
    folder = source(tmp_path / "source")
    command = [sys.executable, "-c", KILLED, str(folder), str(tmp_path / "imported")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_environment()) as process:
        assert process.stdout is not None
        for _ in range(lines):
            process.stdout.readline()
        time.sleep(0.005 * lines)
        process.send_signal(signal.SIGKILL)
    assert find_import(tmp_path / "imported") is None
    resumed = list(import_shop(require_files(folder), tmp_path / "imported"))
    assert lines == 1 or resumed[0].done > 0
    _assert_same_import(folder, tmp_path)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def _assert_same_import(folder: Path, place: Path) -> None:
    """Compare with an import that nothing disturbed."""
    bring_in(folder, place / "undisturbed")
    one, other = place / "imported", place / "undisturbed"
    assert (one / "import.json").read_text() == (other / "import.json").read_text()
    for path in sorted((other / "index").iterdir()):
        assert path.read_bytes() == (one / "index" / path.name).read_bytes(), path.name
    stored, expected = StoredCatalogue(one), StoredCatalogue(other)
    for product in STOCK:
        assert stored.product(product.asin) == expected.product(product.asin)
    assert stored.goal_places("human") == expected.goal_places("human")


def test_real_records_are_imported(official_data: Callable[[str], Path], tmp_path: Path) -> None:
    data = official_data("webshop")
    documents = [json.loads(line) for line in (data / "resources_100_documents.jsonl").read_text("utf-8").splitlines()]
    raw = [
        {**document["product"], "pricing": " - ".join(f"${price}" for price in document["product"]["pricing"])}
        for document in documents
    ]
    folder = write_files(tmp_path, raw)
    (folder / "items_ins_v2.json").write_bytes((data / "items_ins_v2_1000.json").read_bytes())
    bring_in(folder)
    stored, direct = StoredCatalogue(folder / "imported"), open_folder(data)
    assert len(stored) == 100
    assert len(stored.goal_places("synthetic")) == 44
    assert [stored.product(found["id"]).search_text for found in documents] == [
        found["contents"] for found in documents
    ]
    for query in ("console table", "shoes", "hair"):
        assert list(stored.search(query)) == list(direct.search(query))

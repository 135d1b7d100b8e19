"""A folder with WebShop's data, whatever it holds: an import, small product files, index documents, visits."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from agenttuning.environments.worlds.shop.catalogue import MemoryCatalogue
from agenttuning.environments.worlds.shop.goals import OFFICIAL_RANGES, WHOLE, make_goal, official_order
from agenttuning.environments.worlds.shop.importing import read_human
from agenttuning.environments.worlds.shop.official import Attributes, Odd, Wording, read_product
from agenttuning.environments.worlds.shop.recorded import VISITS, count_visits, read_visits
from agenttuning.environments.worlds.shop.source import SMALL, find_files
from agenttuning.environments.worlds.shop.store import StoredCatalogue, find_import
from agenttuning.environments.worlds.shop.stream import JsonStream
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from agenttuning.environments.worlds.shop.goals import GoalKind
    from agenttuning.environments.worlds.shop.product import Goal, Product
    from agenttuning.environments.worlds.shop.recorded import RecordedVisit

SESSIONS: Final = "sessions"
"""The split of recorded visits."""
DOCUMENTS: Final = "resources*.jsonl"
"""The documents of WebShop's search index."""


class _Document(BaseModel):
    """A line of `resources*.jsonl`: the record as collected, with what the shop made of it."""

    product: dict[str, object]


class _Known(BaseModel):
    Attributes: tuple[str, ...] | None = None
    instructions: list[Wording] = []


class FolderCatalogue(MemoryCatalogue):
    """A small shop in memory, with its goals."""

    def __init__(self, stock: Iterable[Product], wordings: Sequence[tuple[GoalKind, str, int, Wording]]) -> None:
        super().__init__(stock)
        self._wordings = wordings

    def goal_places(self, kind: GoalKind) -> list[int]:
        """Return where the goals of a kind stand, in file order."""
        return [place for place, (found, _, _, _) in enumerate(self._wordings) if found == kind]

    def goal(self, place: int, *, seed: int) -> Goal:
        """Return one goal, its cap drawn from the seed."""
        kind, asin, number, wording = self._wordings[place]
        return make_goal(wording, self.product(asin), kind=kind, number=number, seed=seed)


@lru_cache(maxsize=4)
def open_folder(folder: Path) -> FolderCatalogue | StoredCatalogue:
    """Return the shop that a folder holds; one in memory is empty where there are recorded visits alone.

    Raises:
        DataError: the products are so many that they must be imported first.
    """
    imported = find_import(folder)
    if imported is not None:
        return StoredCatalogue(imported)
    files = find_files(folder)
    if files is None:
        return _from_documents(folder)
    if files.products.stat().st_size > SMALL:
        raise DataError(
            f"{files.products.name} is too large to be read by every worker; "
            f"run `agenttuning data import webshop {folder}` once"
        )
    stock: dict[str, Product] = {}
    wordings: list[tuple[GoalKind, str, int, Wording]] = []
    entries, human = dict(_attributes(files.attributes)), read_human(files)
    with JsonStream(files.products) as stream:
        for record in stream.items():
            asin = record.get("asin") if isinstance(record, dict) else None
            entry = entries.get(asin) if isinstance(asin, str) else None
            product, _ = read_product(record, attributes=entry)
            if isinstance(product, Odd) or product.asin in stock:
                continue
            stock[product.asin] = product
            wordings += _wishes(product, human.get(product.asin, ()), entry)
    return FolderCatalogue(stock.values(), wordings)


def official_splits(folder: Path, *, part: str) -> dict[str, int]:
    """Return the splits of a folder and the number of tasks in each; `part` is `all`, `goals` or `sessions`.

    Raises:
        DataError: the folder holds neither products nor recorded visits.
    """
    visits = count_visits(folder)
    shop = open_folder(folder)
    if not visits and not len(shop):
        raise DataError(
            f"no WebShop data at {str(folder)!r}; expected items_shuffle*.json, {DOCUMENTS}, {VISITS} or an import"
        )
    goals = {} if part == "sessions" else {split: len(places) for split, places in _goal_places(shop).items()}
    return goals | ({SESSIONS: visits} if visits and part != "goals" else {})


def official_goals(folder: Path, *, split: str, seed: int) -> Iterator[tuple[int, Goal]]:
    """Yield the goals of a split with their index: in WebShop's own numbering where the whole set is there."""
    shop = open_folder(folder)
    first = OFFICIAL_RANGES[split].start if split in OFFICIAL_RANGES else 0
    for index, place in enumerate(_goal_places(shop)[split], start=first):
        yield index, shop.goal(place, seed=seed)


def official_visits(folder: Path) -> Iterator[RecordedVisit]:
    """Yield the recorded visits of a folder."""
    return read_visits(folder, find=open_folder(folder).find)


def _goal_places(shop: FolderCatalogue | StoredCatalogue) -> dict[str, list[int]]:
    """Return the places of the goals of every split that a shop has.

    With WebShop's whole set these are the human goals in its shuffled order, of which AgentBench's splits are ranges.
    """
    human = shop.goal_places("human")
    if len(human) >= WHOLE:
        shuffled = [human[place] for place in official_order(len(human))]
        return {split: [shuffled[index] for index in indices] for split, indices in OFFICIAL_RANGES.items()}
    splits = {"human": human, "synthetic": shop.goal_places("synthetic")}
    return {split: places for split, places in splits.items() if places}


def _from_documents(folder: Path) -> FolderCatalogue:
    files = sorted(folder.glob(DOCUMENTS), key=lambda path: path.stat().st_size)
    if not files:
        return FolderCatalogue((), ())
    entries = dict(_attributes(next(iter(sorted(folder.glob("items_ins_v2*.json"))), None)))
    stock: dict[str, Product] = {}
    wordings: list[tuple[GoalKind, str, int, Wording]] = []
    with files[-1].open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                record = _Document.model_validate_json(line).product
                known = _Known.model_validate(record)
            except ValidationError as error:
                raise DataError(f"{files[-1]}:{number} is no document of WebShop's index; fetch it anew") from error
            entry = entries.get(str(record.get("asin")))
            product, _ = read_product(record, attributes=Attributes(attributes=known.Attributes))
            if isinstance(product, Odd) or product.asin in stock:
                continue
            stock[product.asin] = product
            wordings += _wishes(product, [found for found in known.instructions if found.instruction_attributes], entry)
    return FolderCatalogue(stock.values(), wordings)


def _attributes(path: Path | None) -> Iterator[tuple[str, Attributes]]:
    if path is None:
        return
    with JsonStream(path) as stream:
        for asin, entry in stream.members():
            try:
                yield asin, Attributes.model_validate(entry)
            except ValidationError:
                continue


def _wishes(
    product: Product, human: Iterable[Wording], entry: Attributes | None
) -> Iterator[tuple[GoalKind, str, int, Wording]]:
    for number, wording in enumerate(human):
        yield "human", product.asin, number, wording
    if entry is not None and entry.wording is not None:
        yield "synthetic", product.asin, 0, entry.wording

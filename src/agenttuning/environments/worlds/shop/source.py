"""Which of WebShop's files a folder holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

SMALL: Final = 64 * 2**20
"""Bytes of products up to which they are read directly."""


@dataclass(frozen=True, slots=True)
class ShopFiles:
    """Products, and what belongs to them."""

    products: Path
    """`items_shuffle*.json`."""
    attributes: Path | None
    """`items_ins_v2*.json`."""
    human: Path | None
    """`items_human_ins.json`."""

    @property
    def all(self) -> tuple[Path, ...]:
        """The files that are there."""
        return tuple(path for path in (self.products, self.attributes, self.human) if path is not None)

    @property
    def sizes(self) -> dict[str, int]:
        """Names and bytes: what an import was made from."""
        return {path.name: path.stat().st_size for path in self.all}


def find_files(folder: Path) -> ShopFiles | None:
    """Return the largest set of products in a folder with the attributes of the same set; None without products."""
    found = sorted(folder.glob("items_shuffle*.json"), key=lambda path: path.stat().st_size)
    if not found:
        return None
    suffix = found[-1].name.removeprefix("items_shuffle")
    listed = [folder / f"items_ins_v2{suffix}", *sorted(folder.glob("items_ins_v2*.json"))]
    human = folder / "items_human_ins.json"
    return ShopFiles(
        products=found[-1],
        attributes=next((path for path in listed if path.is_file()), None),
        human=human if human.is_file() else None,
    )


def require_files(folder: Path) -> ShopFiles:
    """Return the files of a folder that is to be imported.

    Raises:
        DataError: there are no products.
    """
    files = find_files(folder)
    if files is None:
        raise DataError(f"no items_shuffle*.json in {str(folder)!r}; WebShop's setup script downloads it")
    return files

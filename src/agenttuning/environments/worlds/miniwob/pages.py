"""The benchmark's pages: which of them the paper played, their seeds, where they lie, which version they are."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from agenttuning.core.records import digest
from agenttuning.errors import DataError, MissingExtraError

_NAMES: Final = """
choose-list click-button-sequence click-button click-checkboxes-large click-checkboxes-soft click-checkboxes-transfer
click-checkboxes click-collapsible-2 click-collapsible click-color click-dialog-2 click-dialog click-link click-menu
click-option click-scroll-list click-shades click-shape click-tab-2-hard click-tab-2 click-tab click-test-2 click-test
click-widget count-shape email-inbox-forward-nl-turk email-inbox-forward-nl email-inbox-nl-turk email-inbox enter-date
enter-password enter-text-dynamic enter-text enter-time focus-text-2 focus-text grid-coordinate login-user
navigate-tree search-engine simple-algebra social-media-all social-media-some social-media terminal use-spinner
"""
PAGES: Final = tuple(_NAMES.split())
"""The 46 of the paper's evaluation."""
SEEDS: Final = {"train": range(10, 110), "test": range(10)}
_STOCK: Final = "20394cca1d3b642f"
"""Digest of the 46 pages and their scripts in `miniwob` 1.1.0."""


def page_folder(given: Path | None) -> Path:
    """Return the folder that holds `core` and `miniwob`: the given one, or the wheel's.

    Raises:
        DataError: it does not hold the pages.
        MissingExtraError: none is given and the wheel is not installed.
    """
    if given is not None:
        if not all((given / "miniwob" / f"{page}.html").is_file() for page in PAGES):
            raise DataError(f"{given} does not hold the 46 pages as miniwob/NAME.html; give the folder above `miniwob`")
        return given.resolve()
    try:
        found = distribution("miniwob").locate_file("miniwob/html")
    except PackageNotFoundError as error:
        raise MissingExtraError(
            "the pages of MiniWoB++ are not installed; run `pip install 'agenttuning[miniwob]'`"
        ) from error
    return Path(str(found)).resolve()


def page_version(folder: Path) -> str:
    """Return `stock` for the pages of the wheel as released, else a digest that tells the pages apart."""
    files = [folder / "miniwob" / f"{page}.html" for page in PAGES]
    files += sorted((folder / "core").glob("*.js")) + sorted((folder / "common").glob("*.js"))
    made = digest(b"".join(file.read_bytes() for file in files))
    return "stock" if made == _STOCK else made

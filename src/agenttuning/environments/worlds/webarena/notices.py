"""What a page does besides: noticed, answered where it waits for an answer, and told in one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agenttuning.environments.worlds.browser.owner import BrowserError

if TYPE_CHECKING:
    from collections.abc import Collection

    from playwright.async_api import BrowserContext, Dialog, Download, Page, Request

MAX_TOLD: Final = 300
"""Characters of what a page says that a sentence repeats."""
_MAX_NOTICES: Final = 5


class Notices:
    """Collects sentences until they are taken."""

    def __init__(self, hosts: Collection[str]) -> None:
        """Take requests to any but these hosts for blocked ones."""
        self._hosts = hosts
        self._told: list[str] = []

    def follow(self, context: BrowserContext) -> None:
        """Listen to all pages of a context."""
        context.on("dialog", self._dismiss)
        context.on("request", self._asked)

    def follow_page(self, page: Page) -> None:
        """Listen to what only a page itself tells."""
        page.on("download", self._cancelled)

    def add(self, told: str) -> None:
        """Note a sentence; equal ones once, and no more than a few."""
        if len(self._told) < _MAX_NOTICES and told not in self._told:
            self._told.append(told)

    def take(self) -> str:
        """Return what was noted since it was taken last."""
        told = " ".join(self._told)
        self._told.clear()
        return told

    async def _dismiss(self, dialog: Dialog) -> None:
        leaving = dialog.type == "beforeunload"
        if not leaving:
            self.add(f"A dialog said {dialog.message[:MAX_TOLD]!r} and was dismissed.")
        try:
            await (dialog.accept() if leaving else dialog.dismiss())
        except BrowserError:  # its page is gone, and the dialog with it
            return

    def _cancelled(self, download: Download) -> None:
        self.add(f"The download of {download.suggested_filename[:MAX_TOLD]!r} was cancelled.")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        stranger = address.scheme in ("http", "https") and address.netloc not in self._hosts
        if stranger and request.is_navigation_request():
            self.add(f"{request.url[:MAX_TOLD]} is not on this task's sites and was blocked.")

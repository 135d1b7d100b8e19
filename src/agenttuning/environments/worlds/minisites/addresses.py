"""Addresses inside the sites, as pages link them and tasks ask for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from agenttuning.environments.worlds.minisites.rows import Post


def slug(title: str) -> str:
    """Return a title as it stands in an address."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "post"


def post_path(post: Post) -> str:
    """Return a post's address inside the forum."""
    return f"/f/{post.community}/{post.id}/{slug(post.title)}"


def article_path(title: str) -> str:
    """Return an article's address inside the wiki."""
    return f"/wiki/{quote(title.replace(' ', '_'))}"

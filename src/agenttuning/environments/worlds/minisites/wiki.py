"""The wiki: articles that link to each other, and a search."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

from markupsafe import Markup
from starlette.routing import Route

from agenttuning.environments.worlds.minisites.addresses import article_path
from agenttuning.environments.worlds.minisites.rows import Article
from agenttuning.environments.worlds.minisites.site import Part, Site, SiteName, missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response

_LINK: Final = re.compile(r"\[\[(.+?)\]\]")


class Wiki(Site):
    """A reader: nothing here can be changed."""

    name: ClassVar[SiteName] = "wikipedia"
    title: ClassVar[str] = "Wiki"
    folder: ClassVar[str] = "wiki"
    about: ClassVar[str] = "Articles to read and to search."
    has_accounts: ClassVar[bool] = False

    def routes(self) -> Sequence[Route]:
        """Return the front page, the articles and the search."""
        return [Route("/", self._home), Route("/wiki/{title}", self._article), Route("/search", self._search)]

    async def _home(self, request: Request) -> Response:
        kind = request.query_params.get("kind", "town")
        articles = self.database.rows(Article, "where kind = ? order by title", kind)
        return self.page(request, "home", part=Part(articles, request), kind=kind, link=article_path)

    async def _article(self, request: Request) -> Response:
        article = self.database.first(Article, "where title = ?", request.path_params["title"].replace("_", " "))
        if article is None:
            raise missing("article")
        root = request.scope["root_path"]
        text = Markup().join(
            Markup('<a href="{}{}">{}</a>').format(root, article_path(piece), piece) if place % 2 else piece
            for place, piece in enumerate(_LINK.split(article.text))
        )
        return self.page(request, "article", article=article, text=text)

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params.get("q", "").strip()
        found = self.database.rows(
            Article,
            "where instr(lower(title || ' ' || text), lower(?)) order by instr(lower(title), lower(?)) = 0, title",
            wanted,
            wanted,
        )
        return self.page(request, "search", wanted=wanted, part=Part(found, request), link=article_path)

"""All sites on one database, for a browser behind the proxy (`make_sites`) or for a person on one port (`make_app`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from agenttuning.environments.worlds.minisites.admin import Admin
from agenttuning.environments.worlds.minisites.code import Code
from agenttuning.environments.worlds.minisites.forum import Forum
from agenttuning.environments.worlds.minisites.shop import Shop
from agenttuning.environments.worlds.minisites.site import landing_page
from agenttuning.environments.worlds.minisites.wiki import Wiki

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from agenttuning.environments.worlds.minisites.database import Database
    from agenttuning.environments.worlds.minisites.scene import Scene
    from agenttuning.environments.worlds.minisites.site import Site, SiteName

_KINDS: Final[tuple[type[Site], ...]] = (Shop, Admin, Forum, Code, Wiki)


def make_sites(database: Database, *, terse: bool) -> dict[SiteName, Site]:
    """Return the five sites on one database."""
    return {kind.name: kind(database, terse=terse) for kind in _KINDS}


def make_app(database: Database, *, scene: Scene) -> Starlette:
    """Return one application with a landing page at `/` and each site in its folder, such as `/shop/`."""
    sites = make_sites(database, terse=scene.difficulty == "tiny")

    async def landing(request: Request) -> Response:
        del request
        return landing_page(sites.values(), scene=scene)

    mounts = [Mount(f"/{site.folder}", site.app()) for site in sites.values()]
    return Starlette(routes=[Route("/", landing), *mounts])

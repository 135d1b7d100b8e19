"""All sites on one database, for a browser behind the proxy (`make_sites`) or for a person on one port (`make_app`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.minisites.wiki import Wiki

if TYPE_CHECKING:
    from agenttuning.environments.worlds.minisites.database import Database
    from agenttuning.environments.worlds.minisites.site import Site, SiteName


def make_sites(database: Database, *, terse: bool) -> dict[SiteName, Site]:
    """Return the five sites on one database."""
    kinds: tuple[type[Site], ...] = (Wiki,)
    return {kind.name: kind(database, terse=terse) for kind in kinds}

"""The table of sites: where each placeholder of the task files points, and what its addresses look like to the agent.

The sites of the benchmark run wherever a user starts them; the agent reads the names of the real ones in their place,
as in 2023, so that a prompt does not depend on hosts and ports.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REAL_NAMES: Final = {
    "shopping": "http://onestopmarket.com",
    "shopping_admin": "http://luma.com/admin",
    "reddit": "http://reddit.com",
    "gitlab": "http://gitlab.com",
    "map": "http://openstreetmap.org",
    "wikipedia": "http://wikipedia.org",
    "homepage": "http://homepage.com",
}
"""Site -> the address that the agent reads."""
_PLACEHOLDER: Final = re.compile(r"__[A-Z_]+?__")


@dataclass(frozen=True)
class SiteTable:
    """Placeholder -> base address, and the addresses that the agent reads in their place."""

    urls: Mapping[str, str]
    names: Mapping[str, str]
    """Base address -> name; addresses without a name are read as they are."""

    def fill(self, text: str) -> str:
        """Put addresses in the place of placeholders.

        Raises:
            DataError: a site is not in the table.
        """

        def address(found: re.Match[str]) -> str:
            known = self.urls.get(found[0])
            if known is None:
                site = found[0].strip("_").lower()
                raise DataError(f"no address for {found[0]!r}; set sites.{site} to where that site answers")
            return known

        return _PLACEHOLDER.sub(address, text)

    def shown(self, url: str) -> str:
        """Return an address as the agent reads it."""
        return _moved(url, self.names.items())

    def local(self, url: str) -> str:
        """Return the address behind one that the agent wrote."""
        return _moved(url, ((name, base) for base, name in self.names.items()))

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts, with their ports, that a page of the task may load from."""
        return frozenset(urlsplit(url).netloc for url in self.urls.values())


def _moved(url: str, places: Iterable[tuple[str, str]]) -> str:
    for start, other in places:
        if url.startswith(start) and url[len(start) : len(start) + 1] in ("", "/", "?", "#"):
            return other + url[len(start) :]
    return url


def user_sites(addresses: Mapping[str, str]) -> SiteTable:
    """Return the table of the sites that a user runs, by site.

    Raises:
        RecipeError: a site is unknown, or an address is none.
    """
    for site, address in addresses.items():
        if site not in REAL_NAMES:
            raise RecipeError(f"sites has no {site!r}{nearest(site, REAL_NAMES)}; known: {', '.join(REAL_NAMES)}")
        if urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).netloc:
            raise RecipeError(f"sites.{site} must be an address such as 'http://localhost:7770', got {address!r}")
    bases = {site: address.rstrip("/") for site, address in addresses.items()}
    longest_first = sorted(bases, key=lambda site: (len(bases[site]), len(REAL_NAMES[site])), reverse=True)
    return SiteTable(
        urls={f"__{site.upper()}__": base for site, base in bases.items()},
        names={bases[site]: REAL_NAMES[site] for site in longest_first},
    )


def plain_sites(urls: Mapping[str, str]) -> SiteTable:
    """Return the table of sites whose addresses are read as they are, by placeholder."""
    return SiteTable(urls=dict(urls), names={})


def missing_sites(wanted: Iterable[str], addresses: Mapping[str, str]) -> list[str]:
    """Return the sites that a table lacks, sorted."""
    return sorted(set(wanted) - addresses.keys())

"""The table of sites."""

import pytest

from agenttuning.environments.worlds.webarena.sites import missing_sites, plain_sites, user_sites
from agenttuning.errors import DataError, RecipeError

SITES = user_sites(
    {
        "shopping": "http://localhost:7770/",
        "shopping_admin": "http://localhost:7780/admin",
        "reddit": "http://localhost",
        "map": "https://maps.home:8443",
    }
)


@pytest.mark.parametrize(
    ("local", "name"),
    [
        ("http://localhost:7770/lamp.html?a=1", "http://onestopmarket.com/lamp.html?a=1"),
        ("http://localhost:7780/admin/sales", "http://luma.com/admin/sales"),
        ("http://localhost/f/books", "http://reddit.com/f/books"),
        ("http://localhost", "http://reddit.com"),
        ("https://maps.home:8443/#map=7", "http://openstreetmap.org/#map=7"),
        ("http://localhost:9999/", "http://localhost:9999/"),
        ("about:blank", "about:blank"),
    ],
)
def test_the_agent_reads_the_real_names(local: str, name: str) -> None:
    assert SITES.shown(local) == name
    assert SITES.local(name) == local


def test_placeholders_become_addresses() -> None:
    assert (
        SITES.fill("__SHOPPING__/a |OR| __SHOPPING_ADMIN__/b")
        == "http://localhost:7770/a |OR| http://localhost:7780/admin/b"
    )
    with pytest.raises(DataError, match=r"__GITLAB__.*set sites.gitlab"):
        SITES.fill("__GITLAB__/explore")


def test_only_hosts_of_the_table_may_be_reached() -> None:
    assert SITES.hosts == {"localhost", "localhost:7770", "localhost:7780", "maps.home:8443"}


def test_mini_sites_are_read_as_they_are() -> None:
    sites = plain_sites({"__SHOPPING__": "http://shop.mini"})
    assert sites.shown("http://shop.mini/a") == sites.local("http://shop.mini/a") == "http://shop.mini/a"


def test_mistakes_are_told() -> None:
    with pytest.raises(RecipeError, match=r"'shoping'.*did you mean 'shopping'"):
        user_sites({"shoping": "http://localhost"})
    with pytest.raises(RecipeError, match=r"sites.map must be an address"):
        user_sites({"map": "localhost:3000"})
    assert missing_sites(("map", "gitlab", "map"), {"gitlab": "http://localhost"}) == ["map"]

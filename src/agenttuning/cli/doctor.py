"""`agenttuning doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import platform
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from rich.console import Console
from rich.table import Table

from agenttuning.cli import leftovers
from agenttuning.core.records import Record
from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.sandbox.bwrap import namespaces_allowed
from agenttuning.environments.worlds.sandbox.cgroup import make_cgroup
from agenttuning.environments.worlds.sandbox.mapping import choose
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings
from agenttuning.environments.worlds.webarena.sites import user_sites

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence

    from agenttuning.core.orphans import Leftover

_PACKAGES = {
    "train and play local models": (
        ("torch", "transformers", "tokenizers", "safetensors", "numpy"),
        "agenttuning[train]",
    ),
    "serve": (("starlette", "uvicorn"), "agenttuning[serve]"),
    "database on MariaDB: driver": (("pymysql",), "agenttuning[sql]"),
    "miniwob on its own pages: pages and driver": (("lxml", "miniwob", "playwright"), "agenttuning[miniwob]"),
    "knowledge graph: store": (("pyoxigraph",), "agenttuning[graph]"),
    "scienceworld in its simulator": (("scienceworld", "py4j"), "agenttuning[scienceworld]"),
    "executor = 'ray'": (("ray",), "agenttuning[ray]"),
    "fast contamination check, near duplicates": (("numba", "rensa"), "agenttuning[fast]"),
    "webarena: mini sites and driver": (("jinja2", "playwright", "starlette", "uvicorn"), "agenttuning[web]"),
    "webshop and mind2web: search and pages": (("bm25s", "lxml", "Stemmer", "rapidfuzz"), "agenttuning[search]"),
}
_PROGRAMS = {
    "database on MariaDB: server": (("mariadbd", "mariadb-install-db"), "apt-get install mariadb-server"),
    "knowledge graph on Virtuoso: server": (
        ("virtuoso-t", "isql-vt"),
        "apt-get install virtuoso-opensource-7-bin",
    ),
    "scienceworld in its simulator: Java": (("java",), "apt-get install default-jre-headless"),
    "sandbox": (("bwrap", "mount", "setpriv", "unshare"), "apt-get install bubblewrap mount util-linux"),
    "sandbox with Debian's own root file system": (("debootstrap",), "apt-get install debootstrap (and root)"),
}
_SITE_SECONDS = 10.0
_ALLOW = "sysctl kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0"
_SEARCH = ":".join(("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"))


class Finding(Record):
    """One row of the table."""

    what: str
    works: bool
    missing: str = ""
    install: str = ""


def main(arguments: Namespace) -> int:
    """Print the findings; always exits with 0, since a missing extra is no fault. With `--clean` see `leftovers`."""
    if arguments.clean:
        return leftovers.clean(as_json=arguments.json)
    left = leftovers.find()
    findings = [*examine(), *_left_behind(left), *asyncio.run(_site_findings(_addresses(arguments.sites)))]
    if arguments.json:
        print(json.dumps([finding.model_dump() for finding in findings]))
        return 0
    table = Table("what", "works", "missing", "install with")
    for finding in findings:
        table.add_row(finding.what, "yes" if finding.works else "no", finding.missing, finding.install)
    Console().print(table)
    for one in left:
        if one.kind != "entry":
            print(f"left behind: {leftovers.described(one)}")
    return 0


def examine() -> list[Finding]:
    """Look for the packages and programs of every part."""
    findings = [Finding(what=f"Python {platform.python_version()} on {platform.system()}", works=True)]
    for what, (names, extra) in _PACKAGES.items():
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        findings.append(_finding(what, missing, f'pip install "{extra}"'))
    for what, (names, command) in _PROGRAMS.items():
        missing = [name for name in names if shutil.which(name, path=_SEARCH) is None]
        findings.append(_finding(what, missing, command))
    browser = missing_program()
    findings.append(
        Finding(
            what="webarena, and miniwob on its own pages: browser",
            works=not browser,
            missing=browser and "chromium-headless-shell or chromium",
            install=browser and "apt-get install chromium-headless-shell",
        )
    )
    return [*findings, *_sandbox_findings()]


def _left_behind(left: list[Leftover]) -> list[Finding]:
    """Tell of what killed runs left; no row where they left nothing."""
    told = leftovers.summary(left)
    return [_finding("left behind by runs that were killed", [told], "agenttuning doctor --clean")] if told else []


def _addresses(words: Sequence[str]) -> dict[str, str]:
    """Read `SITE=URL` words."""
    pairs = [word.partition("=") for word in words]
    addresses = {site: url for site, _, url in pairs}
    user_sites(addresses)
    return addresses


async def _site_findings(addresses: Mapping[str, str]) -> list[Finding]:
    """Look whether the sites that a user runs for WebArena answer."""
    async with httpx.AsyncClient(timeout=_SITE_SECONDS, follow_redirects=True) as client:
        answers = await asyncio.gather(*(_site_problem(client, url) for url in addresses.values()))
    return [
        _finding(f"webarena: {site} at {addresses[site]}", [problem] if problem else [], _start(site))
        for site, problem in zip(addresses, answers, strict=True)
    ]


async def _site_problem(client: httpx.AsyncClient, url: str) -> str:
    try:
        answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"no answer ({type(error).__name__})"
    return "" if answer.is_success else f"answers {answer.status_code}"


def _start(site: str) -> str:
    return f"webarena-verified env start --site {site}"


def _sandbox_findings() -> list[Finding]:
    """Look for what the kernel and the administrator allow a sandbox."""
    users = choose(Path("/")).kind != "single"
    group = make_cgroup(SandboxSettings())
    if group is not None:
        asyncio.run(group.remove())
    return [
        _finding("sandbox: user namespaces", [] if namespaces_allowed() else ["the kernel refuses them"], _ALLOW),
        _finding("sandbox: many users inside", [] if users else ["a range in /etc/subuid"], "apt-get install uidmap"),
        _finding(
            "sandbox: limits by cgroup", [] if group else ["a delegated cgroup"], "systemd-run --user --scope ..."
        ),
    ]


def _finding(what: str, missing: list[str], install: str) -> Finding:
    return Finding(what=what, works=not missing, missing=", ".join(missing), install=install if missing else "")

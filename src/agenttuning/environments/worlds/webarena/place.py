"""Where an episode is played: sites, the way to them, and a browser; opened together and left together."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from agenttuning.core.belongings import temporary_folder
from agenttuning.environments.worlds.browser.gate import Gate
from agenttuning.environments.worlds.webarena.access import access
from agenttuning.environments.worlds.webarena.login import logged_in_sites, read_storage_state
from agenttuning.environments.worlds.webarena.session import Session, Visit
from agenttuning.environments.worlds.webarena.sites import missing_sites, plain_sites, user_sites
from agenttuning.environments.worlds.webarena.verified import TRAFFIC
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import StorageState

    from agenttuning.environments.worlds.webarena.sites import SiteTable
    from agenttuning.environments.worlds.webarena.task import WebarenaTask


@dataclass(frozen=True)
class Place:
    """What an episode holds while it runs."""

    session: Session
    sites: SiteTable
    folder: Path | None
    """Where the traffic is recorded."""


@asynccontextmanager
async def open_place(task: WebarenaTask) -> AsyncIterator[Place]:
    """Open what a task is played on, until the block ends.

    Raises:
        RecipeError: a site, a log-in or a program that the task needs is not set.
        DataError: a log-in is missing or of another format.
        WorldError: the browser does not start.
    """
    async with AsyncExitStack() as held:
        if task.task_set is None:
            sites, proxy, state = await _mini(task, held)
        else:
            sites, proxy, state = await _user(task, held)
        folder = _folder(task, held)
        visit = Visit(
            sites=sites,
            proxy=proxy,
            start_urls=[sites.fill(url) for url in task.raw.start_urls],
            storage_state=state,
            har=folder / TRAFFIC if folder else None,
            load_seconds=task.load_seconds,
        )
        session = Session(visit)
        held.push_async_callback(session.close)
        await session.open()
        yield Place(session, sites, folder)


async def _mini(task: WebarenaTask, held: AsyncExitStack) -> tuple[SiteTable, str, StorageState | None]:
    from agenttuning.environments.worlds.minisites.serving import open_sites
    from agenttuning.environments.worlds.minisites.site import SITE_NAMES

    assert task.difficulty is not None
    served = await held.enter_async_context(open_sites(difficulty=task.difficulty, seed=task.scene))
    names = [name for name in SITE_NAMES if name in task.raw.sites]
    state = served.storage_state(*names) if task.raw.require_login else None
    return plain_sites(served.urls), served.proxy_url, cast("StorageState | None", state)


async def _user(task: WebarenaTask, held: AsyncExitStack) -> tuple[SiteTable, str, StorageState | None]:
    lacking = missing_sites(task.raw.sites, task.sites)
    if lacking:
        raise RecipeError(f"set sites.{lacking[0]} to where that site answers, such as 'http://localhost:7770'")
    if task.task_set == "verified" and task.verifier is None:
        raise RecipeError("the verified set is judged by its own program; set verifier to webarena-verified")
    state = None
    if task.raw.storage_state is not None:
        if task.storage_states is None:
            users = " and ".join(logged_in_sites(task.raw.storage_state))
            raise RecipeError(f"task {task.id} needs a user who is logged in to {users}; set storage_states")
        state = read_storage_state(task.storage_states, task.raw.storage_state)
    sites = user_sites(task.sites)
    used = [task.sites[site] for site in task.raw.sites]
    await held.enter_async_context(access(used, changing=task.raw.changes_sites))
    gate = await held.enter_async_context(Gate(sites.hosts))
    return sites, gate.url, state


def _folder(task: WebarenaTask, held: AsyncExitStack) -> Path | None:
    """Return an empty folder for the record of an episode; None where nobody wants one."""
    if task.har is None:
        if task.task_set != "verified":
            return None
        return held.enter_context(temporary_folder("webarena"))
    task.har.mkdir(parents=True, exist_ok=True)
    play = 1
    while True:
        folder = task.har / (task.id if play == 1 else f"{task.id}.{play}")
        try:
            folder.mkdir()
        except FileExistsError:
            play += 1
        else:
            return folder

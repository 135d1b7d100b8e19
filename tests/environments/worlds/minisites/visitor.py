"""A visitor without a browser: follows links and sends forms as a page has them, through the ASGI application."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
from lxml import html

from agenttuning.environments.worlds.minisites.app import make_app
from agenttuning.environments.worlds.minisites.database import Database, open_database
from agenttuning.environments.worlds.minisites.rows import Account
from agenttuning.environments.worlds.minisites.scene import Scene, make_scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from agenttuning.core.records import Difficulty

PLACE = "http://127.0.0.1:8765"


class Visitor:
    """One person on all sites."""

    def __init__(self, client: httpx.AsyncClient, scene: Scene, database: Database) -> None:
        self.client = client
        self.scene = scene
        self.database = database

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def send(self, path: str, **fields: str) -> httpx.Response:
        return await self.client.post(path, data=fields)

    async def page(self, path: str) -> html.HtmlElement:
        response = await self.get(path)
        assert response.status_code == 200, (path, response.status_code, response.text[:300])
        return html.fromstring(response.text)

    async def log_in(self, folder: str, site: str) -> None:
        name = self.scene.account(site)
        password = next(each.password for each in self.scene.all(Account) if (each.site, each.name) == (site, name))
        response = await self.send(f"/{folder}/login", username=name, password=password)
        assert response.status_code == 200
        assert "Sign out" in response.text or self.scene.difficulty == "tiny"

    async def log_in_everywhere(self) -> None:
        for folder, site in (
            ("shop", "shopping"),
            ("admin", "shopping_admin"),
            ("forum", "reddit"),
            ("code", "gitlab"),
        ):
            await self.log_in(folder, site)


@asynccontextmanager
async def visiting(difficulty: Difficulty = "standard", *, seed: int = 0) -> AsyncIterator[Visitor]:
    scene, database = make_scene(difficulty, seed=seed), open_database(difficulty, seed=seed)
    transport = httpx.ASGITransport(make_app(database, scene=scene))
    async with httpx.AsyncClient(transport=transport, base_url=PLACE, follow_redirects=True) as client:
        yield Visitor(client, scene, database)
    database.close()

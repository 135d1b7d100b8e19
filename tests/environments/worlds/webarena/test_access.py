"""Readers share a site, whoever changes it is alone."""

import asyncio

from agenttuning.environments.worlds.webarena.access import access


async def _use(log: list[str], name: str, sites: list[str], *, changing: bool) -> None:
    async with access(sites, changing=changing):
        log.append(f"+{name}")
        await asyncio.sleep(0.1)
        log.append(f"-{name}")


def _played(*users: tuple[str, list[str], bool]) -> list[str]:
    log: list[str] = []

    async def play() -> None:
        await asyncio.gather(*(_use(log, name, sites, changing=changing) for name, sites, changing in users))

    asyncio.run(play())
    return log


def test_readers_are_together() -> None:
    assert sorted(_played(("a", ["x.test"], False), ("b", ["x.test"], False))[:2]) == ["+a", "+b"]


def test_a_change_is_alone_on_each_of_its_sites() -> None:
    log = _played(("a", ["x.test", "y.test"], True), ("b", ["y.test"], False), ("c", ["y.test", "x.test"], True))
    assert all(log[index][1:] == log[index + 1][1:] for index in (0, 2, 4))


def test_other_sites_do_not_wait() -> None:
    assert sorted(_played(("a", ["x.test"], True), ("b", ["z.test"], True))[:2]) == ["+a", "+b"]

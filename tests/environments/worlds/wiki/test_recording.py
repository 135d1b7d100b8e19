"""A live run recorded and played back."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from agenttuning.environments.worlds.wiki.backend import Page, Similar
from agenttuning.environments.worlds.wiki.recording import RecordingWiki, ReplayWiki
from agenttuning.errors import DataError, WorldError

NAME = "live wiki.example"


class Moody:
    """A wiki whose pages are edited at every look."""

    name = NAME

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.closed = 0

    async def search(self, entity: str) -> Page | Similar:
        self.asked.append(entity)
        if entity == "nothing":
            return Similar(titles=("Some\u00e9", "Other"))
        number = len(self.asked)
        return Page(title=entity, paragraphs=(f"Version {number} \u2028 \U0001f600.", ""), revision=number)

    async def close(self) -> None:
        self.closed += 1


async def _record(path: Path, *entities: str) -> tuple[list[Page | Similar], Moody]:
    moody = Moody()
    wiki = RecordingWiki(moody, path)
    found = [await wiki.search(entity) for entity in entities]
    await wiki.close()
    return found, moody


async def _replay(path: Path, *entities: str) -> list[Page | Similar]:
    wiki = ReplayWiki(path, wiki=NAME)
    try:
        return [await wiki.search(entity) for entity in entities]
    finally:
        await wiki.close()
        await wiki.close()


def test_a_replay_answers_bit_by_bit_with_revisions(tmp_path: Path) -> None:
    entities = ("Oslo", "nothing", " Oslo\x00", "x" * 1000, "Bergen")
    recorded, moody = asyncio.run(_record(tmp_path / "deep" / "run.sqlite", *entities))
    assert moody.asked == ["Oslo", "nothing", "x" * 300, "Bergen"]
    assert moody.closed == 1
    assert recorded[0] == recorded[2] == Page(title="Oslo", paragraphs=("Version 1 \u2028 \U0001f600.", ""), revision=1)
    assert asyncio.run(_replay(tmp_path / "deep" / "run.sqlite", *entities)) == recorded
    with sqlite3.connect(tmp_path / "deep" / "run.sqlite") as database:
        rows = database.execute("SELECT entity, revision FROM searches ORDER BY revision").fetchall()
    database.close()
    assert rows == [("nothing", None), ("Oslo", 1), ("x" * 300, 3), ("Bergen", 4)]


def test_a_second_run_adds_and_changes_nothing_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "run.sqlite"
    first, _ = asyncio.run(_record(path, "Oslo"))
    before = ReplayWiki(path, wiki=NAME)
    again, moody = asyncio.run(_record(path, "Oslo", "Bergen"))
    assert again[0] == first[0]
    assert moody.asked == ["Bergen"]
    after = ReplayWiki(path, wiki=NAME)
    assert before.name.startswith("replay of wiki.example ")
    assert before.name != after.name
    asyncio.run(before.close())
    asyncio.run(after.close())


def test_episodes_that_record_at_once_see_one_answer(tmp_path: Path) -> None:
    class Slow(Moody):
        async def search(self, entity: str) -> Page | Similar:
            await asyncio.sleep(0)
            return await super().search(entity)

    async def run() -> list[Page | Similar]:
        slow = Slow()
        wikis = [RecordingWiki(slow, tmp_path / "run.sqlite") for _ in range(4)]
        found = await asyncio.gather(*(wiki.search("Oslo") for wiki in wikis))
        await asyncio.gather(*(wiki.close() for wiki in wikis))
        return list(found)

    found = asyncio.run(run())
    assert all(one == found[0] for one in found)


def test_what_was_not_recorded_is_a_clear_error(tmp_path: Path) -> None:
    asyncio.run(_record(tmp_path / "run.sqlite", "Oslo"))
    with pytest.raises(WorldError, match=r"holds no search for 'Bergen' in 'live wiki\.example'; .*backend = 'live'"):
        asyncio.run(_replay(tmp_path / "run.sqlite", "Bergen"))


def test_files_that_are_no_recording_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no recording at"):
        ReplayWiki(tmp_path / "none.sqlite", wiki=NAME)
    (tmp_path / "text").write_text("not a database, but long enough to be read as one" * 50)
    with pytest.raises(DataError, match="no recording of a wiki"):
        ReplayWiki(tmp_path / "text", wiki=NAME)
    with pytest.raises(DataError, match="cannot record into"):
        RecordingWiki(Moody(), tmp_path / "text")

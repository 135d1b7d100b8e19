"""Which encyclopaedia a task names, and what is opened for it."""

import asyncio
import json
from pathlib import Path

import pytest

from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.environments.worlds.wiki.live import LiveWiki
from agenttuning.environments.worlds.wiki.opening import (
    GeneratedVolume,
    WikiChoice,
    choose_wiki,
    generated,
    open_wiki,
)
from agenttuning.environments.worlds.wiki.recording import RecordingWiki, ReplayWiki
from agenttuning.errors import DataError, RecipeError


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    file = tmp_path / "pages.jsonl"
    file.write_text(json.dumps({"title": "Oslo", "text": "A city on a fjord."}))
    return file


def test_a_corpus_is_indexed_once_and_named_after_its_text(pages: Path) -> None:
    choice = choose_wiki("corpus", corpus=pages)
    wiki = open_wiki(choice)
    assert wiki is open_wiki(WikiChoice.model_validate_json(choice.model_dump_json()))
    assert wiki.name == choice.name
    assert choice.name.startswith("corpus pages ")
    found = asyncio.run(wiki.search("oslo"))
    assert isinstance(found, Page)
    pages.write_text(json.dumps({"title": "Oslo", "text": "Edited since."}))
    assert choose_wiki("corpus", corpus=pages).name != choice.name


def test_a_live_wiki_is_recorded_where_a_file_is_named_and_played_back(pages: Path, tmp_path: Path) -> None:
    recording = tmp_path / "run.sqlite"
    choice = choose_wiki("live", corpus=pages, contact="me@example.org")
    assert choice.name == "live en.wikipedia.org"
    assert isinstance(open_wiki(choice), LiveWiki)
    kept = choose_wiki("live", corpus=pages, contact="me@example.org", recording=recording)
    opened = open_wiki(kept)
    assert isinstance(opened, RecordingWiki)
    assert opened.name == kept.name
    asyncio.run(opened.close())
    again = choose_wiki("replay", corpus=pages, recording=recording)
    replayed = open_wiki(again)
    assert isinstance(replayed, ReplayWiki)
    assert replayed.name == again.name
    assert again.name.startswith("replay of en.wikipedia.org ")
    asyncio.run(replayed.close())


def test_what_is_missing_is_told(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="set contact"):
        choose_wiki("live", corpus=pages)
    with pytest.raises(RecipeError, match="name its file as `recording`"):
        choose_wiki("replay", corpus=pages)
    with pytest.raises(DataError, match="no recording at"):
        choose_wiki("replay", corpus=pages, recording=tmp_path / "none")
    with pytest.raises(DataError, match="cannot read"):
        choose_wiki("corpus", corpus=tmp_path / "none")


def test_a_generated_volume_is_shared_by_its_episodes() -> None:
    choice = generated(GeneratedVolume(difficulty="tiny", seed=1, test=True, number=2))
    assert open_wiki(choice) is open_wiki(choice)
    assert open_wiki(choice).name == choice.name == "generated-1"

"""Which encyclopaedia an episode plays on, as its task says it, and how it is opened."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from agenttuning.core.records import Difficulty, Record
from agenttuning.environments.worlds.wiki import encyclopaedia
from agenttuning.environments.worlds.wiki.live import WIKIPEDIA, LiveWiki, live_name
from agenttuning.errors import RecipeError

if TYPE_CHECKING:
    from agenttuning.environments.worlds.wiki.backend import WikiBackend
    from agenttuning.environments.worlds.wiki.corpus import CorpusWiki

BackendName = Literal["corpus", "live", "replay"]


class GeneratedVolume(Record):
    """One volume of the generated encyclopaedia."""

    difficulty: Difficulty
    seed: int
    test: bool
    number: int


class WikiChoice(Record):
    """Everything that is needed to open an encyclopaedia."""

    backend: BackendName = "corpus"
    volume: GeneratedVolume | None = None
    """A generated one; stands before all that follows."""
    corpus: Path | None = None
    """File whose pages are searched."""
    url: str = WIKIPEDIA
    contact: str = ""
    recording: Path | None = None
    name: str = ""
    """The backend and its snapshot, as they stand in every number."""


def choose_wiki(
    backend: BackendName, *, corpus: Path, url: str = WIKIPEDIA, contact: str = "", recording: Path | None = None
) -> WikiChoice:
    """Return the choice with its name; the corpus is read, a live wiki is not asked.

    Raises:
        DataError: the corpus or the recording is missing or of another format.
        RecipeError: the settings do not go together.
    """
    if backend == "corpus":
        from agenttuning.environments.worlds.wiki.official import read_pages

        return WikiChoice(corpus=corpus, name=f"corpus {read_pages(corpus)[1]}")
    if backend == "replay":
        from agenttuning.environments.worlds.wiki.recording import replay_name

        if recording is None:
            raise RecipeError("backend = 'replay' plays a recording back: name its file as `recording`")
        name = replay_name(recording, live_name(url))
    else:
        LiveWiki(url, contact=contact)
        name = live_name(url)
    return WikiChoice(backend=backend, url=url, contact=contact, recording=recording, name=name)


def generated(volume: GeneratedVolume) -> WikiChoice:
    """Return the choice of a volume of the generated encyclopaedia."""
    return WikiChoice(volume=volume, name=encyclopaedia.NAME)


def open_wiki(choice: WikiChoice) -> WikiBackend:
    """Open an encyclopaedia for one episode.

    Raises:
        DataError: the corpus or the recording is missing or of another format.
        MissingExtraError: the corpus needs the extra `search`.
    """
    if (volume := choice.volume) is not None:
        opened = encyclopaedia.open_volume(volume.difficulty, seed=volume.seed, test=volume.test, number=volume.number)
        return opened.wiki
    if choice.backend == "corpus":
        assert choice.corpus is not None
        return _corpus(choice.corpus, choice.name)
    from agenttuning.environments.worlds.wiki.recording import RecordingWiki, ReplayWiki

    if choice.backend == "replay":
        assert choice.recording is not None
        return ReplayWiki(choice.recording, wiki=live_name(choice.url))
    live = LiveWiki(choice.url, contact=choice.contact)
    return live if choice.recording is None else RecordingWiki(live, choice.recording)


@lru_cache(maxsize=2)
def _corpus(path: Path, name: str) -> CorpusWiki:
    """Index a corpus once for all episodes; the name holds its digest."""
    from agenttuning.environments.worlds.search.bm25 import Bm25Index
    from agenttuning.environments.worlds.wiki.corpus import CorpusWiki
    from agenttuning.environments.worlds.wiki.official import read_pages

    return CorpusWiki(read_pages(path)[0], name=name, index=Bm25Index.build)

"""One model and one real server for all tests of the port."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.serving.random_llama import save_random_llama

from agenttuning.serving.process import RunningServer, running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_llama(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def server(model_folder: Path) -> Iterator[RunningServer]:
    with running_server(model_folder, ServerSettings(max_body_bytes=20_000)) as running:
        yield running

"""What all tests share: the place of the official data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # a busy machine is no failure


@pytest.fixture(scope="session")
def official_data() -> Callable[[str], Path]:
    """Return the folder of an official data set; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        root = Path(os.environ.get("AGENTTUNING_DATA", Path(__file__).parents[2] / "shared" / "data"))
        if not (root / name).is_dir():
            pytest.skip(f"no official data at {root / name}; set AGENTTUNING_DATA to the folder that holds {name!r}")
        return root / name

    return find

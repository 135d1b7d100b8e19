"""What all tests share: the place of the official data."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure, and a run says the same as the one before; `--hypothesis-profile random` looks further.
settings.register_profile("random", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same", settings.get_profile("random"), derandomize=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def official_data() -> Callable[[str], Path]:
    """Return the folder of an official data set; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        root = Path(os.environ.get("AGENTTUNING_DATA", Path(__file__).parents[2] / "shared" / "data"))
        if not (root / name).is_dir():
            pytest.skip(f"no official data at {root / name}; set AGENTTUNING_DATA to the folder that holds {name!r}")
        return root / name

    return find

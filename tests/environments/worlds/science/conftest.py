"""Where the Java simulator is missing, its tests are skipped with the reason."""

from __future__ import annotations

import pytest

from agenttuning.environments.worlds.science.jvm import missing_parts


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing_parts()
    for item in items:
        if reason and item.get_closest_marker("java"):
            item.add_marker(pytest.mark.skip(reason=reason))

"""Names of keys."""

import pytest

from agenttuning.environments.worlds.webarena.keys import browser_keys


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Enter", "Enter"),
        ("ctrl+A", "Control+A"),
        ("Meta + a", "Control+a"),
        ("PageDown", "PageDown"),
        ("esc", "Escape"),
        ("+", "+"),
        ("Bogus", "Bogus"),
    ],
)
def test_keys_have_the_browsers_names(written: str, name: str) -> None:
    assert browser_keys(written) == name

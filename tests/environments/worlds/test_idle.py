"""How long a program is kept for the next episode."""

import threading

import pytest

from agenttuning.environments.worlds.idle import IDLE_VARIABLE, idle_seconds, look_again
from agenttuning.errors import DataError


def test_ten_minutes_or_what_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(IDLE_VARIABLE, raising=False)
    assert idle_seconds() == 600.0
    monkeypatch.setenv(IDLE_VARIABLE, "0.5")
    assert idle_seconds() == 30.0


@pytest.mark.parametrize("told", ["", "soon", "0", "-1", "nan", "inf"])
def test_anything_else_is_told(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IDLE_VARIABLE, told)
    with pytest.raises(DataError, match="must be a positive number of minutes"):
        idle_seconds()


def test_looking_goes_on_until_there_is_nothing_to_look_for() -> None:
    waits = iter([0.0, 0.001, None])
    done = threading.Event()

    def look() -> float | None:
        wait = next(waits)
        if wait is None:
            done.set()
        return wait

    look_again(look)
    assert done.wait(60)
    assert next(waits, "none left") == "none left"

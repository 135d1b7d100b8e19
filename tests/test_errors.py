"""One boundary, and suggestions that help."""

import pytest

from agenttuning import errors
from agenttuning.errors import AgentTuningError, DataError, PolicyError, WorldError, boundary, nearest


def test_public_names_are_sorted_and_exist() -> None:
    assert sorted(errors.__all__) == errors.__all__
    assert all(hasattr(errors, name) for name in errors.__all__)


@pytest.mark.parametrize(("side", "kind"), [("policy", PolicyError), ("environment", WorldError)])
def test_boundary_names_the_side_and_keeps_the_cause(side: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="KeyError: 'x'") as caught, boundary(side):
        raise KeyError("x")
    assert isinstance(caught.value.__cause__, KeyError)


def test_boundary_lets_users_errors_and_interrupts_pass() -> None:
    for error in (DataError("a"), KeyboardInterrupt()):
        with pytest.raises(type(error)), boundary("policy"):
            raise error
    assert issubclass(DataError, AgentTuningError)


def test_nearest() -> None:
    assert nearest("alfwrld", ["alfworld", "webshop"]) == " (did you mean 'alfworld'?)"
    assert nearest("zzz", ["alfworld"]) == ""

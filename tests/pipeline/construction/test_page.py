"""The page about sources names every key and every reason."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from agenttuning.pipeline.construction.rejects import Reason
from agenttuning.pipeline.construction.settings import SelfInstruct, TaskDerivation

PAGE = (Path(__file__).parents[3] / "docs" / "construct.md").read_text()


@pytest.mark.parametrize("settings", [TaskDerivation, SelfInstruct])
def test_every_key_has_a_row(settings: type[BaseModel]) -> None:
    assert [name for name in settings.model_fields if f"| `{name}` |" not in PAGE] == []


def test_every_reason_has_a_row() -> None:
    assert [reason for reason in Reason if f"| `{reason}` |" not in PAGE] == []

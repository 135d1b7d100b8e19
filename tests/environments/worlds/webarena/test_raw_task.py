"""The raw task schema on the benchmark's own files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from agenttuning.environments.worlds.webarena.raw_task import RawTask

TASK = {
    "sites": ["shopping", "wikipedia"],
    "task_id": 3,
    "require_login": True,
    "storage_state": "./.auth/shopping_state.json",
    "start_url": "__SHOPPING__ |AND| __WIKIPEDIA__/lamp",
    "geolocation": None,
    "intent_template": "Find {{thing}}",
    "instantiation_dict": {"thing": "lamps", "count": 2, "kinds": ["a"]},
    "intent": "Find lamps",
    "require_reset": False,
    "eval": {
        "eval_types": ["string_match"],
        "reference_answers": {"fuzzy_match": "N/A"},
        "reference_url": "",
        "program_html": [],
        "string_note": "there are none",
    },
    "intent_template_id": 9,
}


@pytest.mark.parametrize("name", ["test.raw.811.json", "test.raw.agenttuning-2023.811.json"])
def test_official_files_are_read_and_written_back_whole(name: str, official_data: Callable[[str], Path]) -> None:
    rows = json.loads((official_data("webarena") / name).read_text("utf-8"))
    assert len(rows) == 811
    for row in rows:
        task = RawTask.model_validate_json(json.dumps(row))
        assert json.loads(task.model_dump_json(exclude_unset=True)) == row


def test_first_tabs_and_changes() -> None:
    task = RawTask.model_validate(TASK)
    assert task.start_urls == ("__SHOPPING__", "__WIKIPEDIA__/lamp")
    assert not task.changes_sites
    assert task.model_copy(update={"require_reset": True}).changes_sites


@pytest.mark.parametrize("wrong", [{"sites": ["amazon"]}, {"sites": []}, {"extra": 1}, {"task_id": -1}])
def test_what_the_schema_does_not_know_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RawTask.model_validate(TASK | wrong)

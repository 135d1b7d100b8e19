"""Columns and tags of a file as the `dataset_info.json` beside it names them, brought to LLaMA-Factory's defaults."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.datasets.dialogue import Row

_INFO: Final = "dataset_info.json"
_COLUMNS: Final = {"prompt": "instruction", "query": "input", "response": "output"}
_ROLES: Final = {
    "user_tag": "human", "assistant_tag": "gpt", "observation_tag": "observation", "function_tag": "function_call",
    "system_tag": "system",
}  # fmt: skip


class Columns(BaseModel):
    """Part of an entry: which column and tag stands for what."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    formatting: str = "alpaca"
    columns: dict[str, str | None] = {}
    tags: dict[str, str | None] = {}

    def standard(self, row: Row) -> Row:
        """Return the row under the names that the readers know."""
        if self.formatting == "openai":
            return self._renamed(row, {"messages": "messages"})
        if self.formatting != "sharegpt":
            return self._renamed(row, _COLUMNS)
        renamed = self._renamed(row, {"messages": "conversations"})
        turns = renamed.get("conversations")
        if isinstance(turns, list):
            renamed["conversations"] = [self._turn(turn) if isinstance(turn, dict) else turn for turn in turns]
        return renamed

    def _renamed(self, row: Row, standard: dict[str, str]) -> Row:
        names = {
            own: standard.get(key, key)
            for key, own in self.columns.items()
            if own is not None and (key in standard or key in {"system", "tools", "history"})
        }
        return {names.get(key, key): value for key, value in row.items()}

    def _turn(self, turn: dict[str, JsonValue]) -> Row:
        keys = {self.tags.get("role_tag") or "from": "from", self.tags.get("content_tag") or "value": "value"}
        said: Row = {keys.get(key, key): value for key, value in turn.items()}
        roles = {own: standard for tag, standard in _ROLES.items() if (own := self.tags.get(tag))}
        sender = said.get("from")
        return said | {"from": roles.get(sender, sender)} if isinstance(sender, str) else said


def columns_of(path: Path) -> Columns:
    """Return what a `dataset_info.json` beside a file says of it; nothing where there is none.

    Raises:
        DataError: it is damaged.
    """
    info = path.with_name(_INFO)
    if not info.is_file():
        return Columns()
    try:
        entries = json.loads(info.read_text("utf-8"))
        found = [one for one in entries.values() if isinstance(one, dict) and one.get("file_name") == path.name]
        return Columns.model_validate(found[0]) if found else Columns()
    except (ValueError, AttributeError, ValidationError) as error:
        raise DataError(f"{info} is damaged: {error}; correct or remove it") from error

"""axolotl's `chat_template` data sets: messages with a `train` flag each, and the YAML that makes it obey them.

    {"messages": [{"role": "assistant", "content": "OK.", "train": false}, ...], "tools": [...]}

The configuration stands beside the file; its `roles_to_train` is empty, so the flags alone decide. Arguments are JSON
texts, since their types differ between rows. `messages` with `train` are read as this format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.core.store import write_atomic
from agenttuning.datasets.dialogue import dump
from agenttuning.datasets.format import EVERYTHING
from agenttuning.datasets.messages import OpenAI

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agenttuning.datasets.dialogue import Row

_CONFIGURATION = """\
# The part of an axolotl configuration that reads {name}.
datasets:
  - path: {path}
    ds_type: {kind}
    type: chat_template
    field_messages: messages
    field_tools: tools
    message_property_mappings:
      role: role
      content: content
    message_field_training: train
    roles_to_train: []
    train_on_eos: turn
"""


class Axolotl(OpenAI):
    """Rows with flags."""

    name = "axolotl"
    about = "axolotl chat_template: messages with a train flag each, and the YAML beside it"
    holds = EVERYTHING
    flag = "train"

    def matches(self, row: Row) -> bool:
        """Messages of which one has the flag."""
        messages = row.get("messages")
        return isinstance(messages, list) and any(isinstance(m, dict) and "train" in m for m in messages)

    def finish(self, target: Path) -> Iterator[Path]:
        """Write the configuration beside the file."""
        beside = target.with_name(f"{target.name}.axolotl.yaml")
        kind = "parquet" if target.suffix == ".parquet" else "json"
        text = _CONFIGURATION.format(name=target.name, path=dump(str(target)), kind=kind)
        write_atomic(beside, text)
        yield beside

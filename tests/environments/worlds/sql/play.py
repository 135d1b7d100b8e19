"""The shape of the fixtures that play statements."""

from collections.abc import Sequence
from typing import Protocol

from agenttuning.environments.worlds.sql.table import Table


class Play(Protocol):
    """Runs statements one after another on a fresh database and returns what each gave, as text."""

    def __call__(self, table: Table, statements: Sequence[str]) -> list[str]: ...

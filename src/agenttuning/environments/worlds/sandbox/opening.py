"""The door of this world: settings in, a sandbox out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sandbox.bwrap import BwrapSandbox
from agenttuning.environments.worlds.sandbox.engine import EngineSandbox
from agenttuning.environments.worlds.sandbox.local import LocalSandbox

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import Sandbox, SandboxSettings


def open_sandbox(settings: SandboxSettings) -> Sandbox:
    """Return a sandbox that is not started yet.

    Raises:
        RecipeError: `local` without `allow_unsandboxed`.
    """
    if settings.backend == "bwrap":
        return BwrapSandbox(settings)
    return LocalSandbox(settings) if settings.backend == "local" else EngineSandbox(settings)

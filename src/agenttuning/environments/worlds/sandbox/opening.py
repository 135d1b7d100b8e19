"""The door of this world: settings in, a sandbox out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agenttuning.environments.worlds.sandbox.bwrap import BwrapSandbox

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import Sandbox, SandboxSettings


def open_sandbox(settings: SandboxSettings) -> Sandbox:
    """Return a sandbox that is not started yet.

    Raises:
        RecipeError: `local` without `allow_unsandboxed`.
    """
    return BwrapSandbox(settings)

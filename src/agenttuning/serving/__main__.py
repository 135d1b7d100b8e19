"""A server as a child process: `python -m agenttuning.serving MODEL SETTINGS_JSON`, started by `process.py`."""

from __future__ import annotations

import sys

from agenttuning.errors import AgentTuningError
from agenttuning.serving.server import serve_model, stop_with_parent
from agenttuning.serving.settings import ServerSettings


def main(model: str, settings_json: str) -> int:
    """Serve until the parent ends or says so; a user's mistake is one line on stderr."""
    settings = ServerSettings.model_validate_json(settings_json)
    stop_with_parent(grace_seconds=settings.drain_seconds)
    try:
        serve_model(model, settings)
    except AgentTuningError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

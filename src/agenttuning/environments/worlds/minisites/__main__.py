"""The sites for a person: `python -m agenttuning.environments.worlds.minisites [--port N] [--difficulty D] [--seed N]`.

Serves all five on one loopback port until Ctrl-C, with a landing page that tells the log-ins. Their state lives in
memory and ends with the program.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import socket
import sys
from typing import cast, get_args

from agenttuning.core.records import Difficulty
from agenttuning.errors import AgentTuningError


def main(arguments: list[str]) -> int:
    """Serve until interrupted; return the exit code."""
    reader = argparse.ArgumentParser(prog="python -m agenttuning.environments.worlds.minisites", description=__doc__)
    reader.add_argument("--port", type=_port, default=8765, help="0 takes a free one (default: %(default)s)")
    reader.add_argument("--difficulty", choices=get_args(Difficulty), default="standard")
    reader.add_argument("--seed", type=int, default=0, help="the scene (default: %(default)s)")
    settings = reader.parse_args(arguments)
    try:
        _serve(settings.port, cast("Difficulty", settings.difficulty), settings.seed)
    except AgentTuningError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"cannot listen on port {settings.port}: {error}; choose another with --port, or --port 0\n")
        return 1
    return 0


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number < 65_536:
        raise argparse.ArgumentTypeError(f"a port lies between 0 and 65535, got {number}")
    return number


def _serve(port: int, difficulty: Difficulty, seed: int) -> None:
    from agenttuning.environments.worlds.minisites.app import make_app
    from agenttuning.environments.worlds.minisites.database import open_database
    from agenttuning.environments.worlds.minisites.rows import Account
    from agenttuning.environments.worlds.minisites.scene import make_scene
    from agenttuning.environments.worlds.minisites.serving import serve

    scene = make_scene(difficulty, seed=seed)
    with (
        contextlib.closing(open_database(difficulty, seed=seed)) as database,
        socket.create_server(("127.0.0.1", port)) as listener,
    ):
        passwords = {(account.site, account.name): account.password for account in scene.all(Account)}
        sys.stdout.write(f"webarena-mini is at http://127.0.0.1:{listener.getsockname()[1]}/ (Ctrl-C ends it)\n")
        sys.stdout.write(f"shop, forum, code: {scene.user} with {passwords['shopping', scene.user]}\n")
        sys.stdout.write(f"shop admin: {scene.admin} with {passwords['shopping_admin', scene.admin]}\n")
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(make_app(database, scene=scene), listener=listener))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

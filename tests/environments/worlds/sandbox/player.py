"""Plays steps in sandboxes, one JSON line in, one out: as whoever started it, so the same steps run for every user."""

import asyncio
import json
import sys

from agenttuning.environments.worlds.sandbox.opening import open_sandbox
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings
from agenttuning.errors import AgentTuningError, SideError


async def play(settings: dict[str, object], steps: list[list[object]]) -> dict[str, object]:
    """Run `["shell", command, seconds]` and `["execute", words, seconds]` in a new sandbox."""
    sandbox = open_sandbox(SandboxSettings.model_validate(settings))
    results: list[object] = []
    try:
        await sandbox.start()
        for kind, what, seconds in steps:
            if kind == "shell":
                output = await sandbox.shell(str(what), timeout_seconds=float(str(seconds)))
                results.append([output.text, output.timed_out, output.restarted, output.ended])
            else:
                words = [str(word) for word in what] if isinstance(what, list) else []
                done = await sandbox.execute(words, timeout_seconds=float(str(seconds)))
                texts = [text.decode("utf-8", "replace") for text in (done.stdout, done.stderr)]
                results.append([done.exit_code, *texts, done.timed_out])
        return {"facts": json.loads(sandbox.facts.model_dump_json()), "results": results}
    except (AgentTuningError, SideError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        await sandbox.close()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(asyncio.run(play(**json.loads(line)))), flush=True)  # noqa: T201  the answer

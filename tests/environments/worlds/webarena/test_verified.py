"""The verified evaluators read what our episodes leave behind."""

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.environments.worlds.webarena.site import running_site
from tests.environments.worlds.webarena.test_raw_task import TASK

from agenttuning.core.records import Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.webarena import Webarena
from agenttuning.environments.worlds.browser.process import missing_program
from agenttuning.environments.worlds.webarena.raw_task import RawTask
from agenttuning.environments.worlds.webarena.task import WebarenaTask
from agenttuning.environments.worlds.webarena.verified import (
    RESPONSE,
    TRAFFIC,
    VERSION,
    AgentResponse,
    read_response,
    verify,
    write_episode,
)
from agenttuning.errors import DataError, WorldError

PROFILE = """<title>Profile</title><form method="post" action="/user/MarvelsGrantMan136/edit_biography">
<textarea name="user_biography[biography]" aria-label="Biography">old</textarea><button>Save</button></form>"""


@pytest.mark.parametrize(
    ("answer", "changed", "response"),
    [
        ("", False, AgentResponse(task_type="NAVIGATE", status="SUCCESS")),
        ("", True, AgentResponse(task_type="MUTATE", status="SUCCESS")),
        ("blue", True, AgentResponse(task_type="RETRIEVE", status="SUCCESS", retrieved_data=["blue"])),
        ("12", False, AgentResponse(task_type="RETRIEVE", status="SUCCESS", retrieved_data=[12])),
        ("n/a", False, AgentResponse(task_type="RETRIEVE", status="NOT_FOUND_ERROR", error_details="impossible")),
        (
            '{"task_type": "MUTATE", "status": "PERMISSION_DENIED_ERROR"}',
            False,
            AgentResponse(task_type="MUTATE", status="PERMISSION_DENIED_ERROR"),
        ),
        (
            '{"task_type": 3}',
            False,
            AgentResponse(task_type="RETRIEVE", status="SUCCESS", retrieved_data=['{"task_type": 3}']),
        ),
    ],
)
def test_an_answer_becomes_a_response(answer: str, response: AgentResponse, *, changed: bool) -> None:
    assert read_response(answer, changed=changed) == response


def test_a_response_is_written_beside_the_traffic(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="no record of the traffic"):
        write_episode(tmp_path, "")
    (tmp_path / TRAFFIC).write_text('{"log": {"entries": [{"request": {"method": "POST"}}]}}')
    write_episode(tmp_path, "")
    assert json.loads((tmp_path / RESPONSE).read_text())["task_type"] == "MUTATE"


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"pip install webarena-verified==1\.2\.3"):
        asyncio.run(verify(tmp_path, 399, sites={}, program=tmp_path / "none"))


@pytest.fixture(scope="session")
def verifier() -> Path:
    """Return the program, in an environment of its own under the user's cache folder, made at the first call."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agenttuning"
    place = caches / f"webarena-verified-{VERSION}"
    place.mkdir(parents=True, exist_ok=True)
    program = place / "bin" / "webarena-verified"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.is_file():
            subprocess.run([sys.executable, "-m", "venv", place], check=True)
            install = [place / "bin" / "pip", "install", "--quiet", f"webarena-verified=={VERSION}"]
            done = subprocess.run(install, capture_output=True, text=True, timeout=250, check=False)
            if done.returncode:
                pytest.skip(f"pip finds no webarena-verified: {done.stderr.strip().splitlines()[-1]}")
    return program


class _Writer:
    """Writes a biography and stops."""

    name = "writer"
    sampling = None

    def __init__(self, text: str) -> None:
        self.replies = [f"```type [3] [{text}] [0]```", "```click [5]```", "```stop```"]

    async def reply(self, messages: tuple[object, ...]) -> Reply:
        return Reply(content=self.replies.pop(0))


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(bool(missing_program()), reason="no Chromium")
@pytest.mark.parametrize(("text", "score"), [("I am a robot", 1), ("I am no robot", 0)])
def test_an_episode_is_accepted_and_judged(verifier: Path, text: str, score: int, tmp_path: Path) -> None:
    raw = RawTask.model_validate(
        TASK | {"sites": ["reddit"], "task_id": 399, "storage_state": None, "start_url": "__REDDIT__"}
    )

    def play(address: str) -> Trajectory:
        task = WebarenaTask(
            id="399", raw=raw, task_set="verified", sites={"reddit": address}, verifier=verifier, har=tmp_path
        )
        return asyncio.run(rollout(Webarena(task), lambda _environment, *, sample: _Writer(text)))

    with running_site() as site:
        site.pages["/"] = PROFILE
        played = play(site.url)
        assert len(site.forms) == 1, played
    assert (played.failure, played.stop) == (None, Stop.DONE)
    assert played.score.reward == score
    assert json.loads((tmp_path / "399" / RESPONSE).read_text())["task_type"] == "MUTATE"
    assert "URL: http://reddit.com/" in played.messages[-2].content

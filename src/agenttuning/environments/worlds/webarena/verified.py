"""The verified evaluators (`webarena-verified`, PyPI): they read what an agent answered and the traffic it caused.

The package pins its dependencies exactly, so it lives in a virtual environment of its own and is called as a program:

    python -m venv verifier && verifier/bin/pip install webarena-verified==1.2.3
    agenttuning evaluate ... verifier=verifier/bin/webarena-verified
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from agenttuning.core.belongings import temporary_folder
from agenttuning.core.records import Record
from agenttuning.environments.worlds.webarena.evaluators import NOT_POSSIBLE
from agenttuning.errors import DataError, WorldError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION: Final = "1.2.3"
RESPONSE: Final = "agent_response.json"
TRAFFIC: Final = "network.har"
_RESULT: Final = "eval_result.json"
_CONFIG: Final = "config.json"
_SECONDS: Final = 120.0


class AgentResponse(Record):
    """What an agent says at the end, in the verified set's words."""

    task_type: Literal["RETRIEVE", "MUTATE", "NAVIGATE"]
    status: str
    retrieved_data: list[JsonValue] | None = None
    error_details: str | None = None


class _Result(BaseModel):
    status: str
    score: float
    error_msg: str | None = None


class _Request(BaseModel):
    method: str


class _Entry(BaseModel):
    request: _Request


class _Log(BaseModel):
    entries: list[_Entry]


class _Har(BaseModel):
    log: _Log


def read_response(answer: str, *, changed: bool) -> AgentResponse:
    """Return the answer of an agent as a response.

    Args:
        answer: what it gave with `stop`: the response itself as JSON, or plain text, which becomes one: N/A is
            something not found, any other text was retrieved, and no text stands for a change or a visit.
        changed: did the episode send anything but GET.
    """
    try:
        return AgentResponse.model_validate_json(answer)
    except ValidationError:
        pass
    text = answer.strip()
    if text.upper() == NOT_POSSIBLE:
        return AgentResponse(task_type="RETRIEVE", status="NOT_FOUND_ERROR", error_details="impossible")
    if text:
        return AgentResponse(task_type="RETRIEVE", status="SUCCESS", retrieved_data=[_plain(text)])
    return AgentResponse(task_type="MUTATE" if changed else "NAVIGATE", status="SUCCESS")


def _plain(text: str) -> JsonValue:
    """Read a number as one."""
    try:
        value: JsonValue = TypeAdapter(int | float).validate_json(text)
    except ValidationError:
        return text
    return value


def write_episode(folder: Path, answer: str) -> None:
    """Put the response beside the traffic that was recorded in a folder.

    Raises:
        WorldError: no traffic was recorded there.
    """
    try:
        traffic = _Har.model_validate_json((folder / TRAFFIC).read_bytes())
    except (OSError, ValidationError) as error:
        raise WorldError(f"no record of the traffic in {folder / TRAFFIC}: {error}") from error
    changed = any(entry.request.method not in ("GET", "HEAD") for entry in traffic.log.entries)
    response = read_response(answer, changed=changed)
    (folder / RESPONSE).write_text(response.model_dump_json(indent=1), "utf-8")


async def verify(
    folder: Path, task_id: int, *, sites: Mapping[str, str], program: Path, data: Path | None = None
) -> float:
    """Return the verified score of an episode, in [0, 1].

    Args:
        folder: holds the response and the traffic.
        task_id: the task's number in the verified set.
        sites: site -> where it answered.
        program: the package's `webarena-verified`.
        data: a file of tasks to take in place of the package's own.

    Raises:
        DataError: the program is missing.
        WorldError: it could not judge.
    """
    with temporary_folder("verify") as place:
        _lay_out(place, folder, task_id, sites=sites, data=data)
        try:
            said = await _call(program, place, task_id)
        except FileNotFoundError as error:
            raise DataError(
                f"no program at {str(program)!r}; make one with `python -m venv verifier && verifier/bin/pip install "
                f"webarena-verified=={VERSION}` and set verifier=verifier/bin/webarena-verified"
            ) from error
    return _read_result(folder, said)


def _lay_out(place: Path, folder: Path, task_id: int, *, sites: Mapping[str, str], data: Path | None) -> None:
    """Write what the program reads."""
    (place / str(task_id)).symlink_to(folder.resolve(), target_is_directory=True)
    environments = {f"__{site.upper()}__": {"urls": [url]} for site, url in sites.items()}
    config = {"environments": environments} | ({"test_data_file": str(data.resolve())} if data else {})
    (place / _CONFIG).write_text(json.dumps(config), "utf-8")


def _read_result(folder: Path, said: str) -> float:
    try:
        result = _Result.model_validate_json((folder / _RESULT).read_bytes())
    except (OSError, ValidationError) as error:
        raise WorldError(f"webarena-verified left no result in {folder}: {said[-500:]}") from error
    if result.status == "error":
        raise WorldError(f"webarena-verified could not judge {folder}: {result.error_msg}")
    return result.score


async def _call(program: Path, place: Path, task_id: int) -> str:
    """Run the program; return what it said."""
    process = await asyncio.create_subprocess_exec(
        program,
        "eval-tasks",
        f"--task-ids={task_id}",
        f"--output-dir={place}",
        f"--config={place / _CONFIG}",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError as error:
        raise WorldError(f"webarena-verified took longer than {_SECONDS:g} s for task {task_id}") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return output.decode(errors="replace")

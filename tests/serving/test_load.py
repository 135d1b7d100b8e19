"""Many clients, one in ten of which misbehaves: no wrong answer, nothing left behind. The benchmark runs a minute."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import torch
from benchmarks.serving_load import handles, known_answers, left_behind, load

from agenttuning.models.load import load_chat_model
from agenttuning.serving.process import running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from pathlib import Path

    from agenttuning.serving.process import RunningServer


def test_no_answer_is_wrong_whoever_else_is_there(model_folder: Path) -> None:
    torch.set_num_threads(1)
    settings = ServerSettings(dtype="float64", max_body_bytes=500_000)

    async def scenario(server: RunningServer) -> None:
        before = await left_behind(server)
        files = handles(server.pid)
        seen = await load(server, known, clients=20, seconds=5.0)
        assert (seen.wrong, seen.broken) == ([], 0)
        assert seen.right >= 20
        assert sum(seen.misdeeds.values()) >= 2
        after = await left_behind(server)
        assert after["tgi_batch_current_size"] == after["tgi_queue_size"] == 0
        assert after["agenttuning_requests_in_progress"] == 0
        assert after["agenttuning_tasks"] <= before["agenttuning_tasks"] + 2
        assert handles(server.pid) <= files + 2

    with running_server(model_folder, settings) as server:
        known = known_answers(load_chat_model(model_folder, dtype="float64"), server.url)
        asyncio.run(scenario(server))

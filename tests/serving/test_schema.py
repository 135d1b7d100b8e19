"""Whatever the description allows, and much that it does not: no failure of the server, no undescribed answer."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.serving.letters import LetterEngine
from tests.serving.thread import in_thread
from tests.serving.upstream import listening

from agenttuning.serving.app import create_app
from agenttuning.serving.proxy import open_gateway
from agenttuning.serving.proxy_settings import GatewaySettings
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from starlette.applications import Starlette

EXAMPLES = 10
OPERATIONS = 13
SURE = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@asynccontextmanager
async def local() -> AsyncIterator[Starlette]:
    yield create_app(LetterEngine(), ServerSettings(max_answer_tokens=8))


@asynccontextmanager
async def gateway() -> AsyncIterator[Starlette]:
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(local())
        _, port = await stack.enter_async_context(listening(app))
        settings = GatewaySettings(upstreams=(f"http://127.0.0.1:{port}",), probe_seconds=60)
        yield await stack.enter_async_context(open_gateway(settings))


@pytest.fixture(params=[local, gateway], ids=["local", "gateway"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with in_thread(request.param()) as server:
        yield server.url


@pytest.mark.filterwarnings("default")
def test_no_failure_and_nothing_undescribed(url: str) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    assert len(found) == OPERATIONS
    for operation in found:
        for mode in schemathesis.GenerationMode:
            if mode is schemathesis.GenerationMode.NEGATIVE and operation.method == "get":
                continue

            @seed(1)
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: schemathesis.Case) -> None:
                case.call_and_validate(checks=SURE)

            one()

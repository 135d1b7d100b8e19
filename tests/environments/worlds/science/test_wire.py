"""The gateway's line protocol, against a gateway that repeats what it is told."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.environments.worlds.science.wire import JavaError, Reference, Value, open_wire
from agenttuning.errors import WorldError


async def _gateway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a call with its first argument, `throw` with an exception, and `leave` by leaving."""
    with contextlib.suppress(ConnectionError):
        await _converse(reader, writer)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    await reader.readline()
    writer.write(b"!yv\n")
    while (await reader.readline()) == b"c\n":
        _, method, argument = [(await reader.readline()).removesuffix(b"\n") for _ in range(3)]
        if argument != b"e":
            await reader.readline()
        if method == b"leave":
            break
        writer.write(b"!xo1\n" if method == b"throw" else b"!y" + (b"v" if argument == b"e" else argument) + b"\n")


def _ask(method: str, *arguments: Value) -> Value:
    left = asyncio.Event()

    async def gateway(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _gateway(reader, writer)
        left.set()

    async def talk() -> Value:
        async with await asyncio.start_server(gateway, "127.0.0.1", 0) as server:
            wire = await open_wire(server.sockets[0].getsockname()[1], "token")
            try:
                return await wire.call(Reference("o0"), method, *arguments)
            finally:
                await wire.close()
                await left.wait()

    return asyncio.run(talk())


@settings(max_examples=40, deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=20)
    | st.integers()
    | st.booleans()
    | st.sampled_from(["\\n", "\\\\\n\r"])
)
def test_values_come_back_as_they_were_sent(value: Value) -> None:
    assert _ask("echo", value) == value


def test_objects_floats_and_nothing_come_back_too() -> None:
    assert _ask("echo", Reference("o7")) == Reference("o7")
    assert _ask("echo", 0.25) == 0.25
    assert _ask("echo", None) is None
    assert _ask("echo") is None


def test_an_exception_and_a_gateway_that_leaves_are_errors_of_the_world() -> None:
    with pytest.raises(JavaError, match="threw an exception"):
        _ask("throw")
    with pytest.raises(WorldError, match="has ended"):
        _ask("leave")


def test_nobody_there_is_an_error_of_the_world() -> None:
    with pytest.raises(WorldError, match="cannot reach"):
        asyncio.run(open_wire(1, "token"))

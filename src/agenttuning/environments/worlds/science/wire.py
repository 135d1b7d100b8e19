"""The line protocol of a Py4J gateway, as far as a simulator needs it: call a method, read its answer.

Py4J's own client keeps references from finalizers in any thread, sends a failed call again, and blocks. Here a call is
sent once, in the order of the episode, and can be awaited with a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final

from agenttuning.errors import WorldError

_LONGEST_LINE: Final = 1 << 24
"""Bytes of one answer; the longest list of valid actions takes about 200,000."""


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that lives in the Java machine; `z:` and a name is a class, for its static methods."""

    id: str


Value = str | int | float | bool | Reference | None


class JavaError(WorldError):
    """A method threw an exception."""


class Wire:
    """One connection to a gateway; one call at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def call(self, target: Reference, method: str, *arguments: Value) -> Value:
        """Call a method of an object and return what it returns.

        Raises:
            JavaError: the method threw.
            WorldError: the gateway is gone.
        """
        return await self._ask("c", target.id, method, *map(_written, arguments), "e")

    async def construct(self, name: str) -> Reference:
        """Make an object with the constructor that takes nothing; raises as `call`."""
        made = await self._ask("i", name, "e")
        assert isinstance(made, Reference), f"{name} is no object"
        return made

    async def forget(self, held: Reference) -> None:
        """Let the Java machine drop an object that it keeps for us."""
        await self._ask("m", "d", held.id, "e")

    async def introduce(self, token: str) -> None:
        """Show the token, first of all."""
        await self._ask("A", token)

    async def _ask(self, *lines: str) -> Value:
        try:
            self._writer.write("".join(f"{line}\n" for line in lines).encode("utf-8", "replace"))
            await self._writer.drain()
            answer = await self._reader.readline()
        except (OSError, ValueError) as error:
            raise WorldError(f"the simulator's gateway broke: {type(error).__name__} {error}") from error
        if not answer.endswith(b"\n"):
            raise WorldError("the simulator's gateway is gone: its Java machine has ended")
        return _read(answer.decode("utf-8", "replace").removesuffix("\n").removeprefix("!"))

    async def close(self) -> None:
        """Leave the gateway at once, whatever it still has to say."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


async def open_wire(port: int, token: str) -> Wire:
    """Connect to a gateway of this machine.

    Raises:
        WorldError: nothing listens there.
    """
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=_LONGEST_LINE)
    except OSError as error:
        raise WorldError(f"cannot reach the simulator's gateway at port {port}: {error}") from error
    wire = Wire(reader, writer)
    try:
        await wire.introduce(token)
    except BaseException:
        await wire.close()
        raise
    return wire


def _written(value: Value) -> str:
    match value:
        case bool():
            return f"b{str(value).lower()}"
        case int():
            return f"i{value}"
        case float():
            return f"d{value!r}"
        case str():
            return "s" + value.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n")
        case Reference():
            return f"r{value.id}"
        case None:
            return "n"


def _read(answer: str) -> Value:
    if not answer.startswith("y"):
        raise JavaError(f"the simulator threw an exception: {answer[1:300]!r}")
    kind, text = answer[1:2], answer[2:]
    match kind:
        case "s":
            return _unescaped(text)
        case "i" | "L":
            return int(text)
        case "d":
            return float(text)
        case "b":
            return text.lower() == "true"
        case "" | "v" | "n":
            return None
        case _:
            return Reference(text)


def _unescaped(text: str) -> str:
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\r", "\r").replace("\\n", "\n") for part in parts)

"""Every answer that a teacher was paid for, on disk before it is used: after a kill none is asked for again.

`exchanges.jsonl` holds one `Exchange` per answer. A request is known by the digest of its place (which proposal, which
turn of its second pass), the model, the messages and the sampling, so that two proposals with equal prompts stay two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from agenttuning.core.records import Record, Reply, digest
from agenttuning.core.store import Appender, read_records
from agenttuning.policies.episode import turn_seed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from agenttuning.core.records import Message, Sampling
    from agenttuning.policies.episode import Model


class Exchange(Record):
    """One answer."""

    request: str
    """Digest of what was asked."""
    place: str
    """For whom, such as `operating_system/self_instruct/12/propose`."""
    reply: Reply


class Exchanges:
    """The log of one run; it asks the model only what it has no answer to."""

    def __init__(self, path: Path, model: Model) -> None:
        self._path = path
        self._model = model
        self._known: dict[str, Reply] = {}
        self._log: Appender[Exchange] | None = None

    def __enter__(self) -> Self:
        self._log = Appender(self._path)
        self._known = {held.request: held.reply for held in read_records(self._path, Exchange)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._log is not None:
            self._log.close()

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._model.name

    def at(self, place: str) -> PlacedModel:
        """Return the model as one place sees it."""
        return PlacedModel(self, place)

    async def answer(self, place: str, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the answer held, or ask for it and hold it; raises what the model raises."""
        said = "\n".join(message.model_dump_json() for message in messages)
        request = digest(f"{self._model.name}\n{place}\n{sampling.model_dump_json()}\n{said}")
        if request not in self._known:
            assert self._log is not None, "enter it first"
            reply = await self._model.answer(messages, sampling=sampling)
            self._log.append(Exchange(request=request, place=place, reply=reply))
            self._known[request] = reply
        return self._known[request]


class PlacedModel:
    """A model whose answers are held under one place; implements `policies.episode.Model`."""

    def __init__(self, exchanges: Exchanges, place: str) -> None:
        self._exchanges = exchanges
        self._place = place

    @property
    def name(self) -> str:
        """The model's own name."""
        return self._exchanges.name

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Return the next assistant turn; `sampling.seed` is this turn's own."""
        return await self._exchanges.answer(self._place, messages, sampling=sampling)

    async def ask(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        """Ask once, with a seed of this place's own where there is a base seed."""
        own = turn_seed(sampling, episode=self._place, turn=0)
        return await self.answer(messages, sampling=sampling.model_copy(update={"seed": own}))


def seeded(sampling: Sampling, seed: int) -> Sampling:
    """Give random draws the run's seed, where they have none of their own."""
    if sampling.seed is not None or sampling.temperature == 0:
        return sampling
    return sampling.model_copy(update={"seed": seed})

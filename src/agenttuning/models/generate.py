"""Batched generation: many conversations, one model, one thread that owns it.

Requests gather for a short window, join the running batch at any step and leave it when they end, so short answers
never wait for long ones. Keys and values of a finished turn are kept, so an agent's next turn pays for its new tokens.

A request draws the same tokens alone and in company, up to the last bits of the arithmetic: matrix products of other
shapes round differently, which decides only between tokens whose scores agree to that precision. Measured on a random
model of seven million parameters: log probabilities differ by up to 9e-6 in float32 (of 64 episodes of six turns one
went another way) and by 2e-14 in float64, which is the choice where runs must repeat. Where transformers' own pass
runs, float64 differs by 1e-7 now and then, since its norms and its softmax stay in float32. In bfloat16, or on a GPU,
answers do change.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import torch

from agenttuning.errors import AgentTuningError, ContextLimitError, PolicyError, SideError, boundary
from agenttuning.models.decode_batch import DecodeBatch, Told
from agenttuning.models.generation import Generation, GenerationRequest, Load, Token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from types import TracebackType

    from agenttuning.models.decode_row import Row
    from agenttuning.models.load import ChatModel

_PATIENT_STEPS = 8
"""After this many steps even one row joins alone."""

__all__ = ["Generation", "GenerationRequest", "Generator", "Token"]


@dataclass(slots=True, eq=False)
class _Ticket:
    row: Row
    loop: asyncio.AbstractEventLoop
    answers: asyncio.Queue[list[Token] | PolicyError]
    arrived: float
    held: list[Token] = field(default_factory=list)
    """Tokens of a request that nobody reads along, until the last."""

    def ready(self, told: Told) -> list[Token] | PolicyError | None:
        """Return what to hand over now."""
        if isinstance(told, PolicyError):
            return told
        self.held.append(told)
        if self.row.request.whole and told.generation is None and len(self.row.answer) > 1:
            return None
        ready, self.held = self.held, []
        return ready


class Generator:
    """Answers any number of requests at once; use it as an asynchronous context manager, or `close` it."""

    def __init__(
        self,
        chat_model: ChatModel,
        *,
        max_batch: int = 32,
        window_seconds: float = 0.005,
        prefix_cache_bytes: int = 512 << 20,
    ) -> None:
        self.chat_model = chat_model
        self._window_seconds = window_seconds
        self._vocabulary = int(chat_model.model.config.vocab_size)
        self._batch = DecodeBatch(chat_model, max_rows=max_batch, prefix_cache_bytes=prefix_cache_bytes)
        self._inbox: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._waiting: deque[_Ticket] = deque()
        self._tickets: dict[Row, _Ticket] = {}
        self._steps = 0
        """Since rows last joined."""
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="generator", daemon=True)
        self._thread.start()

    @property
    def load(self) -> Load:
        """What it is doing, about now."""
        batch = self._batch
        return Load(
            running=len(batch.rows),
            waiting=len(self._waiting) + self._inbox.qsize(),
            prompt_tokens=batch.prompt_tokens,
            cached_tokens=batch.cached_tokens,
            cache_bytes=batch.cache_bytes,
        )

    async def generate(self, request: GenerationRequest) -> Generation:
        """Return the whole answer; cancelling the call frees its row.

        Raises:
            ContextLimitError: prompt and `max_new_tokens` exceed the model's length.
            PolicyError: the prompt is not of this model's tokens, or the model failed.
        """
        ticket = self._submit(request, streaming=False)
        try:
            while (generation := (await _received(ticket))[-1].generation) is None:
                continue
        finally:
            ticket.row.done = True
        return generation

    async def stream(self, request: GenerationRequest) -> AsyncIterator[Token]:
        """Yield the answer token by token; leaving early frees its row. Raises as `generate` does."""
        ticket = self._submit(request, streaming=True)
        try:
            while True:
                for token in await _received(ticket):
                    yield token
                    if token.generation is not None:
                        return
        finally:
            ticket.row.done = True

    async def close(self) -> None:
        """Fail what is in flight and end the worker; safe to call twice."""
        self._closed = True
        self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _submit(self, request: GenerationRequest, *, streaming: bool) -> _Ticket:
        self._require_possible(request)
        row = self._batch.new_row(request, streaming=streaming)
        ticket = _Ticket(row, asyncio.get_running_loop(), asyncio.Queue(), time.monotonic())
        self._inbox.put(ticket)
        return ticket

    def _require_possible(self, request: GenerationRequest) -> None:
        if self._closed:
            raise PolicyError(f"the generator of {self.chat_model.name!r} is closed")
        prompt, asked, limit = request.prompt_ids, request.sampling.max_new_tokens, self.chat_model.max_length
        if len(prompt) + asked > limit:
            raise ContextLimitError(
                f"{len(prompt)} prompt tokens and max_new_tokens={asked} exceed the {limit} tokens of "
                f"{self.chat_model.name!r}"
            )
        if not prompt or min(prompt) < 0 or max(prompt) >= self._vocabulary:
            raise PolicyError(f"the prompt must hold 1 or more token ids below {self._vocabulary}")

    def _work(self) -> None:
        if self.chat_model.model.device.type == "cpu":
            torch.set_num_threads(1)
        with torch.inference_mode():
            while self._gather():
                self._advance()
        closed = PolicyError("the generator was closed")
        self._deliver([(ticket, closed) for ticket in (*self._tickets.values(), *self._waiting)])

    def _gather(self) -> bool:
        """Read the inbox; wait only while there is nothing to do. False when closed."""
        arrived: list[_Ticket | None] = []
        if not self._tickets and not self._waiting:
            arrived.append(self._inbox.get())
            deadline = time.monotonic() + self._window_seconds
            while arrived[-1] is not None and len(arrived) < self._batch.max_rows:
                try:
                    arrived.append(self._inbox.get(timeout=max(0.0, deadline - time.monotonic())))
                except queue.Empty:
                    break
        while not self._inbox.empty():
            arrived.append(self._inbox.get())
        self._waiting.extend(ticket for ticket in arrived if ticket is not None)
        return None not in arrived

    def _advance(self) -> None:
        self._tell(self._step())
        self._steps += 1
        joining = self._joining()
        if joining:
            self._steps = 0
            self._tickets.update((ticket.row, ticket) for ticket in joining)
            self._admit([ticket.row for ticket in joining])

    def _step(self) -> list[tuple[Row, Told]]:
        try:
            with boundary("policy"):
                return self._batch.step()
        except (SideError, AgentTuningError):
            return self._step_alone()

    def _step_alone(self) -> list[tuple[Row, Told]]:
        """Advance every row by itself, since one that cannot must not take the others along."""
        told: list[tuple[Row, Told]] = []
        for row in [row for row in self._batch.rows if not row.done]:
            try:
                with boundary("policy"):
                    told += self._batch.step_alone(row)
            except (SideError, AgentTuningError) as error:
                told.append((row, row.fail(error)))
        if all(isinstance(item, PolicyError) for _, item in told):
            self._batch.reset()
        return told

    def _admit(self, rows: Sequence[Row]) -> None:
        """Let rows join; where that fails, one by one, so that only those fail that cannot."""
        try:
            with boundary("policy"):
                for told in self._batch.admit(rows):
                    self._tell(told)
        except (SideError, AgentTuningError) as error:
            left = [row for row in rows if not row.answer and not row.done]
            self._batch.expel(left)
            if len(rows) == 1:
                self._tell([(row, row.fail(error)) for row in left])
            else:
                for row in left:
                    self._admit([row])

    def _joining(self) -> list[_Ticket]:
        """Choose who joins now: few at a time only when they have waited, since every joining costs a pass."""
        self._waiting = deque(ticket for ticket in self._waiting if not ticket.row.done)
        running = len(self._batch.rows)
        count = min(self._batch.max_rows - running, len(self._waiting))
        if count <= 0:
            return []
        patient = time.monotonic() - self._waiting[0].arrived < 4 * self._window_seconds
        full = len(self._waiting) > count
        if running and count * 8 < running and self._steps < _PATIENT_STEPS and (patient or full):
            return []
        return [self._waiting.popleft() for _ in range(count)]

    def _tell(self, told: Iterable[tuple[Row, Told]]) -> None:
        self._deliver([(self._tickets[row], item) for row, item in told])
        for row in [row for row in self._tickets if row.done]:
            del self._tickets[row]

    @staticmethod
    def _deliver(told: Iterable[tuple[_Ticket, Told]]) -> None:
        """Hand everything over with one call per event loop, since each call wakes its thread."""
        ready: dict[asyncio.AbstractEventLoop, list[tuple[_Ticket, list[Token] | PolicyError]]] = {}
        for ticket, item in told:
            if not isinstance(item, Token) or ticket.row.streaming or item.generation is not None:
                found = ticket.ready(item)
                if found is not None:
                    ready.setdefault(ticket.loop, []).append((ticket, found))
        for loop, items in ready.items():
            try:
                loop.call_soon_threadsafe(_put, items)
            except RuntimeError:  # that event loop is closed: nobody waits any more
                for ticket, _ in items:
                    ticket.row.done = True


def _put(items: Iterable[tuple[_Ticket, list[Token] | PolicyError]]) -> None:
    for ticket, item in items:
        ticket.answers.put_nowait(item)


async def _received(ticket: _Ticket) -> list[Token]:
    item = await ticket.answers.get()
    if isinstance(item, PolicyError):
        raise item
    return item

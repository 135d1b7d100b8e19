"""The running batch: rows join and leave between decoding steps, all in the thread that owns the model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from agenttuning.errors import AgentTuningError, DataError, PolicyError, SideError, boundary
from agenttuning.models.decode_row import Row
from agenttuning.models.generation import Scored, Token
from agenttuning.models.llama_forward import forward_of
from agenttuning.models.row_cache import Placement, Prefix, PrefixStore, RowCache, shared_mark
from agenttuning.models.sample_tokens import choose_tokens, weaken_repeated
from agenttuning.models.score_tokens import score_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agenttuning.models.generation import GenerationRequest
    from agenttuning.models.load import ChatModel

_PREFILL_CELLS = 1 << 22
"""Attention cells (rows x new tokens x columns) of one prefill pass; bounds its memory."""
_PREFILL_TOKENS = 512
"""Tokens of one prefill pass while others wait for their next token."""
_SCORE_CELLS = 1 << 27
"""Scores (rows x new tokens x vocabulary) of one pass that keeps them all, as scored prompts need."""
_SHARED_TOKENS = 64
"""From how many tokens in common on a prompt waits for another one that is read now."""

Told = Token | PolicyError


class DecodeBatch:
    """At most `max_rows` answers in progress and the cache of their conversations."""

    def __init__(self, chat_model: ChatModel, *, max_rows: int, prefix_cache_bytes: int) -> None:
        self.max_rows = max_rows
        self.rows: list[Row] = []
        self._model = chat_model.model
        self._next_scores = forward_of(chat_model.model)
        self._tokenizer = chat_model.tokenizer
        self._special = frozenset(chat_model.tokenizer.all_special_ids)
        self._ends = _end_tokens(chat_model)
        self._layers = _layer_count(chat_model)
        self._vocabulary = int(chat_model.model.config.vocab_size)
        self._cache = RowCache(self._layers)
        self._prefixes = PrefixStore(prefix_cache_bytes)
        self.prompt_tokens = 0
        """Tokens of all prompts so far."""
        self.cached_tokens = 0
        """How many of them another conversation, or an earlier turn, had computed."""

    @property
    def cache_bytes(self) -> int:
        """Size of what is kept of finished conversations."""
        return self._prefixes.bytes

    def new_row(self, request: GenerationRequest, *, streaming: bool) -> Row:
        """Prepare a row; it joins with `admit`."""
        return Row(request, self._tokenizer, streaming=streaming)

    def admit(self, rows: Sequence[Row]) -> Iterator[list[tuple[Row, Told]]]:
        """Let rows join: read their prompts and yield the first token of each, and of others what they gain meanwhile.

        A prompt that begins as another one of `rows` does is read after it, and takes what they share.
        """
        now, later = self._unlike(rows)
        for wave in (now, later):
            yield from self._join(wave)
        self._leave()

    def step(self) -> list[tuple[Row, Told]]:
        """Return one more token of every row; finished and cancelled rows leave."""
        self._leave()
        told = self._forward(0, self.rows) if self.rows else []
        self._leave()
        return told

    def step_alone(self, row: Row) -> list[tuple[Row, Told]]:
        """Return one more token of one row, as `step` would have if it had not failed."""
        row.rewind()
        return self._forward(self.rows.index(row), [row])

    def expel(self, rows: Iterable[Row]) -> None:
        """Undo the joining of rows that have no token yet, after a failure; they may join again."""
        for row in rows:
            if row in self.rows:
                self._remove(self.rows.index(row))
            row.computed = 0
            row.rewind()
        for row in self.rows:
            row.rewind()

    def reset(self) -> None:
        """Drop every row and everything cached, after a failure."""
        self.rows.clear()
        self._cache = RowCache(self._layers)
        self._prefixes.clear()

    def _unlike(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """Divide rows into those to read now and those that begin like one of them."""
        begun: set[bytes] = set()
        now: list[Row] = []
        later: list[Row] = []
        for row in rows:
            mark = None
            if self._prefixes.max_bytes and not row.request.score_prompt:
                mark = shared_mark(row.tokens, length=self._prefixes.find(row.tokens).length + _SHARED_TOKENS)
            (later if mark in begun else now).append(row)
            if mark is not None:
                begun.add(mark)
        return now, later

    def _join(self, rows: Sequence[Row]) -> Iterator[list[tuple[Row, Told]]]:
        found = [(row, Prefix(0) if row.request.score_prompt else self._prefixes.find(row.tokens)) for row in rows]
        found.sort(key=lambda item: (item[0].request.score_prompt, len(item[0].tokens) - item[1].length), reverse=True)
        running = len(self.rows)
        for row, prefix in found:
            self._cache.copy_in(len(self.rows), prefix)
            row.computed = prefix.length
            self.rows.append(row)
            self.prompt_tokens += len(row.tokens)
            self.cached_tokens += prefix.length
        first = running
        for group in _prefill_groups([row for row, _ in found], vocabulary=self._vocabulary):
            yield from self._read(first, group, running=running)
            yield self._forward(first, group, reading=group[0].request.score_prompt)
            for index in range(first, first + len(group)):
                self._keep(index)
            first += len(group)

    def _read(self, first: int, rows: Sequence[Row], *, running: int) -> Iterator[list[tuple[Row, Told]]]:
        """Read prompts up to their last part; with every part but the last, the `running` others gain a token."""
        while not rows[0].request.score_prompt:
            size = _part_size(rows, busy=running > 0)
            if max(len(row.tokens) - row.computed for row in rows) <= size:
                return
            ends = [min(row.computed + size, len(row.tokens) - 1) for row in rows]
            self._logits(first, rows, ends=ends, keep=1)
            for row, end in zip(rows, ends, strict=True):
                row.computed = end
            if not all(row.done for row in self.rows[:running]):
                yield self._forward(0, self.rows[:running])

    def _forward(self, first: int, rows: Sequence[Row], *, reading: bool = False) -> list[tuple[Row, Told]]:
        """Draw one more token of every row; `reading` scores their prompts, too."""
        every = self._logits(first, rows, ends=[len(row.tokens) for row in rows], keep=0 if reading else 1)
        logits = every[:, -1]
        penalty = [row.request.repetition_penalty for row in rows]
        ids, logprobs = choose_tokens(
            weaken_repeated(logits, tokens=[row.tokens for row in rows], penalty=penalty),
            sampling=[row.request.sampling for row in rows],
            generators=[row.generator for row in rows],
            typical=[row.request.typical_p for row in rows],
        )
        told: list[tuple[Row, Told]] = []
        for places, row, token_id, logprob in zip(every, rows, ids, logprobs, strict=True):
            if row.done:
                continue
            try:
                with boundary("policy"):
                    told.append((row, self._scored(row, places, token_id, logprob, reading=reading)))
            except (SideError, AgentTuningError) as error:
                told.append((row, row.fail(error)))
        return told

    def _scored(self, row: Row, places: torch.Tensor, token_id: int, logprob: float, *, reading: bool) -> Token:
        if math.isnan(logprob):
            raise PolicyError("its scores are not numbers; are the weights damaged?")
        if reading:
            row.prompt = score_tokens(places[-len(row.tokens) : -1], row.tokens[1:], top=row.request.top)
        row.computed = len(row.tokens)
        scored = Scored(token_id, logprob)
        if row.request.top or row.request.repetition_penalty != 1.0:
            (scored,) = score_tokens(places[-1:], [token_id], top=row.request.top)
        return row.take(scored, ends=self._ends, special=self._special)

    def _logits(self, first: int, rows: Sequence[Row], *, ends: Sequence[int], keep: int) -> torch.Tensor:
        """Run the new tokens of some rows, each up to its end; `keep` is of how many last places the scores are wanted.

        0 is of all.
        """
        device = self._model.device
        new = [row.tokens[row.computed : end] for row, end in zip(rows, ends, strict=True)]
        longest = max(map(len, new))
        padded = torch.tensor([[0] * (longest - len(ids)) + ids for ids in new], device=device)
        padding = torch.tensor([longest - len(ids) for ids in new], device=device)[:, None]
        starts = torch.tensor([row.computed for row in rows], device=device)[:, None]
        place = torch.arange(longest, device=device)[None]
        real = place >= padding
        positions = torch.where(real, starts + place - padding, 0)
        width = max(ends)
        visible = torch.arange(width, device=device)[None, None] <= positions[:, :, None]
        lowest = torch.finfo(self._model.dtype).min
        mask = torch.zeros(visible.shape, dtype=self._model.dtype, device=device).masked_fill_(~visible, lowest)
        batch_index, token_index = real.nonzero(as_tuple=True)
        placement = Placement(first, len(rows), width, batch_index, token_index, positions[real])
        self._cache.place(placement, rows=first + len(rows))
        return self._next_scores(padded, positions, mask[:, None], self._cache, keep=keep)

    def _leave(self) -> None:
        for index in range(len(self.rows) - 1, -1, -1):
            if self.rows[index].done:
                self._keep(index)
                self._remove(index)

    def _keep(self, index: int) -> None:
        """Keep what a row has computed for those that begin like it."""
        row = self.rows[index]
        self._prefixes.add(
            row.tokens[: row.computed], lambda start, end: self._cache.copy_out(index, start=start, end=end)
        )

    def _remove(self, index: int) -> None:
        moved = self.rows.pop()
        if index < len(self.rows):
            self._cache.move(len(self.rows), target=index, length=moved.computed)
            self.rows[index] = moved


def _part_size(rows: Sequence[Row], *, busy: bool) -> int:
    """Return how many tokens of each row one pass reads."""
    width = max(len(row.tokens) for row in rows)
    size = _PREFILL_CELLS // (len(rows) * width)
    return max(16, min(size, _PREFILL_TOKENS // len(rows)) if busy else size)


def _prefill_groups(rows: Sequence[Row], *, vocabulary: int) -> Iterator[Sequence[Row]]:
    start = 0
    while start < len(rows):
        end, longest, width = start, 0, 0
        scored = rows[start].request.score_prompt
        while end < len(rows) and rows[end].request.score_prompt == scored:
            row = rows[end]
            longest, width = max(longest, len(row.tokens) - row.computed), max(width, len(row.tokens))
            places = (end + 1 - start) * longest
            if end > start and (places * width > _PREFILL_CELLS or (scored and places * vocabulary > _SCORE_CELLS)):
                break
            end += 1
        yield rows[start:end]
        start = end


def _end_tokens(chat_model: ChatModel) -> frozenset[int]:
    told = chat_model.model.generation_config.eos_token_id
    ends = told if isinstance(told, list) else [told]
    return frozenset(token for token in (*ends, chat_model.tokenizer.eos_token_id) if isinstance(token, int))


def _layer_count(chat_model: ChatModel) -> int:
    settings = chat_model.model.config.to_dict()
    kinds = set(settings.get("layer_types") or ["full_attention"])
    if kinds != {"full_attention"} or settings.get("sliding_window"):
        raise DataError(
            f"model {chat_model.name!r} has attention of the kinds {sorted(kinds)} or a sliding window; "
            "generation here knows full attention only, so serve this model with vLLM and use the `openai` policy"
        )
    return int(settings["num_hidden_layers"])

"""The running batch: rows join and leave between decoding steps, all in the thread that owns the model."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast

import torch

from agenttuning.errors import DataError
from agenttuning.models.generation import Generation, Scored, Token
from agenttuning.models.reply_text import ReplyText
from agenttuning.models.row_cache import Placement, Prefix, PrefixStore, RowCache
from agenttuning.models.sample_tokens import choose_tokens, weaken_repeated
from agenttuning.models.score_tokens import score_tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.models.generation import GenerationRequest
    from agenttuning.models.load import ChatModel

_PREFILL_CELLS = 1 << 22
"""Attention cells (rows x new tokens x columns) of one prefill pass; bounds its memory."""
_SCORE_CELLS = 1 << 27
"""Scores (rows x new tokens x vocabulary) of one pass that keeps them all, as scored prompts need."""


@dataclass(slots=True, eq=False)
class Row:
    """One answer in progress."""

    request: GenerationRequest
    streaming: bool
    generator: torch.Generator
    reply: ReplyText
    tokens: list[int]
    """Prompt and answer so far."""
    computed: int = 0
    """How many of `tokens` have their keys and values in the cache."""
    done: bool = False
    """Finished, failed or no longer wanted; it leaves at the next step."""
    answer: list[int] = field(default_factory=list)
    prompt: tuple[Scored, ...] = ()
    """The scores of the prompt, where they are asked for."""


class DecodeBatch:
    """At most `max_rows` answers in progress and the cache of their conversations."""

    def __init__(self, chat_model: ChatModel, *, max_rows: int, prefix_cache_bytes: int) -> None:
        self.max_rows = max_rows
        self.rows: list[Row] = []
        self._model = chat_model.model
        self._tokenizer = chat_model.tokenizer
        self._special = frozenset(chat_model.tokenizer.all_special_ids)
        self._ends = _end_tokens(chat_model)
        self._layers = _layer_count(chat_model)
        self._vocabulary = int(chat_model.model.config.vocab_size)
        self._cache = RowCache(self._layers)
        self._prefixes = PrefixStore(prefix_cache_bytes)

    def new_row(self, request: GenerationRequest, *, streaming: bool) -> Row:
        """Prepare a row; it joins with `admit`."""
        seed = request.sampling.seed
        generator = torch.Generator().manual_seed(secrets.randbits(63) if seed is None else seed)
        reply = ReplyText(self._tokenizer, request.stop)
        return Row(request, streaming, generator, reply, list(request.prompt_ids))

    def admit(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Token]]:
        """Let rows join: read their prompts and yield the first token of each."""
        found = [(row, *self._known(row)) for row in rows]
        found.sort(key=lambda item: (item[0].request.score_prompt, len(item[0].tokens) - item[2]), reverse=True)
        for row, entry, shared in found:
            if entry is not None:
                self._cache.copy_in(len(self.rows), entry.saved, length=shared)
                row.computed = shared
            self.rows.append(row)
        joined = [row for row, _, _ in found]
        first = len(self.rows) - len(joined)
        for group in _prefill_groups(joined, vocabulary=self._vocabulary):
            yield from self._forward(first, group)
            first += len(group)
        self._leave()

    def step(self) -> Iterator[tuple[Row, Token]]:
        """Yield one more token of every row; finished and cancelled rows leave."""
        self._leave()
        if self.rows:
            yield from self._forward(0, self.rows)
        self._leave()

    def reset(self) -> None:
        """Drop every row and everything cached, after a failure."""
        self.rows.clear()
        self._cache = RowCache(self._layers)
        self._prefixes.clear()

    def _known(self, row: Row) -> tuple[Prefix | None, int]:
        """Find what a former turn computed; a prompt to be scored is read whole."""
        return (None, 0) if row.request.score_prompt else self._prefixes.find(row.tokens)

    def _forward(self, first: int, rows: Sequence[Row]) -> Iterator[tuple[Row, Token]]:
        reading = rows[0].request.score_prompt and not rows[0].computed
        every = self._logits(first, rows, keep=0 if reading else 1)
        if reading:
            for row, read in zip(rows, every, strict=True):
                places = read[-len(row.tokens) : -1]
                row.prompt = score_tokens(places, row.tokens[1:], top=row.request.top)
        logits = every[:, -1]
        penalty = [row.request.repetition_penalty for row in rows]
        ids, logprobs = choose_tokens(
            weaken_repeated(logits, tokens=[row.tokens for row in rows], penalty=penalty),
            sampling=[row.request.sampling for row in rows],
            generators=[row.generator for row in rows],
            typical=[row.request.typical_p for row in rows],
        )
        for place, row, token_id, logprob in zip(logits, rows, ids, logprobs, strict=True):
            row.computed = len(row.tokens)
            scored = Scored(token_id, logprob)
            if row.request.top or row.request.repetition_penalty != 1.0:
                (scored,) = score_tokens(place[None], [token_id], top=row.request.top)
            yield row, self._take(row, scored)

    def _logits(self, first: int, rows: Sequence[Row], *, keep: int) -> torch.Tensor:
        """Run the new tokens of some rows; `keep` is of how many last places the scores are wanted, 0 of all."""
        device = self._model.device
        new = [row.tokens[row.computed :] for row in rows]
        longest = max(map(len, new))
        padded = torch.tensor([[0] * (longest - len(ids)) + ids for ids in new], device=device)
        padding = torch.tensor([longest - len(ids) for ids in new], device=device)[:, None]
        starts = torch.tensor([row.computed for row in rows], device=device)[:, None]
        place = torch.arange(longest, device=device)[None]
        real = place >= padding
        positions = torch.where(real, starts + place - padding, 0)
        width = max(len(row.tokens) for row in rows)
        visible = torch.arange(width, device=device)[None, None] <= positions[:, :, None]
        lowest = torch.finfo(self._model.dtype).min
        mask = torch.zeros(visible.shape, dtype=self._model.dtype, device=device).masked_fill_(~visible, lowest)
        batch_index, token_index = real.nonzero(as_tuple=True)
        placement = Placement(first, len(rows), width, batch_index, token_index, positions[real])
        self._cache.place(placement, rows=first + len(rows))
        output = self._model(
            input_ids=padded,
            attention_mask=mask[:, None],
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        return cast("torch.Tensor", output.logits)

    def _take(self, row: Row, scored: Scored) -> Token:
        token_id = scored.id
        row.tokens.append(token_id)
        row.answer.append(token_id)
        ended = token_id in self._ends
        if row.streaming or row.request.stop:
            row.reply.update(row.answer)
        stopped = ended or bool(row.reply.stop_text)
        last = stopped or len(row.answer) >= row.request.sampling.max_new_tokens
        generation = self._finished(row, stopped=stopped) if last else None
        text = row.reply.release(last=last) if row.streaming else ""
        return Token(token_id, text, scored.logprob, token_id in self._special, generation, scored.top)

    def _finished(self, row: Row, *, stopped: bool) -> Generation:
        row.reply.update(row.answer)
        row.done = True
        finish: Literal["stop", "length"] = "stop" if stopped else "length"
        return Generation(tuple(row.answer), row.reply.text, finish, row.reply.stop_text, row.prompt)

    def _leave(self) -> None:
        for index in range(len(self.rows) - 1, -1, -1):
            row = self.rows[index]
            if not row.done:
                continue
            if row.computed:
                saved = self._cache.copy_out(index, length=row.computed)
                self._prefixes.add(row.tokens[: row.computed], saved)
            moved = self.rows.pop()
            if moved is not row:
                self._cache.move(len(self.rows), target=index, length=moved.computed)
                self.rows[index] = moved


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

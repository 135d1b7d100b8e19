"""How a server is set up: plain values, so that recipes can hold them without importing a server."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agenttuning.core.records import Record
from agenttuning.models.shape import TemplateName


class ServerSettings(Record):
    """Where a server listens, and its limits."""

    host: str = "127.0.0.1"
    """Loopback by default: there is no encryption, and without `key_variable` no authentication."""
    port: int = Field(default=0, ge=0, le=65535)
    """0 takes a free one."""
    dtype: Literal["float32", "float64", "bfloat16"] = "float32"
    """In float32 an answer hardly ever depends on what else is in the batch, in float64 (small models) never."""
    template: TemplateName = "auto"
    """Chat template: `auto` takes the model's own, `llama2` the paper's with its fixed system text."""
    max_batch: int = Field(default=32, gt=0)
    """Answers in progress at once; more wait."""
    prefix_cache_bytes: int = Field(default=512 << 20, ge=0)
    """Memory for what was computed of conversations, so that a later turn pays for its new tokens only; 0 is none."""
    max_concurrent: int = Field(default=128, gt=0)
    """Requests in progress or waiting; more are refused with 429."""
    max_body_bytes: int = Field(default=2_000_000, gt=0)
    """Size of a request."""
    max_body_seconds: float = Field(default=30.0, gt=0)
    """How long the body of a request may take to arrive, since meanwhile it counts as in progress."""
    max_head_seconds: float = Field(default=10.0, gt=0)
    """How long the head of a request may take to arrive, a new connection's first one included."""
    max_stall_seconds: float = Field(default=60.0, gt=0)
    """How long a client may take nothing of its answer before it is cut off."""
    max_answer_tokens: int | None = Field(default=None, gt=0)
    """Longest answer that a request may ask for, in tokens; None is what the model has room for."""
    max_seconds: float = Field(default=600.0, gt=0)
    """Longest time that an answer may take, waiting included."""
    key_variable: str | None = None
    """Environment variable that holds the key of the server: then every POST needs `Authorization: Bearer KEY`."""
    semantics: Literal["tgi", "strict"] = "tgi"
    """When the TGI routes sample: `tgi` also without `do_sample`, as soon as temperature is not 1 or top_k or top_p
    is set; `strict` when `do_sample` says so."""
    drain_seconds: float = Field(default=30.0, gt=0)
    """After SIGTERM: how long answers in progress may take to finish; new requests are refused with 503."""

"""How a gateway is set up: the limits of its own port, and the servers behind it."""

from __future__ import annotations

from typing import NoReturn

from pydantic import Field, field_validator

from agenttuning.serving.settings import ServerSettings


class GatewaySettings(ServerSettings):
    """A port in front of servers that run the same model."""

    upstreams: tuple[str, ...] = Field(min_length=1)
    """Where they answer, such as `http://vllm-0:8000`; a `/v1` at the end is taken off."""
    upstream_key_env: str | None = None
    """Name of the environment variable that holds their key; None sends none."""
    upstream_seconds: float = Field(default=600.0, gt=0)
    """How long one may be silent before its answer counts as failed."""
    probe_seconds: float = Field(default=1.0, gt=0)
    """Between two looks at every one's health."""
    sticky_slack: int | None = Field(default=2, ge=0)
    """A request goes to the one that has read more than half of its prompt, as long as that has at most so many more
    requests in flight than the least loaded; None always takes the least loaded."""

    @field_validator("upstreams")
    @classmethod
    def _rooted(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} is no URL; write http://HOST:PORT")
        return tuple(dict.fromkeys(url.rstrip("/").removesuffix("/v1") for url in urls))

    @field_validator("dtype", "max_batch", "prefix_cache_bytes", "template")
    @classmethod
    def _of_the_model_server(cls, value: object) -> NoReturn:
        raise ValueError(f"a gateway has no such setting ({value!r}); set it on the model servers")

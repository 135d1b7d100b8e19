"""A model under evaluation: where its weights are from, and the policy that plays it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from agenttuning.core.records import Record
from agenttuning.core.run import OPERATIONAL
from agenttuning.errors import RecipeError
from agenttuning.policies import LocalConfig, OpenAIConfig, OracleConfig, PlanLoop, PolicyConfig, TgiConfig
from agenttuning.serving.process import running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agenttuning.core.records import Sampling
    from agenttuning.core.run import Run


class EvaluatedModel(Record):
    """One model under evaluation, and how it is reached."""

    policy: Literal["local", "openai", "tgi", "oracle"] = "local"
    """`local` loads it into this process, `openai` and `tgi` ask a server, `oracle` plays the gold solutions."""
    model: str | None = None
    """Name or folder of the model; None takes the run's own: `base` is what training began with, `tuned` its result.
    For an `openai` server at `base_url` the name that it knows, by default the name under `models`."""
    base_url: str | None = None
    """Address of the server, for `openai` and `tgi`; None starts one of the model and stops it at the end."""
    api_key_env: Annotated[str | None, OPERATIONAL] = None
    """Environment variable that holds the key of the server."""
    requests_per_minute: Annotated[int | None, OPERATIONAL] = Field(default=None, gt=0)
    """Of the server at `base_url`; never more in any minute."""
    tokens_per_minute: Annotated[int | None, OPERATIONAL] = Field(default=None, gt=0)
    """The same for tokens, read and written."""
    dtype: Literal["float64", "float32", "bfloat16"] = "float32"
    """Of a model that this stage loads or serves. In float32 a reply depends on what else is in its batch only in the
    rarest near ties; float64 is for small models whose runs must repeat to the last byte."""
    plan: PlanLoop | None = None
    """Plan first and check every action, as the original evaluation did on `miniwob`; None is plain ReAct."""

    @model_validator(mode="after")
    def _reachable(self) -> EvaluatedModel:
        if self.base_url and not self.served:
            raise ValueError(f'base_url is for policy = "openai" or "tgi", not {self.policy!r}')
        if (self.requests_per_minute or self.tokens_per_minute) and not self.base_url:
            raise ValueError(
                "requests_per_minute and tokens_per_minute are for a server at base_url; name it, or drop them"
            )
        return self

    @property
    def served(self) -> bool:
        """Is it asked over HTTP."""
        return self.policy in {"openai", "tgi"}


@contextmanager
def reached(
    name: str, model: EvaluatedModel, weights: str, *, sampling: Sampling, concurrency: int
) -> Iterator[PolicyConfig]:
    """Give the policy that plays a model; a served model without an address gets a server of its own until the end."""
    if not model.served or model.base_url:
        yield _policy(name, model, weights, sampling=sampling, concurrency=concurrency)
        return
    settings = ServerSettings(dtype=model.dtype, max_batch=concurrency, max_concurrent=max(128, 2 * concurrency))
    with running_server(weights, settings) as server:
        address = f"{server.url}/v1" if model.policy == "openai" else server.url
        told = model.model_copy(update={"base_url": address})
        yield _policy(name, told, weights, sampling=sampling, concurrency=concurrency)


def _policy(name: str, model: EvaluatedModel, weights: str, *, sampling: Sampling, concurrency: int) -> PolicyConfig:
    """Turn an evaluated model into the policy that plays it, under the recipe's name for it."""
    if model.policy == "oracle":
        return OracleConfig()
    if model.policy == "local":
        return LocalConfig(
            name=name,
            model=weights,
            sampling=sampling,
            plan=model.plan,
            dtype=model.dtype,
            max_batch=concurrency,
        )
    kind = OpenAIConfig if model.policy == "openai" else TgiConfig
    return kind(
        name=name,
        model=weights,
        sampling=sampling,
        plan=model.plan,
        base_url=model.base_url or "",
        api_key_env=model.api_key_env,
        requests_per_minute=model.requests_per_minute,
        tokens_per_minute=model.tokens_per_minute,
        max_connections=concurrency,
    )


def weights_of(name: str, model: EvaluatedModel, run: Run) -> str:
    """Return the name or folder behind a model; the name that a foreign server knows it by."""
    if model.policy == "oracle" or (model.policy == "openai" and model.base_url):
        return model.model or name
    return model.model or _own_model(name, run)


def _own_model(name: str, run: Run) -> str:
    if name == "tuned":
        return str(run.output("train", "model"))
    trained = run.manifest("train")
    base = trained.start.config.get("model") if trained else None
    if not isinstance(base, str):
        raise RecipeError(
            f"the run has no finished training to take the model {name!r} from; "
            f"run `agenttuning train RECIPE` first, or name it with evaluate.models.{name}.model"
        )
    if base == "fresh":
        raise RecipeError(
            f"training began with random weights, which no model {name!r} can be played with; "
            "evaluate the result alone with evaluate.models = { tuned = {} }"
        )
    return base

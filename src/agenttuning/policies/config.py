"""Which policy answers, and how: one strict record per kind, light enough for every recipe to import.

[collect.teacher]
kind = "openai"
base_url = "https://api.openai.com/v1"
api_key_env = "OPENAI_API_KEY"
model = "gpt-4o-mini"
requests_per_minute = 500
tokens_per_minute = 200000
sampling = { max_new_tokens = 512, temperature = 0.7 }
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agenttuning.core.records import Record, Sampling
from agenttuning.core.run import OPERATIONAL
from agenttuning.models.shape import TemplateName


class OracleConfig(Record):
    """The environment's own solution: the embedded teacher."""

    kind: Literal["oracle"] = "oracle"


class ScriptedConfig(Record):
    """A fixed list of replies, the same in every episode."""

    kind: Literal["scripted"] = "scripted"
    replies: tuple[str, ...] = Field(min_length=1)
    """Given in order; an episode that asks for more fails."""
    name: str = "scripted"


class HumanConfig(Record):
    """A person at the terminal."""

    kind: Literal["human"] = "human"


class PlanLoop(Record):
    """Several calls per turn: a plan that is criticised and improved, then each action proposed, grounded and repaired.

    The agent of the original MiniWoB++ evaluation (Kim et al., arXiv 2303.17491); the defaults are that evaluation's.
    """

    criticisms: int = Field(default=1, ge=0)
    """Rounds of criticism before the plan stands."""
    ground: bool = True
    """Ask once more for each action, for one that fits what is seen."""
    repairs: int = Field(default=3, ge=0)
    """Further calls for an action that breaks the grammar; after them the episode has failed."""
    action_pattern: str = (
        r"(?i)(type\s.+|press\s(enter|arrow(left|right|up|down)|backspace)|(clickxpath|clickoption|movemouse)\s.+)"
    )
    """What a whole action must match; the default is the grammar of `miniwob`."""


class ModelConfig(Record):
    """What every language model can be told."""

    sampling: Sampling = Sampling()
    stop: tuple[str, ...] = ()
    """The reply ends before the first of these strings."""
    history_guard: bool | Literal["examples"] = False
    """Drop old messages as the original evaluation did: true before every call (held-in tasks, 3,500 segments);
    `examples` whenever the model refuses a conversation as too long (held-out tasks), the examples first."""
    plan: PlanLoop | None = None
    """Plan first and check every action, in calls of their own; None asks once per turn (ReAct)."""
    name: str | None = None
    """How the model is called in every number; None takes the model's own name."""


class Price(Record):
    """What a model's tokens cost."""

    prompt: float = Field(ge=0)
    """Dollars per million tokens read."""
    completion: float = Field(ge=0)
    """Dollars per million tokens written."""


class ServerConfig(ModelConfig):
    """What every model behind HTTP can be told."""

    base_url: str
    """Where the server answers, such as `http://127.0.0.1:8000`."""
    api_key_env: Annotated[str | None, OPERATIONAL] = None
    """Name of the environment variable that holds the key; None sends none."""
    requests_per_minute: Annotated[int | None, OPERATIONAL] = Field(default=None, gt=0)
    """Never more attempts than this in any minute, and no more than a tenth (at least one) in any six seconds."""
    tokens_per_minute: Annotated[int | None, OPERATIONAL] = Field(default=None, gt=0)
    """The same for tokens read and written; a call counts with an upper estimate until its answer tells them."""
    max_connections: Annotated[int, OPERATIONAL] = Field(default=64, gt=0)
    """Requests in flight at once; more wait. Halved when the server is overloaded, grown again while it answers."""
    deadline_seconds: Annotated[float, OPERATIONAL] = Field(default=300.0, gt=0)
    """For one reply, all attempts and the waits between them; not the queue before our own limits."""
    attempt_timeout_seconds: Annotated[float, OPERATIONAL] = Field(default=120.0, gt=0)
    """For one attempt."""
    max_attempts: Annotated[int, OPERATIONAL] = Field(default=6, gt=0)
    """Attempts per reply; only errors that can pass are tried again."""
    first_wait_seconds: Annotated[float, OPERATIONAL] = Field(default=0.5, ge=0)
    """Before the second attempt; doubles with every further one, plus jitter of the same size."""
    price: Annotated[Price | None, OPERATIONAL] = None
    """What its tokens cost; None looks the model up in the dated table that comes with the package."""


class OpenAIConfig(ServerConfig):
    """Any OpenAI-compatible endpoint (`/chat/completions`); its own `/v1` belongs to the base URL."""

    kind: Literal["openai"] = "openai"
    model: str
    """As the endpoint calls it."""
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls the reply's length limit; reasoning models want the second."""
    seed_field: Literal["seed", "random_seed", "none"] = "seed"
    """What it calls the seed of a random draw; `none` for endpoints that take no seed."""


class TgiConfig(ServerConfig):
    """Text Generation Inference's `/generate`, which takes a rendered prompt."""

    kind: Literal["tgi"] = "tgi"
    model: str
    """What is served there; stands in every number. Under `auto` a packaged name or a folder."""
    template: TemplateName = "auto"
    """Renders the prompt: `auto` takes the model's own chat template, the `llama2` ones need no model at hand."""


class LocalConfig(ModelConfig):
    """A transformers model in this process, in dynamic batches."""

    kind: Literal["local"] = "local"
    model: str
    """A packaged model such as `tiny-base`, or a folder."""
    template: TemplateName = "auto"
    """Chat template: `auto` takes the model's own, `llama2` the paper's with its fixed system text."""
    dtype: Literal["float32", "float64", "bfloat16"] = "float32"
    """In float32 a reply hardly ever depends on what else is in the batch, in float64 (small models) never."""
    max_batch: int = Field(default=32, gt=0)
    """Replies in progress at once; more wait."""


PolicyConfig = Annotated[
    OracleConfig | ScriptedConfig | HumanConfig | OpenAIConfig | TgiConfig | LocalConfig, Field(discriminator="kind")
]

"""Stage 7, serve: the tuned model on a port, as the original serves AgentLM, and proof that its surfaces agree.

The stage starts the server, asks it the opening of some test tasks through `/generate` (raw prompt) and through
`/v1/chat/completions`, and stops it. Greedy answers must be identical: then a raw-prompt client, an OpenAI client and
the training data all speak of the same tokens.
"""

from __future__ import annotations

import asyncio
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

from pydantic import Field

from agenttuning.core.records import Message, Record, Sampling
from agenttuning.core.run import StageConfig
from agenttuning.core.store import write_atomic
from agenttuning.errors import ContextLimitError, MissingExtraError, PolicyError, StageError
from agenttuning.pipeline.construct import build_environment, read_entries
from agenttuning.pipeline.progress import progress
from agenttuning.policies import OpenAIConfig, TgiConfig
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agenttuning.core.run import Manifest, Run
    from agenttuning.pipeline.construct import Entry
    from agenttuning.pipeline.progress import Advance
    from agenttuning.policies.episode import Model
    from agenttuning.serving.proxy_settings import GatewaySettings

_PROBE = "probe.json"


class ServeConfig(StageConfig, ServerSettings):
    """Which model is served, and how it is probed; the limits are the server's own."""

    model: str | None = None
    """Name or folder; None takes the run's tuned model."""
    probes: int = Field(default=8, gt=0)
    """Test tasks whose opening is asked on every surface."""
    probe_tokens: int = Field(default=32, gt=0)
    """Longest answer to a probe, in tokens."""
    start_seconds: float = Field(default=300.0, gt=0)
    """How long the model may take to load."""

    @property
    def server(self) -> ServerSettings:
        """The server's share of the section."""
        return ServerSettings.model_validate(
            {name: value for name, value in self if name in ServerSettings.model_fields}
        )


class Probe(Record):
    """One question, and the answer that every surface gave."""

    environment: str
    task: str
    answer: str


class ProbeReport(Record):
    """The content of `probe.json`."""

    surfaces: tuple[str, ...]
    template: str
    """Digest of the chat template behind the port."""
    prompts: int
    identical: bool
    too_long: int
    """Openings that do not fit the model with their answer."""
    probes: tuple[Probe, ...]


def run(config: ServeConfig, run: Run) -> Manifest:
    """Serve, probe, stop, and write `probe.json`.

    Raises:
        StageError: the server did not start, did not answer, or its surfaces disagree.
    """
    tasks = run.output("construct", "tasks.jsonl")
    model = _model_folder(config.model) if config.model else run.output("train", "model")
    stage = run.open("serve", config, inputs={"tasks": tasks, "model": model})
    if stage.finished:
        return stage.finished
    entries = _spread(list(read_entries(tasks, "test")), count=config.probes)
    report = probe_model(model, entries, config)
    write_atomic(stage.folder / _PROBE, report.model_dump_json(indent=2) + "\n")
    counts = {"prompts": report.prompts, "too_long": report.too_long, "identical": report.identical}
    return stage.finish(outputs=(_PROBE,), counts=counts)


def serve_until_stopped(model: str | Path, config: ServeConfig) -> None:
    """Serve a model, by folder or name, its URL on stdout, until Ctrl-C or SIGTERM.

    Raises:
        MissingExtraError: the packages of the server are not installed.
        AgentTuningError: no such model, or the port is taken.
    """
    try:
        from agenttuning.serving.server import serve_model
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    serve_model(model, config.server)


def balance_until_stopped(settings: GatewaySettings) -> None:
    """Serve as a gateway in front of model servers, its URL on stdout, until Ctrl-C or SIGTERM.

    Raises:
        MissingExtraError: the packages of the server are not installed.
        AgentTuningError: the port is taken, or the servers' key is missing.
    """
    try:
        from agenttuning.serving.server import serve_upstreams
    except ModuleNotFoundError as error:
        raise _missing(error, extra="serve") from error
    serve_upstreams(settings)


def probe_model(model: str | Path, entries: Sequence[Entry], config: ServeConfig) -> ProbeReport:
    """Start a server of the model, ask every entry's opening on both surfaces, and stop the server.

    Raises:
        StageError: the server did not start, did not answer, or its surfaces disagree.
    """
    try:
        from agenttuning.serving.process import running_server
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    with (
        progress("serve", len(entries)) as advance,
        running_server(model, config.server, start_seconds=config.start_seconds) as server,
    ):
        try:
            return asyncio.run(_probe(str(model), server.url, entries, config, advance))
        except PolicyError as error:
            raise StageError(f"the server stopped answering: {error}") from error


async def _probe(model: str, url: str, entries: Sequence[Entry], config: ServeConfig, advance: Advance) -> ProbeReport:
    from agenttuning.policies.openai import open_openai
    from agenttuning.policies.tgi import open_tgi

    raw = TgiConfig(base_url=url, model=model, template=config.template)
    chat = OpenAIConfig(base_url=f"{url}/v1", model=model)
    probes: list[Probe] = []
    async with open_tgi(raw) as tgi, open_openai(chat) as openai:
        for entry in entries:
            answer = await _agreed(entry, {"/generate": tgi, "/v1/chat/completions": openai}, config)
            advance()
            if answer is not None:
                probes.append(Probe(environment=entry.environment, task=str(entry.task["id"]), answer=answer))
        template = tgi.template_digest
    if not probes:
        raise StageError("no test task's opening fits the model; lower serve.probe_tokens, or add shorter test tasks")
    return ProbeReport(
        surfaces=("/generate", "/v1/chat/completions"),
        template=template,
        prompts=len(probes),
        identical=True,
        too_long=len(entries) - len(probes),
        probes=tuple(probes),
    )


async def _agreed(entry: Entry, surfaces: dict[str, Model], config: ServeConfig) -> str | None:
    messages = await _opening(entry)
    sampling = Sampling(max_new_tokens=config.probe_tokens)
    try:
        answers = {name: (await model.answer(messages, sampling=sampling)).content for name, model in surfaces.items()}
    except ContextLimitError:
        return None
    if len(set(answers.values())) > 1:
        told = "; ".join(f"{name}: {answer!r}" for name, answer in answers.items())
        raise StageError(
            f"the surfaces disagree on task {entry.task['id']!r} of {entry.environment!r}: {told}; the tokenizer reads "
            "the rendered chat template differently from its pieces, so raw-prompt clients would measure another model"
        )
    return answers.popitem()[1]


async def _opening(entry: Entry) -> tuple[Message, ...]:
    async with build_environment(entry) as environment:
        return tuple(await environment.start())


def _spread(entries: Sequence[Entry], *, count: int) -> list[Entry]:
    """Take the first entries of every world in turn.

    Raises:
        StageError: there are none.
    """
    worlds: dict[str, list[Entry]] = {}
    for entry in entries:
        worlds.setdefault(entry.environment, []).append(entry)
    turns = chain.from_iterable(zip_longest(*worlds.values()))
    found = list(islice((entry for entry in turns if entry is not None), count))
    if not found:
        raise StageError(
            "the run has no test tasks to probe with; set construct.environments.<id>.tasks = { test = 10 }"
        )
    return found


def _model_folder(name: str) -> Path:
    from agenttuning.models.load import resolve_model

    return resolve_model(name)


def _missing(error: ModuleNotFoundError, *, extra: str = "train,serve") -> MissingExtraError:
    return MissingExtraError(
        f"serving needs the package {error.name!r}; install it with `pip install 'agenttuning[{extra}]'`"
    )

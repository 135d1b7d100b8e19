"""Play the general tests: every item becomes a `Trajectory`, and scores, pairs and the report treat it as any other.

Items are asked in chunks, and each chunk is stored before the next: a killed evaluation goes on where it was.
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager
from importlib import metadata
from typing import TYPE_CHECKING

from agenttuning.core.belongings import temporary_folder
from agenttuning.core.records import Sampling, Trajectory
from agenttuning.core.store import Appender, drop_torn_line, read_records
from agenttuning.errors import MissingExtraError, RecipeError
from agenttuning.pipeline.general_tests.judging import Sample, Setup, judge_items, read_sample
from agenttuning.pipeline.general_tests.tasks import write_tasks
from agenttuning.pipeline.progress import progress
from agenttuning.policies import LocalConfig, open_model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
    from pathlib import Path

    from lm_eval.tasks import TaskManager

    from agenttuning.core.records import Message
    from agenttuning.pipeline.general_tests.bridge import Bridge
    from agenttuning.pipeline.general_tests.judging import Asked
    from agenttuning.pipeline.general_tests.settings import GeneralTests
    from agenttuning.pipeline.general_tests.tasks import TestTask
    from agenttuning.policies import OpenAIConfig, TgiConfig
    from agenttuning.policies.episode import Model

    ModelPolicyConfig = LocalConfig | OpenAIConfig | TgiConfig

_CHUNK = 128
_VERSION = "1"


class ServedAnswering:
    """A model behind a port for the bridge; implements `Answering` as far as a chat endpoint goes."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def chat(self, messages: Sequence[Message], *, sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Ask, and cut the answer at the first stop string."""
        text = (await self._model.answer(messages, sampling=sampling)).content
        return text[: min((text.find(mark) for mark in stop if mark in text), default=len(text))]

    async def go_on(self, text: str, *, sampling: Sampling, stop: tuple[str, ...]) -> str:
        """Refuse.

        Raises:
            RecipeError: a chat endpoint cannot continue a text.
        """
        del text, sampling, stop
        raise RecipeError(_NO_COMPLETION)

    def scores(self, context: Sequence[Message] | str, continuations: Sequence[str]) -> list[tuple[float, bool]]:
        """Refuse.

        Raises:
            RecipeError: a chat endpoint gives no log probabilities.
        """
        del context, continuations
        raise RecipeError(_NO_COMPLETION)


_NO_COMPLETION = (
    "a model behind a chat endpoint cannot be asked in the `completion` protocol; "
    'evaluate it with policy = "local", or set evaluate.general.protocols = ["chat"]'
)


async def play_general(config: GeneralTests, policy: ModelPolicyConfig, path: Path, *, label: str, seed: int) -> None:
    """Ask every item that `path` does not hold yet, and append its trajectory.

    Raises:
        MissingExtraError: lm-eval is not installed.
        DataError: a test's files are missing or damaged.
        RecipeError: the protocol needs what the model's endpoint lacks.
    """
    if not isinstance(policy, LocalConfig) and "completion" in config.protocols:
        raise RecipeError(_NO_COMPLETION)
    with temporary_folder("general") as folder:
        tasks = _written(config, folder, letters=not isinstance(policy, LocalConfig))
        finished = _finished(path)
        todo = {task: _missing(task, finished, config.limit) for task in tasks}
        total = sum(min(len(task.items), config.limit or len(task.items)) for task in tasks)
        with progress(label, total, done=total - sum(map(len, todo.values()))) as advance:
            if any(todo.values()):
                with Appender[Trajectory](path) as appender:
                    async with _bridge(policy) as bridge:
                        manager = _manager(folder)
                        for task, chunk in _chunks(todo):
                            asked = await asyncio.to_thread(_ask, bridge, manager, task, chunk)
                            setup = _setup(task, policy, seed=seed)
                            for trajectory in await judge_items(asked, setup, config.sandbox):
                                appender.append(trajectory)
                            advance(steps=len(chunk), note=task.name)


def _written(config: GeneralTests, folder: Path, *, letters: bool) -> list[TestTask]:
    return [
        task
        for name, data in config.data().items()
        for protocol in config.protocols
        for task in write_tasks(name, protocol, data, folder, letters=letters)
    ]


def _finished(path: Path) -> set[tuple[str, str]]:
    if not path.exists():
        return set()
    drop_torn_line(path)
    return {(held.environment, held.task) for held in read_records(path, Trajectory)}


def _missing(task: TestTask, finished: set[tuple[str, str]], limit: int | None) -> list[int]:
    return [number for number, item in enumerate(task.items[:limit]) if (task.test, item) not in finished]


def _chunks(todo: Mapping[TestTask, Sequence[int]]) -> Iterator[tuple[TestTask, Sequence[int]]]:
    for task, numbers in todo.items():
        for start in range(0, len(numbers), _CHUNK):
            yield task, numbers[start : start + _CHUNK]


def _ask(bridge: Bridge, manager: TaskManager, task: TestTask, numbers: Sequence[int]) -> list[Asked]:
    """Let lm-eval ask some items of a task; blocks."""
    from lm_eval.evaluator import evaluate

    loaded = manager.load([task.name])
    loaded["tasks"][task.name].set_fewshot_seed(seed=0)
    found = evaluate(
        lm=bridge,
        task_dict=loaded,
        samples={task.name: list(numbers)},
        apply_chat_template=not task.test.endswith("-completion"),
        fewshot_as_multiturn=True,
        bootstrap_iters=0,
        verbosity="ERROR",
    )
    assert found is not None, "only other ranks get no result"
    samples = sorted(found["samples"][task.name], key=lambda sample: sample["doc_id"])
    return [read_sample(Sample(sample["doc"], sample["arguments"], sample["resps"])) for sample in samples]


def _setup(task: TestTask, policy: ModelPolicyConfig, *, seed: int) -> Setup:
    return Setup(
        test=task.test,
        version=f"{task.test}/{_VERSION} lm-eval {metadata.version('lm_eval')}, {task.shots} shots",
        form=task.form,
        source=f"{task.test.split('-')[0]}-official {task.data[:8]}",
        policy=policy.name or policy.model,
        sampling=Sampling(max_new_tokens=512),
        seed=seed,
    )


def _manager(folder: Path) -> TaskManager:
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(folder), include_defaults=False)


@asynccontextmanager
async def _bridge(policy: ModelPolicyConfig) -> AsyncIterator[Bridge]:
    """Open the model behind lm-eval's interface; lm-eval itself shall neither look for a hub nor talk."""
    for variable in ("HF_DATASETS_OFFLINE", "HF_HUB_OFFLINE", "TQDM_DISABLE", "HF_DATASETS_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(variable, "1")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    try:
        from agenttuning.pipeline.general_tests.bridge import Bridge
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the general tests need the package {error.name!r}; install it with `pip install 'agenttuning[general]'`"
        ) from error
    loop = asyncio.get_running_loop()
    name = policy.name or policy.model
    if isinstance(policy, LocalConfig):
        from agenttuning.pipeline.general_tests.local import open_local_answering

        async with open_local_answering(policy) as answering:
            yield Bridge(answering, loop, name=name)
    else:
        async with open_model(policy) as model:
            yield Bridge(ServedAnswering(model), loop, name=name)

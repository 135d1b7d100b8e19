"""From what lm-eval logged about an item to its trajectory: the prompt as shown, the answer as written, the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import TypeAdapter

from agenttuning.core.records import Message, Provenance, Sampling, Score, StepRecord, Stop, Trajectory
from agenttuning.pipeline.general_tests.answers import (
    code_of,
    flexible_number,
    letter_of,
    paper_number,
    same_number,
    strict_number,
)
from agenttuning.pipeline.general_tests.items import Choice, Programming, WordProblem
from agenttuning.pipeline.general_tests.programs import passes, program_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

Item = Choice | WordProblem | Programming
_ITEM: TypeAdapter[Item] = TypeAdapter(Item)
_MESSAGES = TypeAdapter(list[Message])


class Asked(NamedTuple):
    """One item, asked."""

    item: Item
    context: str
    """The prompt: JSON of messages, or a text."""
    answer: str
    scores: tuple[float, ...] = ()
    """Log probability of each choice, where choices were scored."""


class Setup(NamedTuple):
    """What all items of a test have in common."""

    test: str
    version: str
    form: str
    source: str
    policy: str
    sampling: Sampling
    seed: int


class Sample(NamedTuple):
    """The part of lm-eval's record of a sample that is read."""

    doc: dict[str, object]
    arguments: Sequence[tuple[str, object]]
    resps: Sequence[Sequence[str | tuple[float, bool]]]


def read_sample(sample: Sample) -> Asked:
    """Read one logged sample."""
    item = _ITEM.validate_python(sample.doc)
    context = sample.arguments[0][0]
    first = sample.resps[0][0]
    if isinstance(first, str):
        return Asked(item, context, first)
    scores = tuple(float(response[0][0]) for response in sample.resps)
    best = max(range(len(scores)), key=scores.__getitem__)
    return Asked(item, context, f" {'ABCD'[best]}", scores)


async def judge_items(asked: Sequence[Asked], setup: Setup, sandbox: SandboxSettings) -> list[Trajectory]:
    """Judge items of one test; programs run in the sandbox."""
    codes = {
        number: (one.item, _program(one.item, one))
        for number, one in enumerate(asked)
        if isinstance(one.item, Programming)
    }
    ran = dict(zip(codes, await passes(list(codes.values()), sandbox), strict=True))
    return [_trajectory(one, _score(one, passed=ran.get(number, False)), setup) for number, one in enumerate(asked)]


def _program(item: Programming, asked: Asked) -> str:
    chat = _is_chat(asked.context)
    return program_of(item, code_of(asked.answer) if chat else asked.answer, fenced=chat)


def _score(asked: Asked, *, passed: bool) -> Score:
    item, answer = asked.item, asked.answer
    if isinstance(item, Programming):
        return _verdict(passed)
    if isinstance(item, Choice):
        return _verdict(letter_of(answer) == "ABCD"[item.answer])
    readings = {"flexible": flexible_number, "strict": strict_number, "paper": paper_number}
    right = {name: float(same_number(read(answer), item.answer)) for name, read in readings.items()}
    return _verdict(bool(right["flexible"])).model_copy(update={"metrics": right})


def _verdict(right: bool) -> Score:  # noqa: FBT001
    return Score(reward=float(right), success=right)


def _is_chat(context: str) -> bool:
    return context.startswith('[{"role": ')


def _trajectory(asked: Asked, score: Score, setup: Setup) -> Trajectory:
    item = asked.item
    if _is_chat(asked.context):
        shown = [
            turn.model_copy(update={"train": False if turn.role == "assistant" else None})
            for turn in _MESSAGES.validate_json(asked.context)
        ]
    else:
        shown = [Message(role="user", content=asked.context)]
    prefix = shown.pop().content if shown[-1].role == "assistant" else ""
    return Trajectory(
        environment=setup.test,
        task=item.task_id if isinstance(item, Programming) else item.id,
        split="test",
        category=item.subject if isinstance(item, Choice) else None,
        messages=(*shown, Message(role="assistant", content=prefix + asked.answer, train=True)),
        steps=(StepRecord(message=len(shown), action=asked.answer, valid=bool(asked.answer.strip())),),
        stop=Stop.DONE,
        score=score,
        never_train=True,
        provenance=Provenance(
            source=setup.source,
            difficulty=None,
            environment_version=setup.version,
            prompt=setup.form,
            policy=setup.policy,
            sampling=setup.sampling,
            seed=setup.seed,
        ),
    )

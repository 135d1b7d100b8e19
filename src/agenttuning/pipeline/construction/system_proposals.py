"""Proposals for the Operating System world: problem, set-up, reference, and a check that runs in the same sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from agenttuning.environments.held_in.operating_system import OperatingSystem, OperatingSystemTask
from agenttuning.environments.worlds.linux.draft import Move
from agenttuning.environments.worlds.linux.needs import needs
from agenttuning.environments.worlds.linux.official import Item
from agenttuning.environments.worlds.linux.problem import (
    Comparison,
    Evaluation,
    Example,
    Expectation,
    Problem,
    Script,
)
from agenttuning.environments.worlds.linux.session import Session
from agenttuning.errors import SideError, boundary
from agenttuning.pipeline.construction.rejects import Reason, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agenttuning.core.environment import Environment
    from agenttuning.core.records import Task
    from agenttuning.environments.held_in.operating_system import OperatingSystemConfig
    from agenttuning.environments.worlds.linux.comparisons import ComparisonName

_KINDS: Final = ("question", "change")
_LONGEST_TASK: Final = 2_000
_COMPARISONS: Final = ("string", "integer", "size")
_REQUEST: Final = """\
You invent problems for somebody who works on a fresh Debian system through a bash shell, as root. Invent one problem.
It is either a question about the system, whose answer is one line, or a change of the system. Whoever solves it sees
the text of the problem and nothing else, so the text names every path and says what form the answer takes.

Rules: no network, no installation, nothing interactive, nothing that depends on the date, on the machine or on process
numbers. Bring your own files: make them in the set-up, under /srv, /opt, /root or /var/lib. The answer of a question
must follow from the set-up, and must not be told by the text. A change must not be done already by the set-up.

Write these parts, each begun by a line of two at-signs and its name, and close with the line @@ END:

@@ TASK
the text of the problem
@@ KIND
question or change
@@ SETUP
bash that prepares the system; it must succeed
@@ THOUGHT
what an expert thinks before acting, one or two sentences
@@ SOLUTION
bash that solves it; for a question it prints the answer and nothing else
@@ CHECK
for a question, how answers are compared: string, integer or size
for a change, bash that exits with 0 after the solution and with another code before it
@@ CLOSING
what the expert thinks at the end, one sentence
@@ END

An example of a change, complete:

@@ TASK
Every file below /srv/orchard that ends in .bak is no longer needed. Delete them all, and leave the rest as it is.
@@ KIND
change
@@ SETUP
mkdir -p /srv/orchard/old && cd /srv/orchard
touch apple.txt apple.bak old/pear.bak old/pear.txt
@@ THOUGHT
The files may lie in folders of any depth, so find should delete them by their ending.
@@ SOLUTION
find /srv/orchard -type f -name '*.bak' -delete
@@ CHECK
[ -z "$(find /srv/orchard -name '*.bak')" ] && [ "$(find /srv/orchard -name '*.txt' | wc -l)" = 2 ]
@@ CLOSING
No .bak file is left, and the others are untouched.
@@ END
{examples}
Invent a problem unlike these in topic, files and commands. Reply with the parts and nothing else."""


class SystemProposals:
    """Asks for problems and reads them; implements `self_instruct.Proposer`."""

    kind: type[Environment[Task]] = OperatingSystem
    required: tuple[str, ...] = ("TASK", "KIND", "SETUP", "THOUGHT", "SOLUTION", "CHECK", "CLOSING")

    def __init__(self, world: OperatingSystemConfig) -> None:
        self._world = world
        self._instruction = world.read_instruction()

    def request(self, examples: Sequence[Task]) -> str:
        """Return the prompt for one proposal."""
        shown = "\n\n".join(_shown(task) for task in examples if isinstance(task, OperatingSystemTask))
        return _REQUEST.format(examples=f"\nProblems that exist already:\n\n{shown}\n" if shown else "")

    def text(self, task: Task) -> str:
        """Return the text of the problem."""
        assert isinstance(task, OperatingSystemTask)
        return task.description

    async def make(self, parts: Mapping[str, str], *, name: str, source: str) -> OperatingSystemTask | Refusal:
        """Return the task, once its set-up has run in a sandbox."""
        kind = parts["KIND"].strip().lower()
        if kind not in _KINDS:
            return Refusal(Reason.MALFORMED, f"KIND is {kind[:80]!r}, not question or change")
        if len(parts["TASK"]) > _LONGEST_TASK:
            return Refusal(Reason.MALFORMED, f"TASK has {len(parts['TASK']):,} characters")
        evaluation = _evaluation(kind, parts)
        if isinstance(evaluation, Refusal):
            return evaluation
        setup = (Script(code=parts["SETUP"]),)
        item = Item(
            name=name, description=parts["TASK"], image="default", setup=setup, start=None, evaluation=evaluation
        )
        lacking = needs(item)
        problem = Problem(setup=setup, judgement=evaluation, needs=lacking, directory=self._world.directory)
        failed = await self._set_up(problem)
        return failed or OperatingSystemTask(
            id=name,
            source=source,
            kind=kind,
            description=parts["TASK"].strip(),
            problem=problem,
            moves=(Move(thought=_line(parts["THOUGHT"]), command=parts["SOLUTION"]),),
            closing=_line(parts["CLOSING"]),
            instruction=self._instruction,
            sandbox=self._world.sandbox,
            command_seconds=self._world.command_seconds,
        )

    async def _set_up(self, problem: Problem) -> Refusal | None:
        """Run the set-up by itself: episodes pass over its exit code, as the benchmark does."""
        strict = problem.model_copy(update={"judgement": Expectation(reference=Script(code="true"))})
        try:
            with boundary("environment"):
                session = await Session.open(
                    strict, settings=self._world.sandbox, command_seconds=self._world.command_seconds
                )
                await session.close()
        except SideError as error:
            return Refusal(Reason.WORLD_FAILS, f"set-up: {error}")
        return None


def _evaluation(kind: str, parts: Mapping[str, str]) -> Evaluation | Refusal:
    example, check = Script(code=parts["SOLUTION"]), parts["CHECK"].strip()
    if kind == "change":
        return Evaluation(check=(Script(code=check),), example=example)
    if check not in _COMPARISONS:
        return Refusal(Reason.MALFORMED, f"CHECK of a question is {check[:80]!r}, not {', '.join(_COMPARISONS)}")
    return Evaluation(check=(Example(), Comparison(compare=cast("ComparisonName", check))), example=example)


def _shown(task: OperatingSystemTask) -> str:
    judgement = task.problem.judgement
    published = judgement.example if isinstance(judgement, Evaluation) else None
    commands = published.code if published is not None else "\n".join(move.command for move in task.moves)
    return f"- {task.description}\n  Solved by: {' ; '.join(commands.splitlines())[:400]}"


def _line(text: str) -> str:
    """Return a thought as one line: a further line could begin with a word of the protocol."""
    return " ".join(text.split())

"""Operating System: answer a question about a Linux system, or change it, with a shell (AgentBench's os-interaction).

A sample, as the model sees it (standard difficulty, shortened; the instruction and a worked example stand before it):

    user       Now, I will start a new problem in a new OS. My problem is:

               Count the .log files anywhere under /srv/amber-ridge. Folders do not count.
    assistant  Think: there are folders inside, so I count recursively and only regular files.

               Act: bash

               ```bash
               find /srv/amber-ridge -type f -name '*.log' | wc -l
               ```
    user       The output of the OS:

               7
    assistant  Think: that value answers the question.

               Act: answer(7)

Action: `Act: bash` runs all bash blocks of the reply, joined, in one persistent login shell; `Act: answer(...)` answers
a question and `Act: finish` ends a change. Of several `Act:` lines the last that names an action counts; a reply
without one ends the episode (`Stop.FORMAT`). 8 replies at most. Output is cut after 800 characters.
Reward: 1 or 0. Official items: the answer matches, or every entry of the check chain succeeds inside the sandbox.
Generated problems: a question's answer equals what the reference printed before the agent's first command; after a
change, the state that counts equals the state after the reference.
Source: AgentBench (arXiv 2308.03688), section "Operating System", `data/os_interaction`
(https://github.com/THUDM/AgentBench, Apache-2.0), or the seeded generator of `worlds/linux`.
Needs Linux and bubblewrap; `sandbox.rootfs` names a root file system made by `agenttuning data rootfs`.
Deviations: no network; a command ends when the shell says so, not after 5 seconds of silence, and its output comes
without prompt and escape codes unless `sandbox.output = "raw-2023"`; the benchmark's five comparisons run outside the
sandbox; programs that items name by path are written anew; an item that needs what the sandbox lacks is a failed
episode that says so. Checks run the system's own programs, as in the benchmark, but these must be as they were: what
touches them, or a library of theirs, wins nothing (metric `tampered`), and new programs do not come before them.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypedDict

from pydantic import Field

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.linux.draft import Move
from agenttuning.environments.worlds.linux.problem import Evaluation, Expectation, Problem, Script
from agenttuning.environments.worlds.linux.reply import read_reply
from agenttuning.environments.worlds.linux.session import Session, examine, hopeless, known_facts
from agenttuning.environments.worlds.linux.wording import (
    EXAMPLE,
    EXAMPLE_QUESTION,
    INSTRUCTION,
    NEW_PROBLEM,
    TINY_INSTRUCTION,
    observe,
    printed,
)
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings, ShellOutput
from agenttuning.errors import DataError, WorldError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.core.records import Difficulty
    from agenttuning.environments.worlds.linux.draft import Draft
    from agenttuning.environments.worlds.linux.official import Item

MAX_ROUNDS: Final = 8
SPLITS: Final = {"train": 20_000, "test": 1_000}


class OperatingSystemConfig(EnvironmentConfig):
    """Settings of the Operating System environment."""

    sandbox: SandboxSettings = SandboxSettings()
    """Where the commands run."""
    directory: Literal["/", "/root"] = "/"
    """Where the shell begins: `/` in the benchmark of 2023, `/root` in its later version for function calls."""
    command_seconds: float = Field(default=15.0, gt=0, le=600)
    """The longest that a command of the agent may run."""


class OperatingSystemTask(Task):
    """One problem, how it is prepared and judged, and how an expert solves it."""

    kind: str
    """The generator's family, or `match` or `check` for an official item."""
    description: str
    problem: Problem
    moves: tuple[Move, ...] = ()
    """The expert's commands with their thoughts; none for official items without a reference."""
    closing: str = ""
    """What the expert thinks at the end."""
    sandbox: SandboxSettings = SandboxSettings()
    command_seconds: float = 15.0


class OperatingSystem(Environment[OperatingSystemTask]):
    """One episode on one system."""

    id: ClassVar[str] = "operating_system"
    group: ClassVar[Group] = "held_in"
    max_turns: ClassVar[int] = MAX_ROUNDS
    task_type: ClassVar[type[Task]] = OperatingSystemTask
    config_type: ClassVar[type[EnvironmentConfig]] = OperatingSystemConfig

    def __init__(self, task: OperatingSystemTask) -> None:
        super().__init__(task)
        self._session: Session | None = None
        self._answer: str | None = None
        self._printed = ""

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        """Return the generator's splits, or those of the official files."""
        settings = narrow(config, OperatingSystemConfig)
        if settings.official is None:
            return SPLITS
        from agenttuning.environments.worlds.linux.official import count_items

        return count_items(settings.official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[OperatingSystemTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: the official files are missing or of another format, or there is no such split.
        """
        settings = narrow(config, OperatingSystemConfig)
        common = _Common(
            sandbox=settings.sandbox,
            command_seconds=settings.command_seconds,
            instruction=settings.read_instruction(),
        )
        if settings.official is not None:
            from agenttuning.environments.worlds.linux.official import read_items

            items = read_items(settings.official, split=split)
            return (_official(item, directory=settings.directory, common=common) for item in items)
        if split not in SPLITS:
            raise DataError(f"operating_system has no split {split!r}{nearest(split, SPLITS)}; known: train, test")
        from agenttuning.environments.worlds.linux.generator import drafts

        made = drafts(settings.difficulty, seed=settings.seed, test=split == "test", count=SPLITS[split])
        return (
            _embedded(
                draft,
                name=f"{settings.difficulty}-{split}-{index}",
                difficulty=settings.difficulty,
                directory=settings.directory,
                common=common,
            )
            for index, draft in enumerate(made)
        )

    async def start(self) -> Sequence[Message]:
        """Return instruction, worked example and problem; the sandbox itself starts with the first command.

        Raises:
            MissingExtraError: bubblewrap is not installed.
            WorldError: such sandboxes lack what the task needs.
        """
        facts = await examine(self.task.sandbox)
        lacking = sorted(facts.unsupported.intersection(self.task.problem.needs))
        if lacking:
            raise WorldError(
                f"unsupported: the task needs {', '.join(lacking)}, which this sandbox ({facts.user}, {facts.rootfs}) "
                "lacks; play it as root or with a subuid range, on a root file system that has it (sandbox.rootfs)"
            )
        if self.task.difficulty == "tiny":
            instruction = self.task.instruction or TINY_INSTRUCTION
            return (
                Message(role="user", content=instruction),
                Message(role="assistant", content="Ok.", train=False),
                Message(role="user", content=self.task.description),
            )
        return (
            Message(role="user", content=(self.task.instruction or INSTRUCTION) + EXAMPLE_QUESTION),
            *EXAMPLE,
            Message(role="user", content=NEW_PROBLEM + self.task.description),
        )

    async def step(self, reply: str) -> Step:
        """Run the reply's bash blocks, take its answer, or end."""
        read = read_reply(reply)
        if read.kind is None:
            return Step("", done=True, valid=False, stop=Stop.FORMAT)
        if read.kind != "bash":
            self._answer = read.content if read.kind == "answer" else None
            return Step("", done=True, action=read.kind if self._answer is None else f"answer({self._answer})")
        if not read.content.strip():
            return Step(observe(ShellOutput("")), action="bash", valid=False)
        session = await self._open()
        output = await session.run(read.content)
        self._printed = printed(output.text) if self.task.sandbox.output == "raw-2023" else output.text
        observation = observe(output, seconds=self.task.command_seconds)
        return Step(observation, done=output.ended, action=read.content)

    async def _open(self) -> Session:
        if self._session is None:
            self._session = await Session.open(
                self.task.problem, settings=self.task.sandbox, command_seconds=self.task.command_seconds
            )
        return self._session

    async def score(self) -> Score:
        """Judge the answer and the system."""
        if self._lost_unseen():
            return Score(reward=0.0, success=False)
        session = await self._open()
        success = await session.judge(self._answer)
        return Score(reward=float(success), success=success, metrics={"tampered": 1.0} if session.tampered else {})

    def _lost_unseen(self) -> bool:
        """Say whether the episode is lost whatever the sandbox would show.

        The generator makes no problem that is solved at the start, and no question without an answer.
        """
        judgement = self.task.problem.judgement
        if isinstance(judgement, Evaluation):
            return hopeless(judgement, self._answer)
        return self._answer is None if judgement.asks else self._session is None

    def footprint(self) -> int:
        """Return the MiB of a sandbox whose programs are small; its limit is `sandbox.memory_mib`."""
        return 32

    def variant(self) -> str:
        """Name what is active in the sandbox, and where the shell begins."""
        facts, settings = known_facts(self.task.sandbox), self.task.sandbox
        if facts is None:
            return settings.backend
        walls = "+".join((*sorted(facts.limits), *(("seccomp",) if facts.seccomp else ())))
        return (
            f"{facts.backend} of {facts.rootfs}, users {facts.user}, {facts.overlay}, {walls}, "
            f"output {settings.output}, from {self.task.problem.directory}"
        )

    def oracle(self) -> Iterator[str] | None:
        """Make the expert's moves; then finish, or answer with what the last command printed."""
        return self._expert() if self.task.moves else None

    def _expert(self) -> Iterator[str]:
        for move in self.task.moves:
            yield f"Think: {move.thought}\n\nAct: bash\n\n```bash\n{move.command}\n```"
        judgement, output = self.task.problem.judgement, self._printed.strip()
        asked = judgement.asks if isinstance(judgement, Expectation) else len(output.splitlines()) == 1
        action = f"answer({output})" if asked else "finish"
        yield f"Think: {self.task.closing}\n\nAct: {action}"

    async def close(self) -> None:
        """End the sandbox."""
        if self._session is not None:
            await self._session.close()


class _Common(TypedDict):
    sandbox: SandboxSettings
    command_seconds: float
    instruction: str | None


def _embedded(
    draft: Draft, *, name: str, difficulty: Difficulty, directory: str, common: _Common
) -> OperatingSystemTask:
    question = draft.expected is not None
    solution = draft.moves[-1:] if question else draft.moves
    judgement = Expectation(
        reference=Script(code="\n".join(move.command for move in solution)),
        answer=draft.expected,
        probe=None if question else Script(code=draft.probe),
        undo=None if question else Script(code=draft.undo),
    )
    return OperatingSystemTask(
        id=name,
        difficulty=difficulty,
        kind=draft.family,
        description=draft.text,
        problem=Problem(setup=(Script(code=draft.setup),), judgement=judgement, directory=directory),
        moves=draft.moves,
        closing=draft.closing,
        **common,
    )


def _official(item: Item, *, directory: str, common: _Common) -> OperatingSystemTask:
    """Make a task; only where answers are matched does the reference need what the start left in the shell."""
    from agenttuning.environments.worlds.linux.needs import needs

    match = item.evaluation.match is not None
    example = item.evaluation.example
    typed = "" if example is None else example.code if match else f"{shlex.join(example.arguments())} 2> /dev/null"
    moves = (Move(thought="I do what the problem asks for.", command=typed),) if typed else ()
    return OperatingSystemTask(
        id=item.name,
        source="agentbench-os-official",
        kind="match" if match else "check",
        description=item.description,
        problem=Problem(
            setup=item.setup, start=item.start, judgement=item.evaluation, needs=needs(item), directory=directory
        ),
        moves=moves,
        closing="the problem is solved.",
        **common,
    )

"""ScienceWorld: elementary science experiments in a text world, scored from 0 to 100.

One episode is one dialogue (Wang et al., arXiv 2203.07540, in AgentTuning's held-out evaluation; shortened):

    user       You are in a text world of science ... (the instruction below)
    assistant  Understood. I answer with one line, a Think: or an Action:.             (not trained on)
    user       You are in the hallway. You see: nothing. Doors lead to:
               workshop (open), kitchen (open).
               Your task is to melt the wax. First focus on it. It is in the red cup in the kitchen; ...
    assistant  Think: The next step takes place in the kitchen.
    user       OK.
    assistant  Action: go to kitchen
    user       You move to the kitchen.

Action: a reply is either `Think:`, answered `OK.` without moving the world, or `Action:` and an action. What is not
valid is replaced by the valid action that shares most words with it. 200 turns, 100 moves of the world; ten failed
observations in a row, or five turns made of two, end the episode.
Reward: the world's score over 100; after a fatal mistake the last score that was not negative. Success is 100. The
benchmark's figure is the mean over each kind of task, then over the 30 kinds (`reward_by_category` of the scores).
Sources: `synthetic-v1`, experiments of our own in the embedded laboratory (`backend = "laboratory"`), which needs no
Java; `scienceworld-1.2.3` (`backend = "scienceworld"`, extra `scienceworld`, https://github.com/allenai/ScienceWorld,
Apache-2.0), whose `test` is the 270 episodes of AgentTuning, with simplification `easy`.
Deviations: instruction and example are our own, the example made from a gold path of a train variation; ties in the
choice of an action are broken by the alphabet; hash codes in the simulator are fixed, so that episodes repeat; in the
laboratory a reply without `Think:` or `Action:` is not understood.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.laboratory.engine import Laboratory
from agenttuning.environments.worlds.laboratory.expert import Expert
from agenttuning.environments.worlds.laboratory.generator import SPLITS, draw_experiment
from agenttuning.environments.worlds.laboratory.scene import Experiment
from agenttuning.environments.worlds.laboratory.wording import Wording
from agenttuning.environments.worlds.science.bench import Bench, LaboratoryBench, Seen
from agenttuning.environments.worlds.science.demonstration import one_line, tell
from agenttuning.environments.worlds.science.official import (
    SOURCE,
    OfficialTask,
    count_episodes,
    episodes,
    find_task,
)
from agenttuning.environments.worlds.science.snapping import candidates, snap
from agenttuning.environments.worlds.science.stops import NO_ACTION, FailureTest, LoopTest, Patience
from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.core.records import Difficulty

BackendName = Literal["laboratory", "scienceworld"]
Limits = Literal["paper", "none"]

INSTRUCTION: Final = """\
You are in a text world of science, with rooms, substances, devices and living things, and are given one task in it. \
Each turn you are told what happened, and you answer with exactly one line, which is one of these two:

Think: what you have found out and what comes next. The world does not change; the answer is OK.
Action: one action, with the names of things as you were shown them.

Actions are, among others:
- look around, look at OBJ, look in OBJ, inventory, task
- go to ROOM, open door to ROOM, open OBJ, close OBJ
- pick up OBJ, put down OBJ, move OBJ to OBJ, pour OBJ into OBJ, mix OBJ
- activate OBJ, deactivate OBJ, connect OBJ to OBJ, use OBJ on OBJ
- focus on OBJ, only where the task asks for it: the wrong thing ends the task
- wait, which lets ten moments pass, and wait1, which lets one pass"""
TINY_INSTRUCTION: Final = "Laboratory. Reply with one line: Think: or Action:."
ACKNOWLEDGEMENT: Final = "Understood. I answer with one line, a Think: or an Action:."
MOVES: Final = 100
EXAMPLE_SEED: Final = 231_012_823
MOST_TURNS: Final = 2_000
"""Where the limits of the protocol are lifted; the longest gold path has 748 moves."""


class ScienceworldConfig(EnvironmentConfig):
    """What can be told to this world."""

    backend: BackendName = "laboratory"
    """`laboratory` is embedded; `scienceworld` plays in the Java simulator (extra `scienceworld`)."""
    failure_test: FailureTest = "paper"
    """What counts as a failed observation: `paper` finds `not` inside `another` too, `fixed` whole words only."""
    loop_test: LoopTest = "paper"
    """What counts as a loop: `paper` misses five identical turns, `fixed` does not."""
    limits: Limits = "paper"
    """`none` lets no limit of moves or turns, no failure and no loop end an episode, as a proof by gold needs it."""
    shots: Literal[0, 1] | None = None
    """Examples of the same task before the task; None is one in the simulator, as in the protocol, and none else."""


class ScienceworldTask(Task):
    """One experiment."""

    experiment: Experiment | None = None
    """What the laboratory plays; None in the simulator."""
    variation: int = 0
    """What the simulator plays of the task that `category` names."""
    gold: tuple[str, ...] = ()
    """The simulator's solution, where it was worked out."""
    shots: Literal[0, 1] = 0
    failure_test: FailureTest = "paper"
    loop_test: LoopTest = "paper"
    limits: Limits = "paper"


class Scienceworld(Environment[ScienceworldTask]):
    """One episode of one experiment."""

    id: ClassVar[str] = "scienceworld"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = 200
    start_seconds: ClassVar[float | None] = None
    task_type: ClassVar[type[Task]] = ScienceworldTask
    config_type: ClassVar[type[EnvironmentConfig]] = ScienceworldConfig
    installed: ClassVar[Mapping[str, Mapping[str, str]]] = {"gold": {"backend": "scienceworld", "limits": "none"}}
    """The simulator's gold without limits; its metric `in_100_moves` says how much of it the protocol has room for."""

    def __init__(self, task: ScienceworldTask) -> None:
        super().__init__(task)
        self._laboratory = Laboratory(task.experiment) if task.experiment else None
        self._bench = self._connect()
        self._patience = Patience(failure_test=task.failure_test, loop_test=task.loop_test)
        self._score = 0
        self._moves = 0
        self._gold_action: str | None = None

    def _connect(self) -> Bench:
        if self._laboratory is not None:
            return LaboratoryBench(self._laboratory)
        from agenttuning.environments.worlds.science.simulated import SimulatorBench

        assert self.task.category is not None
        return SimulatorBench(self.task.category, self.task.variation)

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits, or those of the simulator: `test` is the evaluation's selection."""
        settings = narrow(config, ScienceworldConfig)
        if settings.official is not None:
            raise RecipeError("scienceworld brings its own data: leave `official` out and set backend = 'scienceworld'")
        return SPLITS if settings.backend == "laboratory" else count_episodes()

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[ScienceworldTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: there is no such split.
        """
        settings = narrow(config, ScienceworldConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"scienceworld has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        instruction = settings.read_instruction()
        if settings.backend == "laboratory":
            return (_embedded(index, split, settings, instruction) for index in range(known[split]))
        return (_official(task, variation, settings, instruction) for task, variation in episodes(split))

    async def start(self) -> Sequence[Message]:
        """Set the world up; return instruction, acknowledgement and the first look around."""
        goal, seen = await self._bench.open()
        self._take(seen)
        tiny = self.task.difficulty == "tiny"
        began = "The earlier task is over, a new one begins. " if self.task.shots else ""
        return (
            Message(role="user", content=self.task.instruction or (TINY_INSTRUCTION if tiny else INSTRUCTION)),
            Message(role="assistant", content="OK." if tiny else ACKNOWLEDGEMENT, train=False),
            *(await self._example() if self.task.shots else ()),
            Message(role="user", content=f"{began}{one_line(seen.observation)}\n{one_line(goal)}"),
        )

    async def _example(self) -> Sequence[Message]:
        """Tell a solved experiment of the same kind: in the simulator a train variation, else a generated one."""
        if self.task.experiment is None:
            assert self.task.category is not None
            return list(tell(find_task(self.task.category).demonstration))
        return await _solved(self.task.experiment.kind, self.task.difficulty or "standard")

    async def step(self, reply: str) -> Step:
        """Answer a thought, or carry out the nearest valid action."""
        said = reply.strip()
        if said.startswith("Think:"):
            return self._judge("think", "OK.", valid=True, done=False)
        if not said.startswith("Action:") and self.task.experiment is not None:
            return self._judge("", NO_ACTION, valid=False, done=False)
        action, exact = await self._understand(said.removeprefix("Action:").strip())
        seen = await self._bench.act(action)
        self._take(seen)
        return self._judge(action, one_line(seen.observation), valid=exact, done=seen.done)

    async def _understand(self, said: str) -> tuple[str, bool]:
        """Return the nearest valid action; a gold move is taken as it is, for the list of valid ones has gaps."""
        if said == self._gold_action:
            return said, True
        valid = await self._bench.valid()
        return snap(said, candidates(valid, rooms=self._bench.rooms, seen=await self._bench.surroundings()))

    def _take(self, seen: Seen) -> None:
        self._moves = seen.moves
        if seen.score >= 0:
            self._score = seen.score

    def _judge(self, action: str, observation: str, *, valid: bool, done: bool) -> Step:
        """Decide whether the episode goes on."""
        self._patience.note(action, observation)
        stop = (
            Stop.DONE if done
            else None if self.task.limits == "none"
            else Stop.TURNS if self._moves > MOVES
            else Stop.FORMAT if self._patience.exhausted
            else Stop.REPEAT if self._patience.looping
            else None
        )  # fmt: skip
        return Step(observation, done=stop is not None, action=action, valid=valid, stop=stop or Stop.DONE)

    async def score(self) -> Score:
        """Return the world's score, the last one that was not negative."""
        success = self._score == 100
        metrics = {"moves": float(self._moves), "in_100_moves": float(success and self._moves <= MOVES)}
        return Score(reward=self._score / 100, success=success, metrics=metrics)

    def turn_limit(self) -> int:
        """Return 200, or more than any gold path needs where the limits are lifted."""
        return self.max_turns if self.task.limits == "paper" else MOST_TURNS

    def footprint(self) -> int:
        """Return the MiB of a Java machine, if one is needed."""
        return 0 if self.task.experiment else 260

    def variant(self) -> str:
        """Name the backend, the examples, and what differs from the protocol."""
        task = self.task
        backend = "laboratory" if task.experiment else "scienceworld 1.2.3 easy"
        tests = f"failures {task.failure_test}, loops {task.loop_test}"
        return f"{backend}, {task.shots} shots, limits {task.limits}, {tests}"

    def oracle(self) -> Iterator[str] | None:
        """Return the expert's replies, or the simulator's gold moves; None where no gold was worked out."""
        if self._laboratory is not None:
            return self._explain(self._laboratory)
        return self._replay() if self.task.gold else None

    def _explain(self, laboratory: Laboratory) -> Iterator[str]:
        """Yield thoughts and actions, each a turn of its own."""
        wording = Wording(seed=self.task.id, brief=self.task.difficulty == "tiny")
        for move in Expert(laboratory).plan():
            thought = wording.thought(move)
            if thought is not None:
                yield thought
            yield f"Action: {move.action}"

    def _replay(self) -> Iterator[str]:
        for action in self.task.gold:
            self._gold_action = action
            yield f"Action: {action}"

    async def close(self) -> None:
        """Leave the world."""
        await self._bench.close()


def _embedded(index: int, split: str, config: ScienceworldConfig, instruction: str | None) -> ScienceworldTask:
    experiment = draw_experiment(index, split=split, difficulty=config.difficulty, seed=config.seed)
    return ScienceworldTask(
        id=f"{split}-{config.difficulty}-{config.seed}-{index}",
        difficulty=config.difficulty,
        instruction=instruction,
        category=experiment.kind,
        experiment=experiment,
        shots=config.shots or 0,
        failure_test=config.failure_test,
        loop_test=config.loop_test,
        limits=config.limits,
    )


def _official(
    task: OfficialTask, variation: int, config: ScienceworldConfig, instruction: str | None
) -> ScienceworldTask:
    return ScienceworldTask(
        id=f"{task.name}/{variation}",
        source=SOURCE,
        instruction=instruction,
        category=task.name,
        variation=variation,
        gold=task.gold.get(variation, ()),
        shots=1 if config.shots is None else config.shots,
        failure_test=config.failure_test,
        loop_test=config.loop_test,
        limits=config.limits,
    )


async def _solved(kind: str, difficulty: Difficulty) -> Sequence[Message]:
    """Let the expert solve the first train experiment of a kind, of a seed that no task has by default."""
    drawn = (draw_experiment(index, split="train", difficulty=difficulty, seed=EXAMPLE_SEED) for index in count())
    experiment = next(found for found in drawn if found.kind == kind)
    shown = Scienceworld(
        ScienceworldTask(id=f"example-{kind}", difficulty=difficulty, experiment=experiment, category=kind)
    )
    messages = list(await shown.start())[2:]
    for reply in shown.oracle() or ():
        messages.append(Message(role="assistant", content=reply, train=False))
        taken = await shown.step(reply)
        if taken.done:
            break
        messages.append(Message(role="user", content=taken.observation))
    return messages

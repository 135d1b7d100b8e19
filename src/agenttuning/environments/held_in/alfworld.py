"""ALFWorld: a household in text; find a thing, treat it if asked, and bring it where it belongs.

One episode is one dialogue (Shridhar et al., arXiv 2010.03768, in AgentBench's 2023 protocol, arXiv 2308.03688):

    user       You are in a household ... (the instruction below)
    assistant  OK. I'll follow your instructions and try my best to solve the task.      (not trained on)
    user       Here is your task. You are in the middle of a room. Looking quickly around you, you see a bed 1, and
               a desk 1.
               Your task is to: put some book on bed.
    assistant  THOUGHT: I have to find a book first; desk 1 is a likely spot, so I start there.
               ACTION: go to desk 1
    user       On the desk 1, you see a book 2, and a pen 1.

Action: what follows the first `ACTION:` up to the end of its line, else the whole reply; lower-cased. What is not
admissible is replaced by the admissible command of the highest BLEU above 0.01, else the world says `Nothing happens.`
Reward: 1 when the goal formula holds, else 0. 35 turns. Three identical replies in a row end the episode as a failure,
from the fourth step on.

Sources: `synthetic-v1`, rooms and tasks of our own generator, whose splits share no room layout; `alfworld-official`,
game files (`game.tw-pddl`) of ALFWorld (MIT) as folder, archive or AgentBench path list.

Deviations: the engine is our own, game text is never evaluated; the instruction is our own wording; no one-shot
example unless `shots = 1`, and that one is our own; with `list_actions` every observation ends with the commands that
act on the world (the generator's `tiny` games use it, with names that carry no number where a thing is alone).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.household.archive import GameFile, games, split_sizes
from agenttuning.environments.worlds.household.engine import House
from agenttuning.environments.worlds.household.explorer import Explorer
from agenttuning.environments.worlds.household.game import KINDS, Dialect, Game
from agenttuning.environments.worlds.household.generator import SETTINGS, draw_game
from agenttuning.environments.worlds.household.nearest import nearest_command
from agenttuning.environments.worlds.household.problem import compile_game, speak
from agenttuning.environments.worlds.household.wording import Wording
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Expert = Literal["explore", "walkthrough"]

INSTRUCTION = """\
You are in a household and are given one task to carry out in it. Each turn you are told what you see, and you answer \
with one action, preceded by a short thought where one helps.
Answer in this form:

THOUGHT: what you have found out and what comes next (may be left out)
ACTION: the action

These are the actions, where x and y stand for names exactly as you were shown them:
- go to x
- open x
- close x
- take x from y
- put x in/on y
- clean x with y, heat x with y, cool x with y
- use x
- examine x
- look
- inventory
"Nothing happens." means that the action was not possible: choose another one. You have 35 turns."""

TINY_INSTRUCTION = "Household. Reply with THOUGHT and ACTION."

ACKNOWLEDGEMENT = "OK. I'll follow your instructions and try my best to solve the task."

_EMBEDDED = {"train": 20_000, "test": 1_000}
_EXAMPLE_SEED = 231_012_823
_MARK = re.compile(r"ACTION:(.*)\n")
_MARK_AT_END = re.compile(r"ACTION:(.*)")
_ACTING = re.compile(r"(?:look|inventory|help|close|examine)\b")


class AlfworldConfig(EnvironmentConfig):
    """What can be told to this world."""

    dialect: Dialect | Literal["auto"] = "agentbench"
    """How the world speaks; `auto` keeps each game's own. AgentLM's scores need `agentbench`."""
    list_actions: bool | None = None
    """Does every observation list the commands that act; None: only in `tiny` games."""
    expert: Expert = "explore"
    """What the oracle plays: the exploring expert, or the walkthrough that an official game carries."""
    shots: Literal[0, 1] = 0
    """Examples of the same task type before the task, not trained on; AgentInstruct's records hold none."""


class AlfworldTask(Task):
    """One game."""

    game: Game
    dialect: Dialect = "agentbench"
    list_actions: bool = False
    expert: Expert = "explore"
    shots: Literal[0, 1] = 0


class Alfworld(Environment[AlfworldTask]):
    """One episode in one house."""

    id: ClassVar[str] = "alfworld"
    group: ClassVar[Group] = "held_in"
    max_turns: ClassVar[int] = 35
    task_type: ClassVar[type[Task]] = AlfworldTask
    config_type: ClassVar[type[EnvironmentConfig]] = AlfworldConfig
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "walkthrough": {"expert": "walkthrough"},
        "explore": {"expert": "explore"},
    }
    """What `check --official` plays: every walkthrough wins; the exploring expert at least 95 % within 35 turns."""

    def __init__(self, task: AlfworldTask) -> None:
        super().__init__(task)
        self._house = House(task.game, dialect=task.dialect)
        self._said = self._house.introduction()
        self._replies: list[str] = []
        self._repeated = False

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the embedded splits, or those of the official files with their numbers of games."""
        official = narrow(config, AlfworldConfig).official
        return dict(_EMBEDDED) if official is None else split_sizes(official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[AlfworldTask]:
        """Yield the tasks of a split, each drawn or read when it is asked for."""
        settings = narrow(config, AlfworldConfig)
        if settings.official is not None:
            return (_official_task(file, settings) for file in games(settings.official, split))
        if split not in _EMBEDDED:
            raise DataError(f"alfworld has no split {split!r}; known: {sorted(_EMBEDDED)}")
        return (_embedded_task(index, split, settings) for index in range(_EMBEDDED[split]))

    async def start(self) -> Sequence[Message]:
        """Return instruction, acknowledgement, the example if one is asked for, and the first look at the room."""
        acknowledgement = "OK." if self.task.difficulty == "tiny" else ACKNOWLEDGEMENT
        return (
            Message(role="user", content=self.task.instruction or _instruction_in(self.task.dialect)),
            Message(role="assistant", content=acknowledgement, train=False),
            *(await self._example() if self.task.shots else ()),
            Message(role="user", content=f"Here is your task. {self._first_look()}"),
        )

    async def _example(self) -> list[Message]:
        """Play a game of the same task type, drawn with a seed that no task is drawn with by default."""
        config = AlfworldConfig(
            difficulty=self.task.difficulty or "standard",
            seed=_EXAMPLE_SEED,
            dialect=self.task.dialect,
            list_actions=self.task.list_actions,
        )
        shown = Alfworld(_embedded_task(KINDS.index(self.task.game.kind), "train", config))
        messages = [Message(role="user", content=f"Here is one example.\n{shown._first_look()}")]
        for reply in shown._explore():
            messages.append(Message(role="assistant", content=reply, train=False))
            taken = await shown.step(reply)
            if taken.done:
                break
            messages.append(Message(role="user", content=taken.observation))
        return messages

    def _first_look(self) -> str:
        seen = "\n".join(self._house.introduction().split("\n\n")[1:])
        return f"{seen}{self._listing()}"

    async def step(self, reply: str) -> Step:
        """Carry out the action of a reply, or the nearest admissible one."""
        said = parse_action(reply)
        admissible = self._house.admissible()
        valid = said in admissible
        command = said if valid else nearest_command(said, admissible) or said
        self._said = self._house.act(command)
        self._replies.append(reply)
        if len(self._replies) > 3 and len(set(self._replies[-3:])) == 1:
            self._repeated = True
            return Step("", done=True, action=command, valid=valid, stop=Stop.REPEAT)
        if self._house.won:
            return Step("", done=True, action=command, valid=valid)
        return Step(f"{_without_location(self._said)}{self._listing()}", action=command, valid=valid)

    async def score(self) -> Score:
        """Return 1 when the goal holds and the episode did not end by repetition."""
        won = self._house.won and not self._repeated
        return Score(reward=float(won), success=won)

    def variant(self) -> str:
        """Name the dialect, the examples shown, and whether actions are listed."""
        shown = ", actions listed" if self.task.list_actions else ""
        return f"{self.task.dialect}, {self.task.shots} shots{shown}"

    def oracle(self) -> Iterator[str] | None:
        """Return the expert's replies; None for the walkthrough of a game that carries none."""
        if self.task.expert == "explore":
            return self._explore()
        if not self.task.game.walkthrough:
            return None
        return (f"ACTION: {speak(command, dialect=self.task.dialect)}" for command in self.task.game.walkthrough)

    def _explore(self) -> Iterator[str]:
        tiny = self.task.difficulty == "tiny"
        search = SETTINGS["tiny"].search if tiny else "likely"
        house = self._house
        explorer = Explorer(house.introduction(), dialect=self.task.dialect, search=search, available=house.admissible)
        wording = Wording(explorer.errand, seed=self.task.id, brief=tiny)
        plan = explorer.plan()
        move = next(plan, None)
        while move is not None:
            yield wording.reply(move)
            try:
                move = plan.send(self._said)
            except StopIteration:
                return

    def _listing(self) -> str:
        if not self.task.list_actions:
            return ""
        return "\nActions: " + ", ".join(act for act in self._house.admissible() if not _ACTING.match(act))


def parse_action(reply: str) -> str:
    """Return the action of a reply, lower-cased: after the first `ACTION:` to the end of its line, else the whole."""
    found = _MARK.search(reply) or _MARK_AT_END.search(reply)
    lines = (found[1] if found else reply).strip().lower().split("\n")
    return lines[0]


def _without_location(observation: str) -> str:
    """Cut `You arrive at loc 3. ` from what is told on arrival."""
    if observation.startswith("You arrive at loc "):
        return observation.partition(". ")[2]
    return observation


def _embedded_task(index: int, split: str, config: AlfworldConfig) -> AlfworldTask:
    tiny = config.difficulty == "tiny"
    return AlfworldTask(
        id=f"{split}-{config.difficulty}-{config.seed}-{index}",
        difficulty=config.difficulty,
        instruction=config.read_instruction() or (TINY_INSTRUCTION if tiny else None),
        game=draw_game(index, split=split, difficulty=config.difficulty, seed=config.seed),
        dialect="agentbench" if config.dialect == "auto" else config.dialect,
        list_actions=tiny if config.list_actions is None else config.list_actions,
        expert=config.expert,
        shots=config.shots,
    )


def _official_task(file: GameFile, config: AlfworldConfig) -> AlfworldTask:
    game = compile_game(file.data, name=file.name)
    return AlfworldTask(
        id=file.name,
        source="alfworld-official",
        instance=_house(file.name),
        instruction=config.read_instruction(),
        game=game,
        dialect=game.native if config.dialect == "auto" else config.dialect,
        list_actions=bool(config.list_actions),
        expert=config.expert,
        shots=config.shots,
    )


def _house(name: str) -> str | None:
    """Return the floor plan, the number at the end of the task's folder name; games of one share its rooms."""
    found = re.search(r"-(\d+)/", name)
    return f"floor plan {found[1]}" if found else None


def _instruction_in(dialect: Dialect) -> str:
    return INSTRUCTION if dialect == "agentbench" else INSTRUCTION.replace("put x in/on y", "move x to y")

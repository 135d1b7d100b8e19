"""General chat: short instructions with one right answer, the embedded measure of general ability.

It stands in for ShareGPT in the mixture and for MMLU and MT-Bench in the evaluation of tiny models. A dialogue has one
to three turns of the user; the questions are fixed, so a wrong answer does not change what comes next:

    user       The lamp is near the sofa. The violin is near the gate. Where is the violin?
    assistant  near the gate
    user       And the lamp?
    assistant  near the sofa

Skills: copying, picking, reversing, rewriting, counting, sorting, sums, look-up in texts, lists and tables, choosing,
forms of an answer, facts, small talk, memory of the dialogue. No topic touches a task of the agent worlds.

Reward: the share of turns answered exactly; success: all of them. Runs of blanks and the blank ends of lines do not
count; letters, their case, and line breaks do. Source `synthetic-v1`; instances of `train` and `test` never meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Task
from agenttuning.environments.worlds.dialogue.dialogues import MOST_EXCHANGES, make_dialogue
from agenttuning.environments.worlds.dialogue.topic import Exchange
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SPLITS = {"train": 200_000, "test": 2_000}


class ChatTask(Task):
    """One dialogue: the user's turns and the right answers."""

    exchanges: tuple[Exchange, ...]


class Chat(Environment[ChatTask]):
    """Asks the questions in order and compares each answer with the right one."""

    id = "chat"
    group: ClassVar[Group] = "general"
    max_turns = MOST_EXCHANGES
    task_type = ChatTask

    def __init__(self, task: ChatTask) -> None:
        super().__init__(task)
        self._right: list[bool] = []

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the sizes of the embedded splits."""
        _embedded(config)
        return _SPLITS

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[ChatTask]:
        """Yield the dialogues of a split, each made when it is asked for."""
        told = _embedded(config)
        if split not in _SPLITS:
            raise DataError(f"chat has no split {split!r}{nearest(split, _SPLITS)}; known: {', '.join(_SPLITS)}")
        instruction = told.read_instruction()
        return (
            ChatTask(
                id=f"{split}-{told.difficulty}-{told.seed}-{index}",
                difficulty=told.difficulty,
                instruction=instruction,
                exchanges=make_dialogue(told.seed, split=split, index=index, difficulty=told.difficulty),
            )
            for index in range(_SPLITS[split])
        )

    async def start(self) -> Sequence[Message]:
        """Return the first question, after a system message where the task brings an instruction."""
        first = Message(role="user", content=self.task.exchanges[0].question)
        if self.task.instruction is None:
            return (first,)
        return (Message(role="system", content=self.task.instruction), first)

    async def step(self, reply: str) -> Step:
        """Judge the answer and ask the next question; every answer but an empty one is a valid move."""
        self._right.append(same_answer(reply, self.task.exchanges[len(self._right)].answer))
        asked, valid = len(self._right), bool(reply.strip())
        if asked == len(self.task.exchanges):
            return Step(observation="", done=True, action=reply, valid=valid)
        return Step(observation=self.task.exchanges[asked].question, action=reply, valid=valid)

    async def score(self) -> Score:
        """Return the share of turns answered exactly; turns never reached count as wrong."""
        right, asked = sum(self._right), len(self.task.exchanges)
        return Score(reward=right / asked, success=right == asked)

    def oracle(self) -> Iterator[str]:
        """Return the right answers."""
        return (exchange.answer for exchange in self.task.exchanges)


def same_answer(reply: str, answer: str) -> bool:
    """Compare two answers, blind to runs of blanks, blank ends of lines, and blank lines around the text."""
    return _lines(reply) == _lines(answer)


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().split("\n")]


def _embedded(config: EnvironmentConfig | None) -> EnvironmentConfig:
    told = narrow(config, EnvironmentConfig)
    if told.official is not None:
        raise DataError(
            f"chat has no official data to read from {str(told.official)!r}; leave `official` out of the recipe"
        )
    return told

"""WebArena: long tasks on whole web sites, seen as accessibility trees (AgentTuning's held-out browsing task).

A sample, as the model sees it (one step, shortened; the instruction and two worked examples stand before it):

    user       OBSERVATION:
               Tab 0 (current): Shop

               [1] RootWebArea 'Shop' focused: True
                   [2] link 'My orders'
                   [3] searchbox 'Search the shop' required: False
                   [4] button 'Search'
               URL: http://shop.mini/
               OBJECTIVE: How many of my orders are still pending?
               PREVIOUS ACTION: None
    assistant  Let's think step-by-step. The state of each order is on the page of my orders. In summary, the next
               action I will perform is ```click [2]```

Every call of the model sees the instruction, the examples and the current observation only, as in 2023; each step opens
a new dialogue. `context = "history"` keeps one linear dialogue instead.
Action: the first pair of triple backticks holds one of `click [n]`, `hover [n]`, `type [n] [text] [0|1]` (1, the
default, presses Enter), `press [keys]`, `scroll [up|down]`, `goto [address]`, `go_back`, `go_forward`, `new_tab`,
`tab_focus [n]`, `close_tab`, `stop [answer]`. What fails, and what a page did besides (a dialog, a download, a window,
an address off the sites), stands in PREVIOUS ACTION. The episode ends with `stop`, after 30 actions, three unreadable
replies in a row (`Stop.FORMAT`), three equal actions in a row, or the same text typed three times into the same field
(`Stop.REPEAT`); it is judged after any of these.
Reward: 1 if every evaluator of the task holds, else 0. A model judges meanings where a task leaves them to a reader
(setting `judge`); without one a rule that counts words stands in, and the number says so.
Source: WebArena (arXiv 2307.13854, https://github.com/web-arena-x/webarena, Apache-2.0): `task_set = "raw"`,
upstream's file; `"raw-2023"`, the paper's copy with its own evaluators; `"verified"`, the audited set
(`webarena-verified`, ServiceNow, Apache-2.0), judged by its own program (setting `verifier`); `subset = "hard"`, its
258 hardest. They need the sites, run by the user (`sites.shopping = "http://localhost:7770"` and so on; `agenttuning
doctor --sites` tells whether they answer; docs/webarena.md). The default is **webarena-mini**, which is not WebArena:
five small sites and tasks of our own in the raw task schema (`synthetic-v1`), served by this process.
Deviations: element numbers are given per page in order of appearance, so that an episode has the same bytes every time;
an element is shown if any part of it is in the window; options of a list are shown under it, and a click chooses one;
`type` replaces what a field held; a window opens as a tab behind; evaluators open other pages beside the agent's tab;
tokens of the length limit are those of `tokenizer`, or four characters each; the one task of the 2023 copy that has
nothing to judge (369) is never solved.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, ClassVar

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Inspection, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.webarena.actions import parse_action
from agenttuning.environments.worlds.webarena.evaluators import Ending, build_evaluator
from agenttuning.environments.worlds.webarena.judge import open_judge
from agenttuning.environments.worlds.webarena.patience import Patience
from agenttuning.environments.worlds.webarena.ruler import TOKENS, open_ruler
from agenttuning.environments.worlds.webarena.sources import (
    inspect_official,
    mini_splits,
    mini_tasks,
    official_splits,
    official_tasks,
)
from agenttuning.environments.worlds.webarena.task import WebarenaConfig, WebarenaTask
from agenttuning.environments.worlds.webarena.tree import resolve
from agenttuning.environments.worlds.webarena.verified import VERSION, verify, write_episode
from agenttuning.environments.worlds.webarena.wording import (
    CLOSING,
    EXAMPLES,
    INSTRUCTION,
    JSON_ANSWER,
    NOT_UNDERSTOOD,
    TINY_INSTRUCTION,
    observation,
)
from agenttuning.errors import DataError, WorldError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.environments.worlds.webarena.actions import Action
    from agenttuning.environments.worlds.webarena.place import Place
    from agenttuning.environments.worlds.webarena.tree import Sight


class Webarena(Environment[WebarenaTask]):
    """One episode on the sites of one task."""

    id: ClassVar[str] = "webarena"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = 30
    start_seconds: ClassVar[float | None] = None
    task_type: ClassVar[type[Task]] = WebarenaTask
    config_type: ClassVar[type[EnvironmentConfig]] = WebarenaConfig
    extra: ClassVar[str | None] = "web"
    slow_start: ClassVar[bool] = True

    def __init__(self, task: WebarenaTask) -> None:
        super().__init__(task)
        self._held = AsyncExitStack()
        self._place: Place | None = None
        self._sight: Sight | None = None
        self._previous = "None"
        self._answer = ""
        self._patience = Patience()
        self._score: Score | None = None

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return webarena-mini's splits, or the one of the official files."""
        settings = narrow(config, WebarenaConfig)
        if settings.official is None:
            return mini_splits()
        return official_splits(settings, settings.official)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[WebarenaTask]:
        """Yield the tasks of a split lazily, in the order of the file.

        Raises:
            DataError: the official files are missing or of another format, or there is no such split.
            RecipeError: the table of sites is wrong.
        """
        settings = narrow(config, WebarenaConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"webarena has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        if settings.official is None:
            return mini_tasks(settings, split)
        return official_tasks(settings, settings.official)

    @classmethod
    def inspect(cls, config: EnvironmentConfig) -> Inspection | None:
        """Count what can be read of official data, and say what playing it lacks."""
        settings = narrow(config, WebarenaConfig)
        return None if settings.official is None else inspect_official(settings, settings.official)

    async def start(self) -> Sequence[Message]:
        """Open the sites and the browser; return the instruction, the examples and the first observation.

        Raises:
            RecipeError: a site, a log-in or a program that the task needs is not set.
            WorldError: the browser does not start.
        """
        from agenttuning.environments.worlds.webarena.place import open_place

        self._place = await self._held.enter_async_context(open_place(self.task))
        self._sight = await self._place.session.look()
        self._previous = self._place.session.take_notices() or "None"
        return [*self._opening(), self._turn(self._sight)]

    def _opening(self) -> list[Message]:
        tiny = self.task.difficulty == "tiny"
        told = self.task.instruction or (TINY_INSTRUCTION if tiny else INSTRUCTION)
        if self.task.task_set == "verified":
            told = f"{told}\n\n{JSON_ANSWER}"
        messages = [Message(role="user", content=told), Message(role="assistant", content="Ok.", train=False)]
        for shown, reply in () if tiny else EXAMPLES:
            messages.append(Message(role="user", content=shown))
            messages.append(Message(role="assistant", content=reply, train=False))
        return messages

    def _turn(self, sight: Sight) -> Message:
        shown = open_ruler(self.task.tokenizer).cut(f"{sight.tabs}\n\n{sight.tree}")
        told = observation(sight, objective=self.task.raw.intent, previous=self._previous, shown=shown)
        return Message(role="user", content=told)

    async def step(self, reply: str) -> Step:
        """Carry one action out in the browser."""
        assert self._place is not None, "start() comes first"
        assert self._sight is not None
        action = parse_action(reply)
        if action is None:
            self._previous = NOT_UNDERSTOOD
            return self._taken(self._sight, self._patience.unreadable(), action="", valid=False)
        if action.verb == "stop":
            self._answer = action.text
            return Step("", done=True, action=str(action))
        session = self._place.session
        document = session.document
        problem = await session.act(action, self._sight)
        done = _told(action, self._sight)
        self._sight = await session.look()
        self._previous = " ".join(filter(None, (done, problem, session.take_notices())))
        return self._taken(self._sight, self._patience.taken(action, document=document), action=str(action), valid=True)

    def _taken(self, sight: Sight, stop: Stop | None, *, action: str, valid: bool) -> Step:
        if stop is not None:
            return Step("", done=True, stop=stop, action=action, valid=valid)
        turn = self._turn(sight)
        if self.task.context == "history":
            return Step(turn.content, action=action, valid=valid)
        return Step("", action=action, valid=valid, fresh=[*self._opening(), turn])

    async def score(self) -> Score:
        """Judge the answer, the address and the pages as they are; the verified set from the traffic, once it ended."""
        if self._score is None:
            won = self._place is not None and await self._won(self._place)
            self._score = Score(reward=float(won), success=won)
        return self._score

    async def _won(self, place: Place) -> bool:
        if self.task.task_set == "verified":
            return await self._verified(place)
        from agenttuning.environments.worlds.webarena.aftermath import LiveAftermath

        evaluator = build_evaluator(self.task.raw, dialect=self.task.dialect)
        async with open_judge(self.task.judge) as judge:
            ending = Ending(self._answer, LiveAftermath(place.session, place.sites), judge)
            return await evaluator.score(ending) == 1

    async def _verified(self, place: Place) -> bool:
        assert self.task.verifier is not None
        assert place.folder is not None
        await place.session.close()
        write_episode(place.folder, self._answer)
        number = self.task.raw.task_id
        return await verify(place.folder, number, sites=self.task.sites, program=self.task.verifier) == 1

    def oracle(self) -> Iterator[str] | None:
        """Follow the script of a webarena-mini task; None for official ones."""
        return self._follow() if self.task.script else None

    def _follow(self) -> Iterator[str]:
        for thought, template in self.task.script:
            assert self._sight is not None, "start() comes first"
            action = resolve(template, self._sight)
            if action is None:
                raise WorldError(f"the script of task {self.task.id!r} wants {template!r}, which is not in sight")
            if self.task.difficulty == "tiny":
                yield f"{thought} ```{action}```"
            else:
                yield f"Let's think step-by-step. {thought} {CLOSING} ```{action}```"

    def footprint(self) -> int:
        """Return the MiB of a browser context and its page."""
        return 20

    def variant(self) -> str:
        """Name the sites, the judge, the limit and what a call sees."""
        sites = "webarena-mini" if self.task.task_set is None else f"{self.task.task_set} tasks"
        judge = "words" if self.task.judge is None else self.task.judge.model
        judge = f"webarena-verified {VERSION}" if self.task.task_set == "verified" else judge
        limit = f"{TOKENS} tokens, {open_ruler(self.task.tokenizer).name}"
        return f"{sites}, judge {judge}, {limit}, {self.task.context} context"

    async def close(self) -> None:
        """Leave the browser and the sites."""
        await self._held.aclose()


def _told(action: Action, sight: Sight) -> str:
    element = sight.find(action.number) if action.verb in ("click", "hover", "type") else None
    return f"{action} where [{action.number}] is {element.told}" if element else str(action)

"""MiniWoB++: small web pages with one instruction each (AgentTuning's held-out web task).

A sample, as the model sees it (standard difficulty of the embedded forms, shortened; the instruction stands before it):

    user       Task: Enter "Kate lamp" into the City field, then press Submit.
               Page:
               <div id="wrap"><div id="query">...</div><div id="area"><p>City: <input id="city" type="text"></p>
               <button>Submit</button><button>Help</button></div></div>
    assistant  Thought: the text belongs into city, so I click there first.
               Action: clickxpath //*[@id='city']
    user       The page is unchanged.
    assistant  Thought: the field has the focus; Kate lamp goes in.
               Action: type Kate lamp
    user       The page is unchanged.
    assistant  Thought: I press Submit.
               Action: clickxpath //button[text()='Submit']

Action: the line of the first `Action:` mark holds one of `type TEXT`, `press KEY` (enter, arrowleft, arrowright,
arrowup, arrowdown, backspace), `clickxpath XPATH`, `clickoption XPATH`, `movemouse XPATH`. A click tries every match
until one can be clicked; an impossible action is an observation. What was entered does not show in the HTML, as in a
browser. The fourth reply in a row without an action ends the episode (`Stop.FORMAT`); at most 30 turns.
Reward: 1 if the page's own raw reward is 1, else 0 (strict). The paper counts every positive reward, as
`click-checkboxes*` gives for part of the boxes: `paper_success` in the metrics.
Source: MiniWoB++ (Farama Foundation, https://github.com/Farama-Foundation/miniwob-plusplus, MIT), the pages of the
wheel `miniwob`, opened in Chromium with `backend = "chromium"` (extra `miniwob`): the 46 tasks of the paper, ten fixed
seeds each (`test`), a hundred others (`train`). `official` names another folder of pages (one that holds `core` and
`miniwob`). The default is `backend = "forms"`: generated forms on a page model without a browser (`synthetic-v1`).
Oracle: scripted solvers of 43 of the 46 pages; none for click-checkboxes-soft, email-inbox-forward-nl-turk and
email-inbox-nl-turk, whose wording needs a reader.
Deviations: the paper played an eased fork of the pages (longer times, fewer mails and posts, addition only), so that
its numbers are not comparable with those on stock pages, and every number says which pages made it; the paper's plan,
critique and grounding calls are the setting `plan` of a model, the default is plain ReAct over one linear history;
seeds are fixed; the page's clock advances by one second per action, whatever the real time, and never runs out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.forms.scene import Scene
from agenttuning.environments.worlds.miniwob.grammar import parse_action, refuse
from agenttuning.environments.worlds.miniwob.page import Verdict
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.environments.worlds.miniwob.page import TaskPage

Backend = Literal["forms", "chromium"]
DataMode = Literal["train", "test"]
INSTRUCTION: Final = """\
You operate a small web page for a user. Each task says what to do and shows the HTML of the page. Every reply starts
with a short thought and then takes exactly one action, like this:
Thought: what the page shows and what follows from it
Action: clickxpath //button[text()='Save']

These are the actions:
type TEXT: send TEXT to the field that has the focus; click the field first
press KEY: one of enter, arrowleft, arrowright, arrowup, arrowdown, backspace
clickxpath XPATH: click the first element matching XPATH that can be clicked
clickoption XPATH: select the <option> of a list that matches XPATH
movemouse XPATH: move the mouse over the element that matches XPATH

After each action you see the HTML again if it has changed; what you enter into fields does not show in it.
The task ends by itself when the page takes your work as done."""
TINY_INSTRUCTION: Final = (
    "Do the task on the page. Think, then write Action: clickxpath, clickoption or type, with one xpath or text."
)
UNCHANGED: Final = "The page is unchanged."
_NO_ACTION: Final = (
    "No action found. Write one line: Action: followed by type TEXT, press KEY, clickxpath XPATH, clickoption XPATH or "
    "movemouse XPATH."
)
_REPAIRS: Final = 3
_FORMS: Final = {"train": 20_000, "test": 1_000}


class MiniwobConfig(EnvironmentConfig):
    """Settings of the MiniWoB++ environment."""

    backend: Backend = "forms"
    """`forms` is embedded; `chromium` plays the benchmark's pages (extra `miniwob`, and Chromium)."""
    data_mode: DataMode = "train"
    """Which of their own wordings the benchmark's pages draw from; the paper's evaluation left it at `train`."""


class MiniwobTask(Task):
    """One page and what to do on it."""

    page: str
    """Name of the benchmark's page, or kind of the generated form."""
    backend: Backend = "forms"
    scene: Scene | None = None
    """The generated form."""
    seed: int = 0
    """Sets the benchmark's page up."""
    data_mode: DataMode = "train"
    folder: Path | None = None
    """Where the benchmark's pages lie; None takes the wheel's."""
    pages: str = ""
    """Version of the benchmark's pages: `stock`, or their digest."""


class Miniwob(Environment[MiniwobTask]):
    """One episode on one page."""

    id: ClassVar[str] = "miniwob"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = 30
    task_type: ClassVar[type[Task]] = MiniwobTask
    config_type: ClassVar[type[EnvironmentConfig]] = MiniwobConfig
    installed: ClassVar[Mapping[str, Mapping[str, str]]] = {"chromium": {"backend": "chromium"}}
    extra: ClassVar[str | None] = "web"

    def __init__(self, task: MiniwobTask) -> None:
        super().__init__(task)
        self._page: TaskPage | None = None
        self._utterance = ""
        self._html = ""
        self._verdict = Verdict(done=False, raw_reward=0.0)
        self._malformed = 0

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits, or pages times seeds."""
        if not _on_pages(narrow(config, MiniwobConfig)):
            return _FORMS
        from agenttuning.environments.worlds.miniwob.pages import PAGES, SEEDS

        return {split: len(PAGES) * len(seeds) for split, seeds in SEEDS.items()}

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[MiniwobTask]:
        """Yield the tasks of a split lazily; the benchmark's go through all pages seed by seed.

        Raises:
            DataError: there is no such split, or the folder does not hold the benchmark's pages.
            MissingExtraError: the wheel with the pages is not installed.
        """
        settings = narrow(config, MiniwobConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"miniwob has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        if _on_pages(settings):
            return _page_tasks(split, settings)
        return _form_tasks(split, settings, count=known[split])

    async def start(self) -> Sequence[Message]:
        """Open the page; return instruction, acknowledgement, and the task with the page."""
        self._page = _open_page(self.task)
        self._utterance = await self._page.open()
        self._html = await self._page.html()
        instruction = self.task.instruction or (TINY_INSTRUCTION if self.task.difficulty == "tiny" else INSTRUCTION)
        return (
            Message(role="user", content=instruction),
            Message(role="assistant", content="Ok.", train=False),
            Message(role="user", content=f"Task: {self._utterance}\nPage:\n{self._html}"),
        )

    async def step(self, reply: str) -> Step:
        """Carry one action out on the page."""
        assert self._page is not None, "start() comes first"
        action = parse_action(reply)
        if action is None:
            self._malformed += 1
            over = self._malformed > _REPAIRS
            return Step(_NO_ACTION, valid=False, done=over, stop=Stop.FORMAT)
        self._malformed = 0
        problem = refuse(action)
        if problem:
            return Step(f"{problem} {UNCHANGED}", action=str(action))
        try:
            problem = await self._page.act(action)
            self._verdict = await self._page.verdict()
            if self._verdict.done:
                return Step("", done=True, action=str(action))
            before, self._html = self._html, await self._page.html()
        except TimeoutError:
            return Step("", done=True, action=str(action), stop=Stop.BUDGET)
        return Step(f"{problem} {_shown(before, self._html)}".strip(), action=str(action))

    async def score(self) -> Score:
        """Return the page's own judgement, strict; the paper's beside it."""
        raw = self._verdict.raw_reward
        success = raw >= 1
        metrics = {"raw_reward": raw, "paper_success": float(raw > 0)}
        return Score(reward=float(success), success=success, metrics=metrics)

    def oracle(self) -> Iterator[str] | None:
        """Solve the page step by step from what it then shows; None for pages without a script."""
        if self.task.scene is not None:
            return _spoken(self._form_moves(self.task.scene))
        from agenttuning.environments.worlds.miniwob.solvers import Look, solver

        script = solver(self.task.page)
        return None if script is None else _spoken(script(Look(lambda: self._html, lambda: self._utterance)))

    def _form_moves(self, scene: Scene) -> Iterator[tuple[str, str]]:
        from agenttuning.environments.worlds.forms.solver import solve  # only once played: it needs the extra

        yield from solve(scene, name=self.task.id, plain=self.task.difficulty == "tiny")

    def footprint(self) -> int:
        """Return the MiB of a page in Chromium, if it is one."""
        return 0 if self.task.backend == "forms" else 21

    def variant(self) -> str:
        """Name the backend, and which pages and wordings it shows."""
        if self.task.backend == "forms":
            return "forms"
        return f"chromium, {self.task.pages} pages, data mode {self.task.data_mode}"

    async def close(self) -> None:
        """Leave the page."""
        if self._page is not None:
            await self._page.close()


def _spoken(moves: Iterator[tuple[str, str]]) -> Iterator[str]:
    return (f"Thought: {thought}\nAction: {action}" for thought, action in moves)


def _shown(before: str, after: str) -> str:
    return UNCHANGED if before == after else after


def _on_pages(settings: MiniwobConfig) -> bool:
    return settings.backend == "chromium" or settings.official is not None


def _open_page(task: MiniwobTask) -> TaskPage:
    if task.scene is not None:
        from agenttuning.environments.worlds.forms.task_page import FormTaskPage

        return FormTaskPage(task.scene)
    from agenttuning.environments.worlds.miniwob.chromium import ChromiumTaskPage
    from agenttuning.environments.worlds.miniwob.pages import page_folder

    return ChromiumTaskPage(page_folder(task.folder), task.page, seed=task.seed, data_mode=task.data_mode)


def _form_tasks(split: Split, settings: MiniwobConfig, *, count: int) -> Iterator[MiniwobTask]:
    from agenttuning.environments.worlds.forms.generator import scenes

    drawn = scenes(settings.difficulty, seed=settings.seed, test=split == "test", count=count)
    return (
        MiniwobTask(
            id=f"{settings.difficulty}-{split}-{index}",
            difficulty=settings.difficulty,
            instruction=settings.read_instruction(),
            page=scene.kind,
            scene=scene,
        )
        for index, scene in enumerate(drawn)
    )


def _page_tasks(split: Split, settings: MiniwobConfig) -> Iterator[MiniwobTask]:
    from agenttuning.environments.worlds.miniwob.pages import PAGES, SEEDS, page_folder, page_version

    version = page_version(page_folder(settings.official))
    return (
        MiniwobTask(
            id=f"{page}-{seed}",
            source="miniwob-plusplus",
            instruction=settings.read_instruction(),
            page=page,
            backend="chromium",
            seed=seed,
            data_mode=settings.data_mode,
            folder=settings.official,
            pages=version,
        )
        for seed in SEEDS[split]
        for page in PAGES
    )

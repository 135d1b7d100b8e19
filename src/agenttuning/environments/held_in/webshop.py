"""WebShop: find, set up and buy the product that a customer describes, in a shop of text pages.

A sample, as the model sees it (tiny difficulty; the instruction stands before it):

    user       WebShop [SEP] Instruction: [SEP] a steel box, red, and price lower than 70.00 dollars [SEP] Search
    assistant  Thought: search steel box.
               Action:
               search[steel box]
    user       Instruction: [SEP] a steel box, red, and price lower than 70.00 dollars [SEP] Back to Search [SEP] Page 1
               (Total results: 2) [SEP] Next > [SEP] B074 [SEP] steel box [SEP] $39.0 [SEP] B848 [SEP] oak box ...
    assistant  Thought: B074 is steel box.
               Action:
               click[B074]

Above `tiny` each page comes with the available actions, and an example visit goes before, as in AgentBench.

Action: `search[words]` works on every page, `click[text]` on what the available actions list; anything else in that
form changes nothing and costs a round. A reply without `Action:`, a new line and an action ends the episode
(`Stop.FORMAT`). Ten rounds. 50 hits at most, ten per page.
Reward: that of `Buy Now`, else 0: the share of wanted attributes, options and price that the purchase has, times a
factor for the product type (`worlds/shop/reward.py`, the official formula with its quirks). Success is a reward of 1;
for a recorded human visit, which the oracle plays again, it is the recorded reward.
Source: WebShop (arXiv 2207.01206, https://github.com/princeton-nlp/WebShop, MIT) as AgentBench (arXiv 2308.03688)
plays it; or the seeded generator of `worlds/shop`. `official` takes a folder with `items_shuffle*.json`,
`items_ins_v2*.json` and `items_human_ins.json` (large files go through `agenttuning data import webshop DIR` once),
or with documents of its search index (`resources*.jsonl`) and logs of human visits (`traj_*.jsonl`). With the whole
product file the splits are AgentBench's `test`, `dev` and `train` in WebShop's numbering; a smaller one has `human`.
Deviations: nouns of titles are tagged by our own light tagger unless `tagger` names a spaCy model; prices of ranges and
price caps are drawn per product and goal from `price_seed`, not per process; search is bm25s with Lucene's constants
(document lengths exact); the search words `<r>`, `<a>`, `<c>`, `<q>` open no back door; of the synthetic goals that a
product has, one per combination of options, one is drawn. A log holds no product texts: where the shop at hand lacks
the bought product, attributes hit and likeness of titles are the log's, and the variant says so; a visit of more than
ten rounds is played from its last search on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, TypedDict

from pydantic import Field

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.shop.catalogue import GeneratedShop, OfficialShop, Shop, SmallShop, open_shop
from agenttuning.environments.worlds.shop.example import example_visit
from agenttuning.environments.worlds.shop.expert import expert_steps, searchable, tiny_steps
from agenttuning.environments.worlds.shop.nouns import LIGHT, load_tagger
from agenttuning.environments.worlds.shop.product import Goal
from agenttuning.environments.worlds.shop.recorded import Judged
from agenttuning.environments.worlds.shop.visit import Visit
from agenttuning.errors import DataError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from agenttuning.core.environment import ImportProgress
    from agenttuning.environments.worlds.shop.pages import Page
    from agenttuning.environments.worlds.shop.visit import Catalogue

Part: TypeAlias = Literal["all", "goals", "sessions"]
MAX_ROUNDS: Final = 10
SPLITS: Final = {"train": 20_000, "test": 1_000}
INSTRUCTION: Final = """\
You shop online for a customer. Every round shows you a page of the shop as text, its parts separated by [SEP], and the
actions that it offers. Find a product that meets the customer's instruction, set the options that are asked for, and
buy it; what counts is how much of the instruction the purchase meets. There are ten rounds.

Two actions exist:
search[words] looks for products; choose the words with care.
click[text] presses a button, opens a product by its number, or sets an option; the text must be one of the clickables.
An action that the page does not offer changes nothing.

Reply in this form, with one action:

Thought:
why this is the next step

Action:
click[text]"""
TINY_INSTRUCTION: Final = "Shop. Think, then write Action: and below it search[words] or click[text]."
_SAME_REWARD: Final = 1e-9
_ACTION: Final = re.compile(r"[Aa]ction: *\n *((search|click)\[.+?])")


class WebShopConfig(EnvironmentConfig):
    """Settings of the WebShop environment."""

    tagger: str = LIGHT
    """Who finds the nouns of titles: `light`, our own, or a spaCy model such as `en_core_web_lg`."""
    price_seed: int = Field(default=0, ge=0)
    """Seed of the price caps of official goals, and of prices that are given as a range."""
    shots: Literal[0, 1] = 1
    """Example visits before the task, not trained on; `tiny` tasks never have one, nor do AgentInstruct's records."""
    part: Part = "all"
    """Which tasks of an official folder: its goals, its recorded human visits, or all."""


class WebShopTask(Task):
    """One customer's wish and the shop that may fulfil it."""

    goal: Goal
    shop: Shop
    words: str = ""
    """What an expert searches for."""
    tagger: str = LIGHT
    price_seed: int = 0
    shots: Literal[0, 1] = 1
    actions: tuple[str, ...] = ()
    """What a recorded visitor did; such a task is a success when the recorded reward comes out."""
    judged: Judged | None = None
    """How WebShop judged the recorded visit."""


class WebShop(Environment[WebShopTask]):
    """One visit to the shop."""

    id: ClassVar[str] = "webshop"
    group: ClassVar[Group] = "held_in"
    max_turns: ClassVar[int] = MAX_ROUNDS
    task_type: ClassVar[type[Task]] = WebShopTask
    config_type: ClassVar[type[EnvironmentConfig]] = WebShopConfig
    extra: ClassVar[str | None] = "search"
    oracles: ClassVar[Mapping[str, Mapping[str, str]]] = {"goals": {"part": "goals"}, "sessions": {"part": "sessions"}}
    """What `check --official` plays: the expert on every goal, and every recorded visit again."""

    def __init__(self, task: WebShopTask) -> None:
        super().__init__(task)
        self._catalogue: Catalogue | None = None
        self._visit: Visit | None = None

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[str, int]:
        """Return the generator's splits, or those of the official files."""
        settings = narrow(config, WebShopConfig)
        if settings.official is None:
            return SPLITS
        from agenttuning.environments.worlds.shop.folder import official_splits

        return official_splits(settings.official, part=settings.part)

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[WebShopTask]:
        """Yield the tasks of a split lazily.

        Raises:
            DataError: the official files are missing or of another format, or there is no such split.
            MissingExtraError: the noun tagger is not installed.
        """
        settings = narrow(config, WebShopConfig)
        known = cls.splits(settings)
        if split not in known:
            raise DataError(f"webshop has no split {split!r}{nearest(split, known)}; known: {', '.join(known)}")
        load_tagger(settings.tagger)
        common = _common(settings)
        if settings.official is not None:
            return _official(settings.official, split=split, common=common)
        return (_embedded(index, split=split, settings=settings, common=common) for index in range(known[split]))

    @classmethod
    def import_official(cls, source: Path, target: Path) -> Iterator[ImportProgress]:
        """Read the product files once, into a store and a search index that all workers share.

        Raises:
            DataError: the files are missing or of another format.
        """
        from agenttuning.environments.worlds.shop.importing import import_shop
        from agenttuning.environments.worlds.shop.source import require_files

        return import_shop(require_files(source), target)

    async def start(self) -> Sequence[Message]:
        """Open the shop; return instruction, acknowledgement, the example visit and the first page."""
        self._catalogue = open_shop(self.task.shop)
        self._visit = Visit(self._catalogue, self.task.goal.instruction)
        tiny = self.task.difficulty == "tiny"
        instruction = self.task.instruction or (TINY_INSTRUCTION if tiny else INSTRUCTION)
        return (
            Message(role="user", content=instruction),
            Message(role="assistant", content="Ok.", train=False),
            *(() if tiny or not self.task.shots else _example()),
            Message(role="user", content=self._shown(self._visit.page)),
        )

    async def step(self, reply: str) -> Step:
        """Search or click; buying ends the episode, and so does a reply without an action."""
        assert self._visit is not None, "start() comes first"
        found = _ACTION.search(reply)
        if found is None:
            return Step("", done=True, valid=False, stop=Stop.FORMAT)
        action = found[1]
        carried_out = self._visit.act(action)
        if self._visit.purchase is not None:
            return Step("", done=True, action=action)
        return Step(self._shown(self._visit.page), action=action, valid=carried_out)

    def _shown(self, page: Page) -> str:
        """Return a page as AgentBench sends it; the smallest tasks get its text alone, which names all buttons."""
        tiny = self.task.difficulty == "tiny"
        return page.text if tiny else f"Observation:\n{page.text}\n\nAvailable Actions:\n{page.actions}"

    async def score(self) -> Score:
        """Judge the purchase; without one the reward is 0."""
        purchase = self._visit.purchase if self._visit else None
        if purchase is None:
            return Score(reward=0.0, success=False)
        from agenttuning.environments.worlds.shop.reward import judge

        price = purchase.product.price(seed=self.task.price_seed)
        verdict = judge(
            purchase.product,
            self.task.goal,
            price=price,
            options=purchase.options.values(),
            tagger=load_tagger(self.task.tagger),
            judged=self.task.judged,
        )
        wanted = self.task.judged.reward if self.task.judged else 1.0
        success = abs(verdict.reward - wanted) < _SAME_REWARD
        return Score(reward=verdict.reward, success=success, metrics={**verdict.parts, "price": price})

    def variant(self) -> str:
        """Name the noun tagger, the seed of the prices, and whether a log stands in for product texts."""
        logged = self.task.judged is not None and not self.task.judged.texts
        return f"tagger {self.task.tagger}, prices {self.task.price_seed}{', texts from the log' if logged else ''}"

    def oracle(self) -> Iterator[str]:
        """Search for the wanted product, open it, set its options and buy it."""
        assert self._visit is not None, "start() comes first"
        assert self._catalogue is not None
        if self.task.difficulty == "tiny":
            for thought, action in tiny_steps(self.task.goal, words=self.task.words):
                yield f"Thought: {thought}\nAction:\n{action}"
            return
        steps: Iterable[tuple[str, str]] = (("The recorded customer did this next.", did) for did in self.task.actions)
        if not self.task.actions:
            steps = expert_steps(
                self._visit, self.task.goal, catalogue=self._catalogue, words=self.task.words, seed=self.task.id
            )
        for thought, action in steps:
            yield f"Thought:\n{thought}\n\nAction:\n{action}"


class _Common(TypedDict):
    tagger: str
    price_seed: int
    shots: Literal[0, 1]
    instruction: str | None


def _common(settings: WebShopConfig) -> _Common:
    instruction, seed = settings.read_instruction(), settings.price_seed
    return _Common(tagger=settings.tagger, price_seed=seed, shots=settings.shots, instruction=instruction)


def _embedded(index: int, *, split: str, settings: WebShopConfig, common: _Common) -> WebShopTask:
    from agenttuning.environments.worlds.shop.tiny import make_tiny
    from agenttuning.environments.worlds.shop.wishes import make_wish

    difficulty, seed, test = settings.difficulty, settings.seed, split == "test"
    shop: GeneratedShop | SmallShop
    if difficulty == "tiny":
        small = make_tiny(index, seed=seed, test=test)
        shop, wish = SmallShop(products=small.products), small.wish
    else:
        hard = difficulty == "hard"
        shop = GeneratedShop(seed=seed, test=test, hard=hard)
        wish = make_wish(index, seed=seed, test=test, hard=hard, price_seed=settings.price_seed)
    return WebShopTask(
        id=f"{difficulty}-{split}-{index}", difficulty=difficulty, goal=wish.goal, shop=shop, words=wish.words, **common
    )


def _official(folder: Path, *, split: str, common: _Common) -> Iterator[WebShopTask]:
    from agenttuning.environments.worlds.shop.folder import SESSIONS, official_goals, official_visits

    if split == SESSIONS:
        for visit in official_visits(folder):
            yield WebShopTask(
                id=f"{split}-{visit.name}",
                source="webshop-recorded",
                goal=visit.goal,
                shop=visit.shop,
                actions=visit.fitting(MAX_ROUNDS),
                judged=visit.judged,
                **common,
            )
        return
    shop = OfficialShop(folder=folder)
    for index, goal in official_goals(folder, split=split, seed=common["price_seed"]):
        words = searchable(goal.title)
        yield WebShopTask(id=f"{split}-{index}", source="webshop-official", goal=goal, shop=shop, words=words, **common)


def _example() -> Iterator[Message]:
    for page, thought, action in example_visit():
        yield Message(role="user", content=f'Observation:\n"{page.text}"\n\nAvailable Actions:\n{page.actions}')
        yield Message(role="assistant", content=f"Thought:\n{thought}\n\nAction:\n{action}", train=False)

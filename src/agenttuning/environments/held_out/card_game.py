"""Digital Card Game: a battle of fish with hidden identities against a scripted player (AgentBench's Aquawar).

A turn as the model sees it (the instruction with the rules stands before it):

    user       Guess. Your last guess: wrong
               Living enemy positions: ["0", "1", "3"]
               Enemy's last action: {"ACTION_FISH": "3", "ATK": "70", "TARGET": ["0", "1"], "SKILL_TYPE": "AOE"}
               Enemy passives in your last action: {"Position: 1": "Deflect"}
    assistant  Thought: Position 3 strikes areas and shares no damage, so it is spray.
               Action: {"guess_type": "spray", "target_position": "3"}
    user       Move. Your guess: right
               State: {"You": [{"ID": "spray", "POSITION": "0", "HP": "330", "ATK": "200"}, ...], "Enemy": [...]}
               Your last action: {"ACTION_FISH": "0", "ATK": "70", "TARGET": ["0", "1", "2", "3"]}
               Enemy's last action: {"ACTION_FISH": "3", "ATK": "70", "TARGET": ["0", "1"]}
    assistant  Thought: Position 3 is down to 90 HP; flame has 200 ATK and finishes it.
               Action: {"pick_fish": "flame", "action": "normal", "target_position": "3"}

Action: the first `{...}` in a reply that is JSON (single quotes pass) and legal; guess and move take turns. A reply
without one is answered with the reason; after five of them a guess counts as none, and a move loses the game
(`Stop.FORMAT`). The agent's fish are spray, flame, eel, sunfish at positions 0 to 3.
Reward: 1 for a win, else 0; its mean is the win rate. The metric `agentbench_v0_2` is that benchmark's mixture, 0.7
for a win + at most 0.3 for damage. The oracle is an expert that may lose: it sees what the agent sees, keeps the enemy
line-ups that fit, and looks one action ahead.
Source: AgentBench (arXiv 2308.03688, https://github.com/THUDM/AgentBench, Apache-2.0), stage 2. It has no data files:
the splits `dev`, `std` and `ext` (12, 20, 200 games) are its sets, two opponents from both seats, with seeds of ours
and whatever difficulty and seed are set; `train` and `test` are seeded games. `tiny` games are the last turns of a
battle with two fish a side; `hard` ones pit the agent against `baseline2` in both versions.
Deviations: the history is linear, rules first, where the original shows the last exchanges before the rules (the
policy setting `history_guard` keeps rules and latest turns); targets of past actions are the true ones; the rules of
deflection are told as they are; a refused reply is told why; an illegal move, a crash or a limit is never a win.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, ClassVar, Final

from agenttuning.core.environment import Environment, EnvironmentConfig, Group, Split, Step, narrow
from agenttuning.core.records import Message, Score, Stop, Task
from agenttuning.environments.worlds.cards.generator import BENCHMARK_SETS, OPPONENTS, SPLITS, deal
from agenttuning.environments.worlds.cards.match import Match
from agenttuning.environments.worlds.cards.moves import NAMES, Guess, Line
from agenttuning.environments.worlds.cards.opponents import OpponentName
from agenttuning.environments.worlds.cards.protocol import read_action, read_guess
from agenttuning.environments.worlds.cards.telling import tell_briefly, tell_guess, tell_move
from agenttuning.environments.worlds.cards.wording import Wording
from agenttuning.errors import DataError, RecipeError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agenttuning.environments.worlds.cards.engine import Fish
    from agenttuning.environments.worlds.cards.moves import Action
    from agenttuning.environments.worlds.cards.protocol import Reading

TRIES: Final = 5
"""Replies per guess and per move."""
MAX_TURNS: Final = 320
"""Out of reach: 64 phases of one player, five tries each; every action costs some side about 69 of 3,200 HP."""
INSTRUCTION: Final = """\
You lead four fish in a battle against another player's four. The side whose fish are all dead loses.
Every fish starts with 400 HP and 200 ATK. Your fish are spray at position 0, flame at 1, eel at 2 and sunfish at 3. \
The enemy has one of each kind, too, but you do not know which is where, and your kinds are hidden from the enemy.

The four kinds:
- spray. Active skill: 70 damage to every living enemy. Passive: counter.
- flame. Active skill: takes 75 HP from one living teammate and gains 140 ATK for good. Passive: counter.
- eel. Active skill: 35% of its ATK as damage to every living enemy. Passive: deflect.
- sunfish. Active skill: takes 75 HP from one living teammate and gains 140 ATK for good. Passive: deflect.
Any fish can make a normal attack instead: half of its ATK as damage to one living enemy.
Counter: when an attack or area skill leaves a teammate of the counterer below 120 HP, the attacker loses 30 HP, for \
each living counterer other than the fish that was struck. It is reported at the position of the fish that was struck.
Deflect: of the damage of an attack or area skill the fish keeps 70%, and its living teammates share 30% evenly; alone \
it takes everything. For every 200 HP of damage that it has taken it gains 40 ATK.
Shares of a deflection, counters and damage by a teammate set off neither counter nor deflect.

Each turn you first guess, then move.
Guess: name the kind of a living enemy. If you are right, that fish is exposed, and every enemy loses 50 HP, or all of \
its HP if it has less. A wrong guess costs nothing; one at an exposed enemy does nothing. Answer like this:
Thought: what I have seen of that fish
Action: {"guess_type": "spray" | "flame" | "eel" | "sunfish", "target_position": "0" | "1" | "2" | "3"}
Move: let one living fish of yours act. Answer like this:
Thought: why this move
Action: {"pick_fish": name of your fish, "action": "normal" | "active", "target_position": "0" | "1" | "2" | "3"}
The position of a normal attack is that of a living enemy. For active flame or sunfish it is that of a living \
teammate, and the enemy at the same position must be alive, too. For active spray or eel it does not matter.
Give exactly one such JSON object per reply. A reply that cannot be played may be corrected four times; after that a \
guess is skipped, and a move loses the battle."""
TINY_INSTRUCTION: Final = (
    "Fish battle. An attack takes atk / 2. Think, then answer in JSON: guess an enemy's kind, or move a fish."
)
ACKNOWLEDGEMENT: Final = "I know the rules. Let us begin."


class CardGameConfig(EnvironmentConfig):
    """Settings of the Digital Card Game."""

    opponents: tuple[OpponentName, ...] | None = None
    """Who plays against the agent, in turns: `baseline1`, `baseline2`, or `baseline2-2023` with the defects of the 2023
    build. None: the first two; `tiny`: the first; `hard`: the last two; benchmark sets: the first and the last."""


class CardGameTask(Task):
    """One game."""

    opponent: OpponentName
    seed: int
    """Of the opponent's line-up and choices."""
    first: bool
    """Does the agent move first."""
    lines: tuple[Line, Line] | None = None
    """(kind, hp) of each fish of agent and opponent; None is the full game."""
    field: tuple[OpponentName, ...]
    """All opponents of the set that this game belongs to."""


class CardGame(Environment[CardGameTask]):
    """One game."""

    id: ClassVar[str] = "card_game"
    group: ClassVar[Group] = "held_out"
    max_turns: ClassVar[int] = MAX_TURNS
    task_type: ClassVar[type[Task]] = CardGameTask
    config_type: ClassVar[type[EnvironmentConfig]] = CardGameConfig
    expert_oracle: ClassVar[bool] = True

    def __init__(self, task: CardGameTask) -> None:
        super().__init__(task)
        self._match = Match(task.opponent, seed=task.seed, first=task.first, lines=task.lines)
        self._left = TRIES
        self._refused = 0
        self._rounds = 0
        self._lost_by_format = False

    @classmethod
    def splits(cls, config: EnvironmentConfig | None = None) -> Mapping[Split, int]:
        """Return the generator's splits and the sets of the benchmark."""
        _settings(config)
        return SPLITS

    @classmethod
    def load(cls, split: Split, config: EnvironmentConfig | None = None) -> Iterator[CardGameTask]:
        """Yield the games of a split lazily.

        Raises:
            DataError: there is no such split.
            RecipeError: official files are named, and this benchmark has none.
        """
        settings = _settings(config)
        if split not in SPLITS:
            raise DataError(f"card_game has no split {split!r}{nearest(split, SPLITS)}; known: {', '.join(SPLITS)}")
        return (_task(index, split, settings) for index in range(SPLITS[split]))

    async def start(self) -> Sequence[Message]:
        """Return instruction, acknowledgement, and the first question; an enemy that moves first has moved."""
        tiny = self.task.difficulty == "tiny"
        return (
            Message(role="user", content=self.task.instruction or (TINY_INSTRUCTION if tiny else INSTRUCTION)),
            Message(role="assistant", content="Ok." if tiny else ACKNOWLEDGEMENT, train=False),
            Message(role="user", content=self._question()),
        )

    async def step(self, reply: str) -> Step:
        """Play the guess or move of a reply, and the enemy's turn when it comes."""
        guessing = self._match.guessing
        reading = (read_guess if guessing else read_action)(reply, self._match.view)
        if reading.fault:
            return self._refuse(reading, guessing=guessing)
        return self._play(reading.move, valid=True)

    def _refuse(self, reading: Reading, *, guessing: bool) -> Step:
        self._left -= 1
        self._refused += 1
        if self._left:
            told = f"That reply cannot be played: {reading.fault}. Tries left: {self._left}."
            return Step(told, valid=False)
        if guessing:
            return self._play(None, valid=False)
        self._match.battle.forfeit()
        self._lost_by_format = True
        return Step("", done=True, valid=False, stop=Stop.FORMAT)

    def _play(self, move: Guess | Action | None, *, valid: bool) -> Step:
        action = _spoken(move, self._match.view.mine)
        self._rounds += not self._match.guessing
        self._left = TRIES
        self._match.play(move)
        over = self._match.battle.over
        return Step("" if over else self._question(), done=over, action=action, valid=valid)

    def _question(self) -> str:
        match = self._match
        if self.task.difficulty == "tiny":
            return tell_briefly(match.view, guessing=match.guessing)
        return tell_guess(match.view) if match.guessing else tell_move(match.view)

    async def score(self) -> Score:
        """Return 1 for a win; a game that was not finished is not won."""
        won = self._match.won
        damage = self._match.damage
        return Score(
            reward=float(won),
            success=won,
            metrics={
                "agentbench_v0_2": 0.7 * won + min(0.3, 0.3 * damage),
                "damage": damage,
                "killed": float(self._match.view.enemy_hp.count(0)),
                "rounds": float(self._rounds),
                "refused_replies": float(self._refused),
                "played_to_the_end": float(self._match.battle.over and not self._lost_by_format),
            },
        )

    def variant(self) -> str:
        """Name the set's opponents."""
        return "against " + ", ".join(self.task.field)

    def oracle(self) -> Iterator[str]:
        """Play as the expert does, thinking aloud."""
        match = self._match
        wording = Wording(random.Random(self.task.id), brief=self.task.difficulty == "tiny")
        while not match.battle.over:
            advice = match.advice()
            yield wording.guess(advice, match.view) if match.guessing else wording.act(advice, match.view)


def _settings(config: EnvironmentConfig | None) -> CardGameConfig:
    settings = narrow(config, CardGameConfig)
    if settings.official is not None:
        raise RecipeError(
            "card_game has no official files; leave `official` out and choose the split 'ext' (200 games) or 'std' (20)"
        )
    return settings


def _task(index: int, split: str, config: CardGameConfig) -> CardGameTask:
    benchmark = split in BENCHMARK_SETS
    difficulty = None if benchmark else config.difficulty
    field = config.opponents or OPPONENTS[difficulty]
    seed = 0 if benchmark else config.seed
    drawn = deal(index, split=split, difficulty=difficulty, seed=seed, opponents=field)
    return CardGameTask(
        id=f"{split}-{index}" if benchmark else f"{split}-{difficulty}-{seed}-{index}",
        source="agentbench-card-game" if benchmark else "synthetic-v1",
        difficulty=difficulty,
        instruction=config.read_instruction(),
        opponent=drawn.opponent,
        seed=drawn.seed,
        first=drawn.first,
        lines=drawn.lines,
        field=field,
    )


def _spoken(move: Guess | Action | None, mine: Sequence[Fish]) -> str:
    """Name a move as executed."""
    if move is None:
        return "no guess"
    if isinstance(move, Guess):
        return f"guess {NAMES[move.kind]} at {move.position}"
    name, target = NAMES[mine[move.fish].kind], "" if move.target is None else f" on {move.target}"
    return f"{'active' if move.skill else 'normal'} {name}{target}"

"""Games per second of the card engine against 31 ms per game of the original, and what an episode costs.

    python benchmarks/card_game.py [GAMES]

The peer's figure is AgentBench's C++ engine, one process per game and 36 requests as JSON over pipes. Ours plays random
legal games, once in memory and once with every request and answer written to JSON and read back. An episode is the
expert's game in the environment: oracle thoughts, parser and opponent included. All on one core, CPU time.
"""

from __future__ import annotations

import asyncio
import json
import platform
import random
import resource
import sys
import time
import tracemalloc
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

from agenttuning.analysis.statistics import rate_interval
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.card_game import CardGame
from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.match import Match
from agenttuning.environments.worlds.cards.moves import KINDS, Phase, Pick
from agenttuning.environments.worlds.cards.wire import read_message, request
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from pydantic import JsonValue

    from agenttuning.environments.worlds.cards.moves import Action, Guess
    from agenttuning.environments.worlds.cards.opponents import OpponentName

PEER_MS = 31.0


def random_game(stream: random.Random, *, over_json: bool) -> Battle:
    """Play one game of random legal moves."""
    battle = Battle()
    battle.play(Pick(tuple(stream.sample(KINDS, 4))))
    battle.play(Pick(tuple(stream.sample(KINDS, 4))))
    while not battle.over:
        move = stream.choice(list(battle.moves()))
        if over_json:
            json.loads(json.dumps(request(battle)))
            answer = message(move, battle) if battle.phase is Phase.ACTION else asserted(move)
            move = read_message(json.loads(json.dumps(answer)), battle)
        battle.play(move)
    return battle


def asserted(move: Guess | Action | None) -> dict[str, JsonValue]:
    """Return a guess as a message."""
    return {"Action": "Null"} if move is None else {"Action": "Assert", "Pos": move[0], "ID": move[1]}


def message(move: Guess | Action | None, battle: Battle) -> dict[str, JsonValue]:
    """Return an action as a message."""
    assert move is not None
    fish, skill, target = move
    if not skill:
        return {"Action": "Action", "Type": 0, "MyPos": fish, "EnemyPos": target}
    own = {"MyList": [target]} if target is not None else {}
    enemies = {} if own else {"EnemyList": [held.position for held in battle.living(1 - battle.player)]}
    return {"Action": "Action", "Type": 1, "MyPos": fish, **own, **enemies}


def measure_engine(games: int) -> None:
    """Print milliseconds per random game, in memory and over JSON."""
    for label, over_json in (("in memory", False), ("over JSON", True)):
        stream, messages = random.Random(0), 0
        began = time.process_time()
        for _ in range(games):
            messages += random_game(stream, over_json=over_json).state
        each = 1e3 * (time.process_time() - began) / games
        print(
            f"engine {label}: {each:.3f} ms/game of {messages / games:.0f} messages, {1e3 / each:,.0f} games/s;",
            end=" ",
        )
        print(f"C++ over JSON {PEER_MS:.0f} ms; ratio {PEER_MS / each:.0f}")


async def measure_steps(games: int) -> None:
    """Print reset and step latency of the environment, and the memory of one episode."""
    resets, steps = [], []
    for task in islice(CardGame.load("test"), games):
        began = time.perf_counter()
        environment = CardGame(task)
        await environment.start()
        resets.append(time.perf_counter() - began)
        for reply in environment.oracle():
            began = time.perf_counter()
            await environment.step(reply)
            steps.append(time.perf_counter() - began)
    print(f"reset {1e3 * median(resets):.2f} ms, step {1e3 * median(steps):.3f} ms (medians)")
    tracemalloc.start()
    held = [CardGame(task) for task in islice(CardGame.load("test"), 50)]
    for environment in held:
        await environment.start()
    print(f"memory {tracemalloc.get_traced_memory()[0] / len(held) / 1024:.0f} KiB per open episode;", end=" ")
    tracemalloc.stop()
    print(f"process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


async def measure_episodes(games: int) -> None:
    """Print whole episodes per second with the expert as policy."""
    began = time.process_time()
    for task in islice(CardGame.load("test"), games):
        await rollout(CardGame(task), oracle_player)
    print(f"episodes with the expert: {games / (time.process_time() - began):.0f}/s per core")


def measure_expert(games: int) -> None:
    """Print the expert's win rate against each opponent from each seat."""
    names: tuple[OpponentName, ...] = ("baseline1", "baseline2", "baseline2-2023")
    for name in names:
        for first in (True, False):
            won = 0
            for seed in range(games):
                match = Match(name, seed=seed, first=first)
                while not match.battle.over:
                    match.play(match.advice().move)
                won += match.won
            low, high = rate_interval(won, games)
            seat = "first" if first else "second"
            print(f"expert {seat} against {name}: {won} of {games}, {won / games:.1%} ({low:.1%} to {high:.1%})")


def main() -> None:
    """Print all figures."""
    games = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"Python {platform.python_version()}, {platform.machine()}")
    measure_engine(games)
    asyncio.run(measure_steps(games))
    asyncio.run(measure_episodes(games))
    measure_expert(games)


if __name__ == "__main__":
    main()

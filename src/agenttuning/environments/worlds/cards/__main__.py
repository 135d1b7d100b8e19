"""Replay recorded games: `python -m agenttuning.environments.worlds.cards REPLAY.jsonl`.

REPLAY.jsonl holds one game per line:

    {"seed": 7, "first": true, "moves": [MESSAGE, MESSAGE, ...]}

`moves` are the messages of both players in order, in the format of AgentBench's engine. Player 0 always moves first:

    {"Action": "Pick", "ChooseFishs": [1, 2, 3, 4]}                              line-up of player 0, then of player 1
    {"Action": "Assert", "Pos": 2, "ID": 3}  or  {"Action": "Null"}             guess of the player to move, then
    {"Action": "Action", "Type": 0, "MyPos": 0, "EnemyPos": 2}                   its action: a normal attack,
    {"Action": "Action", "Type": 1, "MyPos": 0, "EnemyList": [0, 1, 2, 3]}       an area skill (spray 1, eel 3),
    {"Action": "Action", "Type": 1, "MyPos": 1, "MyList": [0]}                   or an infight (flame 2, sunfish 4)

Without the two line-ups at its beginning they are those of the task with this seed: the agent has 1, 2, 3, 4, the
opponent the shuffle that the seed gives, and `first` says whether the agent is player 0. With them `seed` and `first`
change nothing.

Prints one JSON object per message, line-ups included:

    game     number of the game, from 0
    phase    Pick, Assert or Action: what the message answered
    player   its sender, 0 or 1
    message  as read
    legal    false: it broke a rule; the state is unchanged and its sender has lost
    state    the engine's state number after it; 1 before the first message
    fish     both sides by position, each {"kind", "hp", "attack", "wound", "dead", "exposed"}; hp is as stored, below 0
             for a fish that took more than it had
    next     {"player", "content"}: who is asked next, and the engine's request with what that player may know: own and
             enemy HP, the last guess, and the last actions with their hits and passives, numbered by `time`;
             null at the end
    winner   0 or 1 at the end, else null
    ending   "wipe", "limit" or "illegal" at the end, else null
    finish   the engine's closing messages to player 0 and player 1 at the end, else null; an illegal message gets none

The exit code is 0, or 1 with one sentence on stderr where the file is no replay or a game goes on after its end.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from agenttuning.environments.worlds.cards.replay import read_games, replay
from agenttuning.errors import DataError


def main(arguments: list[str]) -> int:
    """Replay the named file and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m agenttuning.environments.worlds.cards REPLAY.jsonl\n")
        return 2
    try:
        for number, game in enumerate(read_games(Path(arguments[0]))):
            for state in replay(game):
                sys.stdout.write(json.dumps({"game": number, **state}) + "\n")
        sys.stdout.flush()
    except DataError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Plays recorded games again and tells the state after every message."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pydantic import JsonValue, ValidationError

from agenttuning.core.records import Record
from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.match import AGENT_LINE, enemy_line
from agenttuning.environments.worlds.cards.wire import IllegalMessageError, finish, read_message, request
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agenttuning.environments.worlds.cards.engine import Fish


class RecordedGame(Record):
    """One line of a replay file."""

    seed: int
    """Draws the opponent's line-up, as in a task of that seed; unused where `moves` begins with line-ups."""
    first: bool
    """Does the agent, the side with the line-up 1, 2, 3, 4, move first; unused where `moves` begins with line-ups."""
    moves: list[JsonValue]
    """The messages of both players in order."""

    def messages(self) -> list[JsonValue]:
        """Return all messages, line-ups included."""
        if self.moves and isinstance(self.moves[0], dict) and self.moves[0].get("Action") == "Pick":
            return self.moves
        lines = [AGENT_LINE, enemy_line(random.Random(self.seed))]
        ordered = lines if self.first else lines[::-1]
        picks: list[JsonValue] = [{"Action": "Pick", "ChooseFishs": [kind for kind, _ in line]} for line in ordered]
        return [*picks, *self.moves]


def read_games(path: Path) -> Iterator[RecordedGame]:
    """Yield the games of a file, one per line; blank lines are skipped.

    Raises:
        DataError: the file is missing, or a line is no game.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}; give a file with one game per line") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield RecordedGame.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "line"
            form = '{"seed": 1, "first": true, "moves": [...]}'
            raise DataError(f"{path}:{number} is no game: {where}: {first['msg']}; write {form}") from error


def replay(game: RecordedGame) -> Iterator[dict[str, JsonValue]]:
    """Yield the state after every message of a game; the last one may be illegal.

    Raises:
        DataError: a message comes after the end.
    """
    battle = Battle()
    for number, message in enumerate(game.messages()):
        if battle.over:
            raise DataError(f"message {number} (from 0, line-ups included) comes after the end of its game; remove it")
        phase, player = battle.phase.value, battle.player
        legal = _play(battle, message)
        over = battle.winner is not None
        yield {
            "phase": phase,
            "player": player,
            "message": message,
            "legal": legal,
            "state": battle.state,
            "fish": [[_fish(fish) for fish in side] for side in battle.sides],
            "next": None if over else {"player": battle.player, "content": request(battle)},
            "winner": battle.winner,
            "ending": battle.ending.value if battle.ending else None,
            "finish": [finish(battle, 0), finish(battle, 1)] if over and legal else None,
        }


def _play(battle: Battle, message: JsonValue) -> bool:
    try:
        return battle.play(read_message(message, battle)) is not None
    except IllegalMessageError:
        battle.forfeit()
        return False


def _fish(fish: Fish) -> dict[str, JsonValue]:
    return {
        "kind": fish.kind,
        "hp": fish.hp,
        "attack": fish.attack,
        "wound": fish.wound,
        "dead": fish.dead,
        "exposed": fish.exposed,
    }

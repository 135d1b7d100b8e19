"""The replay command: a game written down and read again is the same game."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from tests.environments.worlds.cards.play import hp, message, random_moves

from agenttuning.environments.worlds.cards.__main__ import main
from agenttuning.environments.worlds.cards.engine import Battle
from agenttuning.environments.worlds.cards.match import Match
from agenttuning.environments.worlds.cards.replay import RecordedGame, replay

if TYPE_CHECKING:
    from pathlib import Path


def record(seed: int) -> dict[str, object]:
    return {"seed": seed, "first": True, "moves": [message(move, battle) for battle, move in random_moves(seed)]}


def run(path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    assert main([str(path)]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_random_games_come_out_as_they_were_played(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "games.jsonl"
    path.write_text("".join(json.dumps(record(seed)) + "\n\n" for seed in range(10)))
    states = run(path, capsys)
    for seed in range(10):
        mine = [state for state in states if state["game"] == seed]
        *_, (battle, _) = random_moves(seed)
        assert [state["state"] for state in mine] == list(range(2, len(mine) + 2))
        assert mine[-1]["winner"] == battle.winner
        assert [fish["hp"] for fish in mine[-1]["fish"][0]] == [fish.hp for fish in battle.sides[0]]
        assert mine[-1]["next"] is None
        assert {told["Result"] for told in mine[-1]["finish"]} == {"Win", "Lose"}
        assert all(state["legal"] and state["ending"] is None for state in mine[:-1])
        for before, after in pairwise(mine):
            assert before["next"]["content"]["Action"] == after["phase"]
            assert before["next"]["player"] == after["player"]


@pytest.mark.parametrize("first", [True, False])
def test_a_task_is_replayed_from_its_seed_alone(first: bool) -> None:
    match = Match("baseline2", seed=12345, first=first)
    again = Match("baseline2", seed=12345, first=first).battle.copy()
    while not match.battle.over:
        match.play(match.advice().move)
    begun = Battle.between(*([(fish.kind, 400) for fish in side] for side in again.sides))
    moves = []
    for turn in match.battle.turns:
        moves.append(message(turn.move, begun))
        begun.play(turn.move)
    *_, last = replay(RecordedGame(seed=12345, first=first, moves=moves))
    assert last["winner"] == match.battle.winner
    assert [[fish["hp"] for fish in side] for side in last["fish"]] == [hp(match.battle, side) for side in (0, 1)]


def test_an_illegal_message_ends_the_game_and_leaves_the_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "games.jsonl"
    game = record(1)
    game["moves"] = [*game["moves"][:5], {"Action": "Dance"}]
    path.write_text(json.dumps(game))
    *_, before, last = run(path, capsys)
    assert (last["legal"], last["ending"], last["winner"]) == (False, "illegal", 1 - last["player"])
    assert (last["state"], last["fish"]) == (before["state"], before["fish"])
    assert (last["next"], last["finish"]) == (None, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", ":1 is no game"),
        ('{"seed": 1, "first": true}', "moves: Field required"),
        ('{"seed": "x", "first": true, "moves": []}', "seed"),
        ('\n{"seed": 1, "first": true, "moves": [], "more": 1}', ":2 is no game: more"),
        ("[" * 10_000, ":1 is no game"),
    ],
)
def test_a_file_that_is_no_replay_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    path = tmp_path / "games.jsonl"
    path.write_text(text)
    assert main([str(path)]) == 1
    assert told in capsys.readouterr().err


def test_a_message_after_the_end_and_a_missing_file_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "games.jsonl"
    game = record(2)
    game["moves"] = [*game["moves"], {"Action": "Null"}]
    path.write_text(json.dumps(game))
    assert main([str(path)]) == 1
    assert "comes after the end" in capsys.readouterr().err
    assert main([str(tmp_path / "absent")]) == 1
    assert "cannot read" in capsys.readouterr().err
    assert main([]) == 2


def test_the_module_is_a_command(tmp_path: Path) -> None:
    path = tmp_path / "games.jsonl"
    path.write_text('{"seed": 7, "first": true, "moves": [{"Action": "Null"}]}')
    command = (sys.executable, "-m", "agenttuning.environments.worlds.cards", str(path))
    told = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
    assert [json.loads(line)["state"] for line in told.stdout.splitlines()] == [2, 3, 4]

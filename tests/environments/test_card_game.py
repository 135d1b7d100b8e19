"""The Digital Card Game: the two-call turn, tries, score, splits, transcripts, a person at the terminal."""

from __future__ import annotations

import asyncio
import io
import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agenttuning.cli import main
from agenttuning.core.records import Message, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments.held_out.card_game import (
    INSTRUCTION,
    MAX_TURNS,
    TINY_INSTRUCTION,
    CardGame,
    CardGameConfig,
    CardGameTask,
)
from agenttuning.errors import DataError, RecipeError
from agenttuning.policies.oracle import oracle_player

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agenttuning.core.environment import Step

GOLDEN = Path(__file__).parents[1] / "golden" / "card_game"
GUESS = '{"guess_type": "spray", "target_position": "0"}'
AREA = '{"pick_fish": "spray", "action": "active", "target_position": "0"}'
ONE_LEFT = CardGameTask(
    id="one",
    opponent="baseline1",
    field=("baseline1",),
    seed=1,
    first=True,
    lines=(((1, 400), (2, 400)), ((3, 60), (2, 200))),
)


class Script:
    """Answers with prepared replies, the last one again and again."""

    name = "script"
    sampling = None

    def __init__(self, replies: Iterable[str]) -> None:
        self.replies, self.last = iter(replies), ""

    async def reply(self, messages: Sequence[Message]) -> Reply:
        self.last = next(self.replies, self.last)
        return Reply(content=self.last)


def play(task: CardGameTask, *replies: str) -> Trajectory:
    def player(environment: CardGame, *, sample: int) -> Script:
        return Script(replies)

    return asyncio.run(rollout(CardGame(task), player))


def oracle(task: CardGameTask) -> Trajectory:
    return asyncio.run(rollout(CardGame(task), oracle_player))


def tasks(count: int, split: str = "train", **config: object) -> list[CardGameTask]:
    return list(islice(CardGame.load(split, CardGameConfig(**config)), count))


def steps(task: CardGameTask, *replies: str) -> list[Step]:
    async def episode() -> list[Step]:
        async with CardGame(task) as environment:
            await environment.start()
            return [await environment.step(reply) for reply in replies]

    return asyncio.run(episode())


@pytest.mark.parametrize(("difficulty", "index"), [("tiny", 0), ("tiny", 1), ("standard", 0), ("standard", 3)])
def test_dialogues_are_those_on_record(difficulty: str, index: int) -> None:
    played = oracle(tasks(4, difficulty=difficulty, seed=11)[index])
    told = "\n".join(f"[{m.role}{'' if m.train is None else ' ' + str(m.train)}]\n{m.content}" for m in played.messages)
    assert (played.stop, played.score.success) == (Stop.DONE, True)
    assert told + "\n" == (GOLDEN / f"{difficulty}-{index}.txt").read_text("utf-8")


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_expert_finishes_every_game_without_a_refused_reply(difficulty: str) -> None:
    for task in tasks(8, "test", difficulty=difficulty):
        played = oracle(task)
        assert played.stop is Stop.DONE
        assert all(step.valid for step in played.steps)
        assert played.score.metrics["refused_replies"] == 0
        assert played.score.metrics["played_to_the_end"] == 1
        assert played.turns in {2 * played.score.metrics["rounds"], 2 * played.score.metrics["rounds"] + 1}


def test_tiny_dialogues_are_short() -> None:
    for task in tasks(40, difficulty="tiny"):
        played = oracle(task)
        assert played.score.success
        assert 2 <= played.turns <= 4
        assert max(len(message.content) for message in played.messages[2:]) <= 200
        assert sum(len(message.content) for message in played.messages) < 1_500


def test_guess_and_move_take_turns_and_the_enemy_answers_in_between() -> None:
    guess, move, again = steps(ONE_LEFT, GUESS, AREA, GUESS)
    assert (guess.action, guess.valid, guess.done) == ("guess spray at 0", True, False)
    assert guess.observation.startswith("Move. Your guess: wrong\nState: {")
    assert (move.action, move.valid) == ("active spray", True)
    assert move.observation.startswith("Guess. Your last guess: wrong\n")
    assert "Enemy's last action: {" in move.observation
    assert again.observation.startswith("Move.")


def test_the_state_hides_what_the_enemy_hides() -> None:
    right = '{"guess_type": "eel", "target_position": "0"}'
    wrong, told = (step.observation.split("\n")[1] for step in (steps(ONE_LEFT, GUESS)[0], steps(ONE_LEFT, right)[0]))
    assert json.loads(wrong.removeprefix("State: ")) == {
        "You": [
            {"ID": "spray", "POSITION": "0", "HP": "400", "ATK": "200"},
            {"ID": "flame", "POSITION": "1", "HP": "400", "ATK": "200"},
        ],
        "Enemy": [
            {"ID": "unknown", "POSITION": "0", "HP": "60", "ATK": "unknown"},
            {"ID": "unknown", "POSITION": "1", "HP": "200", "ATK": "unknown"},
        ],
    }
    assert json.loads(told.removeprefix("State: "))["Enemy"] == [
        {"ID": "eel", "POSITION": "0", "HP": "10", "ATK": "unknown"},
        {"ID": "unknown", "POSITION": "1", "HP": "150", "ATK": "unknown"},
    ]


def test_counters_and_deflections_are_told_where_they_are_reported() -> None:
    strike = '{"pick_fish": "spray", "action": "normal", "target_position": "0"}'
    observation = steps(ONE_LEFT, GUESS, strike)[1].observation
    assert '"Position: 0": "Deflect and Counter"' in observation


def test_five_refused_guesses_are_no_guess() -> None:
    taken = steps(ONE_LEFT, "hm", "", "{}", "spray?", "no")
    assert [step.valid for step in taken] == [False] * 5
    assert [step.done for step in taken] == [False] * 5
    assert taken[0].observation == ("That reply cannot be played: it holds no JSON object in braces. Tries left: 4.")
    assert taken[3].observation.endswith("Tries left: 1.")
    assert (taken[4].action, taken[4].observation.split("\n")[0]) == ("no guess", "Move. Your guess: none")


def test_five_refused_moves_lose_the_game() -> None:
    played = play(ONE_LEFT, GUESS, "hm")
    assert (played.stop, played.turns, played.score.reward) == (Stop.FORMAT, 6, 0.0)
    assert played.score.metrics["played_to_the_end"] == 0.0
    assert played.score.metrics["refused_replies"] == 5.0


def test_tries_are_counted_anew_for_every_phase() -> None:
    played = play(
        ONE_LEFT, "hm", "hm", "hm", "hm", GUESS, "hm", "hm", "hm", "hm", AREA, "hm", "hm", "hm", "hm", GUESS, "hm"
    )
    assert played.turns == 20
    assert [step.valid for step in played.steps].count(True) == 3


def test_a_model_that_says_nothing_useful_loses_within_ten_replies() -> None:
    for task in tasks(4, "std"):
        played = play(task, "I do not know.")
        assert (played.stop, played.turns, played.score.success) == (Stop.FORMAT, 10, False)


def test_the_longest_game_fits_the_turn_limit() -> None:
    """Four refusals before every reply, and moves that help nobody: the game still ends by itself."""
    weak = '{"pick_fish": "flame", "action": "active", "target_position": "0"}'
    pairs = [[*["hm"] * 4, GUESS, *["hm"] * 4, weak] for _ in range(MAX_TURNS)]
    played = play(tasks(1, "std")[0], *(reply for pair in pairs for reply in pair))
    assert played.stop in {Stop.DONE, Stop.FORMAT}
    assert played.turns < MAX_TURNS


def test_a_win_scores_one_and_a_loss_its_damage_only() -> None:
    won = oracle(tasks(1, "std")[0])
    assert (won.score.reward, won.score.metrics["agentbench_v0_2"]) == (1.0, 1.0)
    assert (won.score.metrics["damage"], won.score.metrics["killed"]) == (1.0, 4.0)
    lost = play(ONE_LEFT, '{"guess_type": "eel", "target_position": "0"}', "hm")
    assert lost.score.metrics["damage"] == pytest.approx(100 / 260)
    assert lost.score.metrics["agentbench_v0_2"] == pytest.approx(0.3 * 100 / 260)
    assert lost.score.reward == 0.0


def test_an_unfinished_game_is_not_won() -> None:
    async def scored() -> float:
        environment = CardGame(ONE_LEFT)
        await environment.start()
        return (await environment.score()).reward

    assert asyncio.run(scored()) == 0.0


def test_in_the_second_seat_the_enemy_has_moved_before_the_first_question() -> None:
    first, second = (task for task in tasks(4)[:3:2])
    assert (first.first, second.first) == (True, False)
    openings = [asyncio.run(CardGame(task).start())[-1].content for task in (first, second)]
    assert "Enemy's last action: none" in openings[0]
    assert "Enemy's last action: {" in openings[1]


def test_the_opening_holds_instruction_acknowledgement_and_question() -> None:
    opening = asyncio.run(CardGame(tasks(1)[0]).start())
    assert [(m.role, m.train) for m in opening] == [("user", None), ("assistant", False), ("user", None)]
    assert opening[0].content == INSTRUCTION
    assert asyncio.run(CardGame(tasks(1, difficulty="tiny")[0]).start())[0].content == TINY_INSTRUCTION


def test_the_rules_as_told_are_the_rules_as_played() -> None:
    assert "keeps 70%, and its living teammates share 30%" in INSTRUCTION
    for number in ("400 HP", "200 ATK", "70 damage", "75 HP", "140 ATK", "35% of its ATK", "120 HP", "30 HP", "40 ATK"):
        assert number in INSTRUCTION


def test_the_benchmarks_sets_have_its_sizes_both_seats_and_fixed_seeds() -> None:
    assert CardGame.splits() == {"train": 20_000, "test": 1_000, "dev": 12, "std": 20, "ext": 200}
    for name, size in (("dev", 12), ("std", 20), ("ext", 200)):
        games = list(CardGame.load(name))
        assert len(games) == len({game.seed for game in games}) == size
        pairs = [(game.opponent, game.first) for game in games]
        assert {pairs.count(pair) for pair in pairs} == {size // 4}
        assert {game.opponent for game in games} == {"baseline1", "baseline2-2023"}
        assert games == list(CardGame.load(name, CardGameConfig(difficulty="hard", seed=5)))
        assert {(game.source, game.difficulty) for game in games} == {("agentbench-card-game", None)}


def test_opponents_can_be_named_and_stand_in_the_provenance() -> None:
    games = tasks(6, "ext", opponents=("baseline2",))
    assert {game.opponent for game in games} == {"baseline2"}
    played = play(games[0], "hm")
    assert played.provenance.environment_version == "card_game/1 against baseline2"
    assert oracle(tasks(1)[0]).provenance.environment_version == "card_game/1 against baseline1, baseline2"


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'exta'.*'ext'"):
        CardGame.load("exta")
    with pytest.raises(RecipeError, match="no official files"):
        CardGame.splits(CardGameConfig(official=tmp_path))


def test_the_check_reports_the_experts_rate_with_its_interval(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "card_game", "--split", "std", "--limit", "8", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    low, high = report["win_rate_ci"]
    assert report["oracle"]["n"] == 8
    assert low < report["oracle"]["success"] / 8 <= high
    assert report["failures"] == []


def test_a_person_can_finish_a_game(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Types bare JSON over several lines, blank lines in between, mistakes once, and wins."""
    said = [m.content.partition("Action: ")[2] for m in oracle(tasks(1, "dev")[0]).messages if m.train]
    typed = ["what do I do?", *(reply.replace(", ", ",\n") for reply in said)]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n" + "\n\n\n".join(typed) + "\n"))
    assert main(["play", "card_game", "--split", "dev"]) == 0
    shown = capsys.readouterr().out
    assert "Guess. Your last guess: none" in shown
    assert "That reply cannot be played: it holds no JSON object in braces. Tries left: 4." in shown
    assert "stop done, reward 1, success True" in shown

from __future__ import annotations

import asyncio
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agenttuning.core.records import Difficulty, Message, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.environments.held_in.alfworld import (
    ACKNOWLEDGEMENT,
    INSTRUCTION,
    Alfworld,
    AlfworldConfig,
    AlfworldTask,
    parse_action,
)
from agenttuning.environments.worlds.household.errand import read_errand
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from agenttuning.core.environment import Step
    from agenttuning.environments.worlds.household.game import Dialect

GOLDEN = Path(__file__).parents[1] / "golden" / "alfworld"


class Script:
    """Answers with the replies of an iterator."""

    name = "script"
    sampling = None

    def __init__(self, replies: Iterable[str]) -> None:
        self._replies = iter(replies)

    async def reply(self, messages: Sequence[Message]) -> Reply:
        return Reply(content=next(self._replies))


def play(task: AlfworldTask, replies: Iterable[str] | None = None) -> Trajectory:
    def player(environment: Alfworld, *, sample: int) -> Script:
        return Script(environment.oracle() if replies is None else replies)

    return asyncio.run(rollout(Alfworld(task), player))


def tasks(count: int, split: str = "train", **config: object) -> list[AlfworldTask]:
    return list(islice(Alfworld.load(split, AlfworldConfig(**config)), count))


def first(**config: object) -> AlfworldTask:
    return tasks(1, **config)[0]


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_oracle_wins_every_embedded_game_without_repair(difficulty: Difficulty, split: str) -> None:
    for task in tasks(36, split, difficulty=difficulty):
        played = play(task)
        assert (played.stop, played.score.reward, played.score.success) == (Stop.DONE, 1.0, True)
        assert all(step.valid for step in played.steps)
        assert played.turns <= (8 if difficulty == "tiny" else 35)


@pytest.mark.parametrize("difficulty", ["tiny", "standard"])
@pytest.mark.parametrize("index", [0, 1, 4, 5])
def test_dialogues_are_those_on_record(difficulty: Difficulty, index: int) -> None:
    played = play(tasks(6, difficulty=difficulty, seed=11)[index])
    told = "\n".join(f"[{m.role}{'' if m.train is None else ' ' + str(m.train)}]\n{m.content}" for m in played.messages)
    assert told + "\n" == (GOLDEN / f"{difficulty}-{index}.txt").read_text("utf-8")


def test_tiny_dialogues_are_short() -> None:
    lengths = [sum(len(m.content) for m in play(task).messages) for task in tasks(60, difficulty="tiny")]
    assert max(lengths) < 2_500
    assert sum(lengths) / len(lengths) < 1_500


def test_the_opening_holds_instruction_acknowledgement_and_room() -> None:
    opening = asyncio.run(Alfworld(first()).start())
    assert [(m.role, m.train) for m in opening] == [("user", None), ("assistant", False), ("user", None)]
    assert (opening[0].content, opening[1].content) == (INSTRUCTION, ACKNOWLEDGEMENT)
    room, task = opening[2].content.split("\n")
    assert room.startswith("Here is your task. You are in the middle of a room. Looking quickly around you, you see a ")
    assert task.startswith("Your task is to: ")


def test_the_instruction_names_the_commands_of_the_dialect() -> None:
    told = {
        dialect: asyncio.run(Alfworld(first(dialect=dialect)).start())[0].content
        for dialect in ("agentbench", "alfworld-0.4")
    }
    assert "put x in/on y" in told["agentbench"]
    assert "move x to y" in told["alfworld-0.4"]
    assert "put x" not in told["alfworld-0.4"]


def test_an_instruction_of_the_users_own_replaces_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("Mine.\n")
    assert asyncio.run(Alfworld(first(instruction=path)).start())[0].content == "Mine."
    with pytest.raises(DataError, match="cannot read the instruction"):
        first(instruction=tmp_path / "absent.txt")


@pytest.mark.parametrize("difficulty", ["tiny", "standard"])
def test_one_example_of_the_same_type_comes_before_the_task(difficulty: Difficulty) -> None:
    for task in tasks(6, difficulty=difficulty, shots=1):
        opening = asyncio.run(Alfworld(task).start())
        assert [message.role for message in opening] == ["user", "assistant"] * (len(opening) // 2) + ["user"]
        assert opening[2].content.startswith("Here is one example.\nYou are in the middle of a room.")
        assert opening[-1].content.startswith("Here is your task. ")
        assert not any(message.train for message in opening)
        shown = opening[2].content.split("Your task is to: ")[1].split("\n")[0]
        assert read_errand(shown).kind == task.game.kind
        assert play(task).score.success


def test_actions_are_listed_when_asked_for() -> None:
    assert first(difficulty="tiny").list_actions
    assert not first(difficulty="standard").list_actions
    opening = asyncio.run(Alfworld(first(list_actions=True)).start())[-1].content
    listed = opening.split("\nActions: ")[1].split(", ")
    assert listed
    assert all(action.startswith("go to ") for action in listed)
    assert "Actions:" not in asyncio.run(Alfworld(first(difficulty="tiny", list_actions=False)).start())[-1].content


@pytest.mark.parametrize(
    ("reply", "action"),
    [
        ("THOUGHT: hm\nACTION: go to desk 1", "go to desk 1"),
        ("THOUGHT: hm\n ACTION: Go To Desk 1 \n", "go to desk 1"),
        ("ACTION: look\nACTION: inventory", "look"),
        ("ACTION: one ACTION: two", "one action: two"),
        ("THOUGHT: ACTION: a\nACTION: b", "a"),
        ("Action: look", "action: look"),
        ("action: look\nmore", "action: look"),
        ("look", "look"),
        ("  look\naround", "look"),
        ("ACTION:", ""),
        ("ACTION:\nlook", ""),
        ("ACTION: \n\nTHOUGHT: x", ""),
        ("\n\n", ""),
        ("", ""),
        ("ACTION: a\rb", "a\rb"),
        ("THOUGHT: x\nACTION : look", "thought: x"),
    ],
)
def test_where_the_action_of_a_reply_is(reply: str, action: str) -> None:
    assert parse_action(reply) == action


def step(environment: Alfworld, reply: str) -> Step:
    return asyncio.run(environment.step(reply))


def test_a_near_miss_is_repaired_and_marked() -> None:
    environment = Alfworld(first())
    place = environment.task.game.receptacles[0].name
    taken = step(environment, f"ACTION: walk to {place}")
    assert (taken.action, taken.valid) == (f"go to {place}", False)
    assert not taken.observation.startswith("You arrive at loc")
    assert place in taken.observation


def test_nonsense_does_nothing() -> None:
    environment = Alfworld(first())
    taken = step(environment, "ACTION: zzz")
    assert (taken.observation, taken.action, taken.valid, taken.done) == ("Nothing happens.", "zzz", False, False)


def test_what_is_right_is_valid() -> None:
    taken = step(Alfworld(first()), "THOUGHT: where am I\nACTION: LOOK")
    assert (taken.action, taken.valid) == ("look", True)


def test_three_identical_replies_end_the_episode_from_the_fourth_step_on() -> None:
    played = play(first(), ["ACTION: look"] * 9)
    assert (played.stop, played.turns, played.score.success) == (Stop.REPEAT, 4, False)
    assert played.messages[-1].role == "assistant"
    played = play(first(), ["ACTION: inventory"] * 2 + ["ACTION: look", "look"] + ["ACTION: look"] * 9)
    assert (played.stop, played.turns) == (Stop.REPEAT, 7)


def test_repetition_is_judged_before_victory() -> None:
    """The third identical reply wins the game, and yet the episode has failed."""
    task = first(difficulty="tiny")
    replies = list(islice_commands(task))
    last = replies.pop()
    environment = Alfworld(task)
    for reply in replies:
        step(environment, reply)
    for _ in range(2):
        environment._replies.append(last)
    ended = step(environment, last)
    assert (ended.done, ended.stop) == (True, Stop.REPEAT)
    assert asyncio.run(environment.score()).reward == 0.0


def islice_commands(task: AlfworldTask) -> list[str]:
    played = play(task)
    return [message.content for message in played.messages if message.role == "assistant"][1:]


def test_35_turns_are_the_limit() -> None:
    played = play(first(), (f"ACTION: {('look', 'inventory')[turn % 2]}" for turn in range(99)))
    assert (played.stop, played.turns, played.score.reward) == (Stop.TURNS, 35, 0.0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(max_size=30) | st.sampled_from(["ACTION: look", "ACTION:", "ACTION: go to", "\x00" * 999]), max_size=8
    )
)
def test_no_reply_raises_or_scores(replies: list[str]) -> None:
    environment = Alfworld(NOISE_TASK)
    for reply in replies:
        taken = step(environment, reply)
        assert isinstance(taken.observation, str)
        if taken.done:
            break
    assert asyncio.run(environment.score()).reward == 0.0


NOISE_TASK = first(seed=4)


def test_a_very_long_reply_is_answered_in_time() -> None:
    assert step(Alfworld(first()), "go to cabinet " * 200_000).valid is False


def test_two_episodes_of_one_task_share_nothing() -> None:
    task = first(difficulty="tiny")
    one, other = Alfworld(task), Alfworld(task)
    for reply in islice_commands(task):
        step(one, reply)
    assert asyncio.run(one.score()).success
    assert not asyncio.run(other.score()).success


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_a_task_survives_json(difficulty: Difficulty) -> None:
    task = first(difficulty=difficulty)
    assert AlfworldTask.model_validate_json(task.model_dump_json(exclude_defaults=True)) == task


def test_splits_are_lazy_and_large() -> None:
    assert Alfworld.splits() == {"train": 20_000, "test": 1_000}
    assert next(iter(Alfworld.load("test"))).id == "test-standard-0-0"
    with pytest.raises(DataError, match="no split 'valid'"):
        Alfworld.load("valid")


def test_the_walkthrough_expert_needs_a_walkthrough() -> None:
    assert Alfworld(first(expert="walkthrough")).oracle() is None


@pytest.mark.parametrize("expert", ["walkthrough", "explore"])
@pytest.mark.parametrize("dialect", ["agentbench", "alfworld-0.4", "auto"])
def test_official_dev_games_through_the_whole_protocol(
    official_data: Callable[[str], Path], expert: str, dialect: Dialect
) -> None:
    config = AlfworldConfig(official=official_data("alfworld"), expert=expert, dialect=dialect)
    assert Alfworld.splits(config)["dev"] == 20
    played = [play(task) for task in Alfworld.load("dev", config)]
    assert len(played) == 20
    assert all(episode.score.success and episode.stop is Stop.DONE for episode in played)
    assert all(step.valid for episode in played for step in episode.steps)
    assert {episode.provenance.source for episode in played} == {"alfworld-official"}
    assert {episode.provenance.difficulty for episode in played} == {None}
    assert {episode.instance for episode in played} >= {"floor plan 10", "floor plan 308"}
    actions = [step.action for episode in played for step in episode.steps]
    assert any(action.startswith("put " if dialect == "agentbench" else "move ") for action in actions)
    arrivals = [m.content for episode in played for m in episode.messages if m.content.startswith("You arrive at ")]
    assert bool(arrivals) is (dialect != "agentbench")


def test_the_world_is_found_by_its_id() -> None:
    assert load_environment("alfworld") is Alfworld

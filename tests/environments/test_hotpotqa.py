"""The HotpotQA environment: actions, both forms of the dialogue, reward, oracles, backends."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.environments.playing import Script, play

from agenttuning.analysis.scores import world_score
from agenttuning.core.environment import Environment
from agenttuning.core.records import Difficulty, Stop, Task, Trajectory
from agenttuning.core.rollout import rollout, rollouts
from agenttuning.environments import load_environment
from agenttuning.environments.held_out.hotpotqa import MAX_STEPS, HotpotQA, HotpotQAConfig, HotpotQATask
from agenttuning.environments.worlds.wiki.backend import Page
from agenttuning.environments.worlds.wiki.encyclopaedia import open_volume
from agenttuning.environments.worlds.wiki.explorer import INVALID, NO_PAGE
from agenttuning.environments.worlds.wiki.opening import GeneratedVolume, generated
from agenttuning.environments.worlds.wiki.questions import Support
from agenttuning.environments.worlds.wiki.recording import RecordingWiki
from agenttuning.errors import DataError, RecipeError

GOLDEN = Path(__file__).parents[1] / "golden" / "hotpotqa.json"
VOLUME = GeneratedVolume(difficulty="tiny", seed=0, test=True, number=0)
TITLE = "Nina Bell"
TASK = HotpotQATask(
    id="q",
    question="Where was Nina Bell born?",
    answer="Green Port",
    kind="bridge",
    supports=(Support(title=TITLE, paragraph=1),),
    wiki=generated(VOLUME),
)
QUESTION = {
    "question": "Which fjord does the capital of Norway lie on?",
    "answer": "Oslofjord",
    "type": "bridge",
    "supporting_facts": [["Norway", 0], ["Oslo", 1]],
    "context": [
        ["Norway", ["Norway is a land.", " Its capital is Oslo."]],
        ["Oslo", ["Oslo is a city.", " It lies on the Oslofjord."]],
    ],
}


def _oracle(environment: Environment[Task], *, sample: int) -> Script:
    replies = environment.oracle()
    assert isinstance(replies, Iterator)
    return Script(replies)


def _official(tmp_path: Path, *entries: dict[str, object]) -> Path:
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(json.dumps(entry) for entry in entries))
    return file


def _observations(task: HotpotQATask, *replies: str) -> list[str]:
    played = play(HotpotQA(task), *replies)
    assert played.failure is None
    return [message.content for message in played.messages[3:] if message.role == "user"]


@pytest.mark.parametrize(
    ("reply", "action", "valid"),
    [
        ("Thought: x\nAction: Search[Nina Bell]", "Search[Nina Bell]", True),
        ("Action: Search[Nina Bell]  ", "Search[Nina Bell]", True),
        ("Thought 1: x\nAction 1: Search[Nina Bell]\nObservation 1: y\nAction 2: Finish[z]", "Search[Nina Bell]", True),
        ("  Action:Search[Nina Bell]", "Search[Nina Bell]", True),
        ("Action: Search[Nina Bell].", "Search[Nina Bell]", False),
        ("I think so.\nSearch[Nina Bell]", "Search[Nina Bell]", False),
        ("Action: search[Nina Bell]", "search[Nina Bell]", False),
        ("Action: Open[Nina Bell]", "Open[Nina Bell]", False),
        ("Search Nina Bell", "Search Nina Bell", False),
        ("Action:\nSearch[Nina Bell]", "", False),
        ("", "", False),
    ],
)
def test_the_first_action_line_counts(reply: str, action: str, valid: bool) -> None:
    played = play(HotpotQA(TASK), reply, "Action: Finish[x]")
    assert (played.steps[0].action, played.steps[0].valid) == (action, valid)
    told = played.messages[4].content
    assert told.startswith("Nina Bell is") if action.startswith("Search[") else told == INVALID


@pytest.mark.parametrize(
    ("answer", "reward", "success"),
    [("Green Port", 1.0, True), ("the green port.", 1.0, True), ("Port", 2 / 3, False), ("Oslo", 0.0, False)],
)
def test_f1_is_the_reward_and_exact_match_the_success(answer: str, reward: float, success: bool) -> None:
    score = play(HotpotQA(TASK), f"Action: Finish[{answer}]").score
    assert (score.reward, score.success) == (pytest.approx(reward), success)
    assert score.metrics == {"em": float(success), "f1": score.reward}


def test_an_episode_is_stored_as_the_model_saw_it() -> None:
    task = TASK.model_copy(update={"instruction": "Use the pages."})
    finish = "Thought: There.\nAction: Finish[Green Port]"
    played = play(HotpotQA(task), "Action: Search[Nina Bell]", "Action: Lookup[BORN]", finish)
    page = open_volume("tiny", seed=0, test=True, number=0).wiki.find(TITLE)
    assert isinstance(page, Page)
    assert [(message.role, message.content, message.train) for message in played.messages] == [
        ("user", "Use the pages.", None),
        ("assistant", "Ok.", False),
        ("user", "Where was Nina Bell born?", None),
        ("assistant", "Action: Search[Nina Bell]", True),
        ("user", page.summary, None),
        ("assistant", "Action: Lookup[BORN]", True),
        ("user", "(Result 1/1) Born in Green Port.", None),
        ("assistant", finish, True),
    ]
    assert (played.stop, played.provenance.environment_version) == (Stop.DONE, "hotpotqa/1 generated-1, chat")


def test_what_is_no_page_gives_similar_titles_and_no_lookup() -> None:
    told = _observations(TASK, "Action: Lookup[born]", "Action: Search[Bell]", "Action: Lookup[born]")
    assert told[0] == told[2] == NO_PAGE
    assert told[1].startswith("Could not find [Bell]. Similar: ['")
    assert "Nina Bell" in told[1]


def test_ten_steps_without_an_answer_score_nothing() -> None:
    played = play(HotpotQA(TASK), "Action: Search[Nina Bell]")
    assert (played.stop, played.turns, played.score.reward) == (Stop.TURNS, MAX_STEPS, 0.0)
    assert play(HotpotQA(TASK), *["x"] * 9, "Action: Finish[Green Port]").score.success


def test_in_the_form_of_2023_every_call_sees_one_growing_prompt() -> None:
    task = TASK.model_copy(update={"profile": "completion-2023", "instruction": "Answer."})
    replies = ["I search.\nAction 1: Finish[x]", " Search[Nina Bell]\n", "", "Finish[Green Port] or so"]
    played = play(HotpotQA(task), *replies)
    assert [message.role for message in played.messages] == ["user", "assistant"] * 4
    prompts = [message.content for message in played.messages[::2]]
    assert prompts[0].startswith("Answer.\nHere are some examples:\nQuestion: ")
    assert prompts[0].endswith("\n(END OF EXAMPLES)\nQuestion: Where was Nina Bell born?\nThought 1:")
    assert prompts[1] == f"{prompts[0]} I search.\nAction 1:"
    assert prompts[2].startswith(f"{prompts[1]} Search[Nina Bell]\nObservation 1: Nina Bell is")
    assert prompts[2].endswith(".\nThought 2:")
    assert prompts[3] == f"{prompts[2]} \nAction 2:"
    said = [message.content for message in played.messages[1::2]]
    assert said == ["I search.", "Search[Nina Bell]", "", "Finish[Green Port] or so"]
    assert played.restarts == (2, 4, 6)
    assert [step.action for step in played.steps] == ["Thought", "Search[Nina Bell]", "Thought", "Finish[Green Port]"]
    assert [step.valid for step in played.steps] == [True, True, True, False]
    assert played.score.success
    assert played.provenance.environment_version == "hotpotqa/1 generated-1, completion-2023"


def test_in_the_form_of_2023_ten_steps_are_twenty_calls() -> None:
    task = TASK.model_copy(update={"profile": "completion-2023"})
    played = play(HotpotQA(task), "Search[x]")
    assert (played.stop, played.turns, played.score.reward) == (Stop.TURNS, 2 * MAX_STEPS, 0.0)


def test_in_the_form_of_2023_a_prompt_beyond_the_limit_ends_the_episode() -> None:
    task = TASK.model_copy(update={"profile": "completion-2023"})
    played = play(HotpotQA(task), "a, b; c. " * 400, "Search[Nina Bell]", "so", "Finish[Green Port]")
    assert (played.stop, played.turns, played.score.reward) == (Stop.CONTEXT, 2, 0.0)


@pytest.mark.parametrize("profile", ["chat", "completion-2023"])
@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_the_oracle_solves_every_generated_task(difficulty: Difficulty, profile: str) -> None:
    config = HotpotQAConfig.model_validate({"difficulty": difficulty, "profile": profile, "seed": 3})
    for split in ("train", "test"):
        for task in islice(HotpotQA.load(split, config), 40):
            played = asyncio.run(rollout(HotpotQA(task), _oracle))
            assert (played.score.reward, played.score.success, played.stop) == (1.0, True, Stop.DONE), played
            assert all(step.valid for step in played.steps)


def test_tiny_tasks_are_short() -> None:
    for task in islice(HotpotQA.load("train", HotpotQAConfig(difficulty="tiny")), 200):
        played = asyncio.run(rollout(HotpotQA(task), _oracle))
        assert 3 <= played.turns <= 5
        assert sum(len(message.content) for message in played.messages) < 1400
        assert all(len(message.content) <= 200 for message in played.messages if message.role == "user")


@pytest.mark.parametrize("profile", ["chat", "completion-2023"])
def test_runs_are_byte_identical_at_any_concurrency(profile: str) -> None:
    config = HotpotQAConfig.model_validate({"difficulty": "hard", "profile": profile})
    tasks = list(islice(HotpotQA.load("test", config), 12))

    async def run(concurrency: int) -> list[str]:
        entries = ((HotpotQA(task), "test", 0) for task in tasks)
        return sorted([one.model_dump_json() async for one in rollouts(entries, _oracle, concurrency=concurrency)])

    first = asyncio.run(run(1))
    open_volume.cache_clear()
    assert first == asyncio.run(run(4)) == asyncio.run(run(1))


def test_a_file_of_ones_own_is_played_on_its_own_pages(tmp_path: Path) -> None:
    config = HotpotQAConfig(official=_official(tmp_path, QUESTION, {**QUESTION, "level": "easy"}))
    assert HotpotQA.splits(config) == {"test": 2}
    tasks = list(HotpotQA.load("test", config))
    assert [(task.id, task.category, task.never_train) for task in tasks] == [
        ("test-0", None, True),
        ("test-1", "easy", True),
    ]
    played = asyncio.run(rollout(HotpotQA(tasks[0]), _oracle))
    assert played.score.success
    assert [step.action for step in played.steps] == [
        *("Search[Norway]", "Lookup[norway]", "Search[Oslo]", "Lookup[oslofjord]", "Finish[Oslofjord]")
    ]
    assert played.provenance.environment_version.startswith("hotpotqa/1 corpus mine ")


def test_the_searching_oracle_uses_what_it_was_shown_and_fails_where_that_is_not_enough(tmp_path: Path) -> None:
    hidden = {**QUESTION, "question": "Zzz?", "supporting_facts": [["Norway", 0], ["Nowhere", 0]]}
    config = HotpotQAConfig(official=_official(tmp_path, QUESTION, hidden), oracle="search")
    found, lost = (asyncio.run(rollout(HotpotQA(task), _oracle)) for task in HotpotQA.load("test", config))
    assert [step.action for step in found.steps] == ["Search[Norway]", "Search[Oslo]", "Finish[Oslofjord]"]
    assert found.score.success
    assert (lost.score.reward, lost.stop, lost.steps[-1].action) == (0.0, Stop.DONE, "Finish[noanswer]")


def test_questions_without_supporting_facts_have_no_oracle(tmp_path: Path) -> None:
    file = _official(tmp_path, {**QUESTION, "supporting_facts": []})
    (task,) = HotpotQA.load("test", HotpotQAConfig(official=file))
    assert HotpotQA(task).oracle() is None


def test_another_corpus_and_a_train_file(tmp_path: Path) -> None:
    pages = tmp_path / "wiki.jsonl"
    pages.write_text(json.dumps({"title": "Oslo", "text": "Somewhere else."}))
    file = tmp_path / "hotpot_train_v1.1.json"
    file.write_text(json.dumps([{**QUESTION, "_id": "x"}]))
    (task,) = HotpotQA.load("train", HotpotQAConfig(official=file, corpus=pages))
    assert (task.id, task.never_train) == ("train-x", False)
    played = asyncio.run(rollout(HotpotQA(task), _oracle))
    assert played.messages[4].content == "Could not find [Norway]. Similar: []"
    assert played.score.success
    assert " corpus wiki " in played.provenance.environment_version


def test_a_recorded_run_is_replayed_bit_by_bit_and_names_its_recording(tmp_path: Path) -> None:
    class Live:
        name = "live en.wikipedia.org"

        async def search(self, entity: str) -> Page:
            return Page(title=entity, paragraphs=(f"{entity} is a place.",), revision=len(entity))

        async def close(self) -> None:
            return None

    async def record() -> None:
        wiki = RecordingWiki(Live(), tmp_path / "run.sqlite")
        for title in ("Norway", "Oslo"):
            await wiki.search(title)
        await wiki.close()

    asyncio.run(record())
    config = HotpotQAConfig(official=_official(tmp_path, QUESTION), backend="replay", recording=tmp_path / "run.sqlite")
    (task,) = HotpotQA.load("test", config)
    plays = [asyncio.run(rollout(HotpotQA(task), _oracle)) for _ in range(2)]
    assert plays[0] == plays[1]
    assert plays[0].messages[4].content == "Norway is a place."
    assert plays[0].provenance.environment_version.startswith("hotpotqa/1 replay of en.wikipedia.org ")
    unknown = play(HotpotQA(task), "Action: Search[Bergen]")
    assert unknown.failure is not None
    assert "holds no search for 'Bergen'" in unknown.failure.message


@pytest.mark.parametrize(
    ("given_settings", "told"),
    [
        ({"backend": "live"}, "generated questions are about generated pages"),
        ({"corpus": "x.jsonl"}, "generated questions are about generated pages"),
        ({"official": "FILE", "backend": "live"}, "set contact"),
        ({"official": "FILE", "backend": "replay"}, "name its file as `recording`"),
    ],
)
def test_settings_that_do_not_go_together_are_told(given_settings: dict[str, str], told: str, tmp_path: Path) -> None:
    file = str(_official(tmp_path, QUESTION))
    config = HotpotQAConfig.model_validate(
        {name: file if value == "FILE" else value for name, value in given_settings.items()}
    )
    with pytest.raises(RecipeError, match=told):
        HotpotQA.load("test", config)


def test_an_unknown_split_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no split 'tset' \(did you mean 'test'\?\); known: train, test"):
        HotpotQA.load("tset")
    with pytest.raises(DataError, match=r"no split 'train' at .*; found: test"):
        HotpotQA.load("train", HotpotQAConfig(official=_official(tmp_path, QUESTION)))


@settings(max_examples=80, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(max_size=40).map(lambda text: f"Action: Search[{text}]"),
        st.text(max_size=40).map(lambda text: f"Action: Lookup[{text}]"),
        st.sampled_from(["\ud800", "\x00" * 50, "x" * 900_000, "[" * 90_000, "\n" * 90_000, "A[" * 50_000]).map(
            lambda text: f"Action: Search[{text}]"
        ),
    ),
    st.sampled_from(["chat", "completion-2023"]),
)
def test_noise_never_raises_and_never_wins(reply: str, profile: str) -> None:
    played = play(HotpotQA(TASK.model_copy(update={"profile": profile})), reply, "Action: Search[Nina Bell]", reply)
    assert played.failure is None
    assert played.score.reward == 0.0


def test_opening_messages_and_observations_stay_as_recorded() -> None:
    """Golden: a changed line here changes what every number of this environment means; raise `version` with it."""
    recorded = {}
    for difficulty in ("tiny", "standard", "hard"):
        for profile in ("chat", "completion-2023"):
            config = HotpotQAConfig.model_validate({"difficulty": difficulty, "seed": 11, "profile": profile})
            task = next(iter(HotpotQA.load("test", config)))
            played = asyncio.run(rollout(HotpotQA(task), _oracle))
            shown = played.messages if profile == "chat" else played.messages[-2:]
            recorded[f"{difficulty}/{profile}"] = [message.content for message in shown]
    assert recorded == json.loads(GOLDEN.read_text())


async def _play_all(tasks: list[HotpotQATask], *, concurrency: int) -> list[Trajectory]:
    entries = ((HotpotQA(task), "test", 0) for task in tasks)
    return [one async for one in rollouts(entries, _oracle, concurrency=concurrency)]


def test_all_official_questions_are_won_and_most_are_reachable_by_search(official_data: Callable[[str], Path]) -> None:
    folder = official_data("hotpotqa")
    tasks = {
        oracle: list(HotpotQA.load("test", HotpotQAConfig.model_validate({"official": folder, "oracle": oracle})))
        for oracle in ("gold", "search")
    }
    gold = asyncio.run(_play_all(tasks["gold"], concurrency=4))
    score = world_score(gold)
    assert (score.n, score.reward, score.success, score.reward_by_category) == (300, 1.0, 1.0, 1.0)
    assert all(one.never_train for one in gold)
    assert score.made_by.environment_version == "hotpotqa/1 corpus agenttuning_300_distractor 07709db5, chat"
    assert Counter(one.category for one in gold) == {"easy": 100, "medium": 100, "hard": 100}
    again = asyncio.run(_play_all(tasks["gold"][:40], concurrency=1))
    by_task = {one.task: one for one in gold}
    assert all(one.model_dump_json() == by_task[one.task].model_dump_json() for one in again)
    searched = asyncio.run(_play_all(tasks["search"], concurrency=4))
    assert sum(one.score.success for one in searched) == 287
    assert max(one.turns for one in searched) <= MAX_STEPS
    for one in searched:
        _require_that_searches_were_shown(one)


def _require_that_searches_were_shown(trajectory: Trajectory) -> None:
    shown = ""
    for message in trajectory.messages[2:]:
        if message.role == "user":
            shown += f" {' '.join(message.content.casefold().split())}"
            continue
        _, name, query = message.content.partition("Action: Search[")
        assert not name or " ".join(query[:-1].casefold().split()) in shown.replace("\\'", "'"), message


def test_tasks_survive_json() -> None:
    for task in islice(HotpotQA.load("train", HotpotQAConfig(difficulty="hard")), 5):
        assert HotpotQATask.model_validate_json(task.model_dump_json()) == task


def test_it_is_found_by_its_id() -> None:
    assert load_environment("hotpotqa") is HotpotQA
    assert HotpotQA.splits() == {"train": 20_000, "test": 1_000}

"""The MiniWoB++ environment: protocol, stops, scores, sources."""

import asyncio
import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from agenttuning.core.records import Difficulty, Message, Reply, Stop, Trajectory
from agenttuning.core.rollout import rollout
from agenttuning.environments import load_environment
from agenttuning.environments.held_out.miniwob import UNCHANGED, Miniwob, MiniwobConfig, MiniwobTask
from agenttuning.environments.worlds.forms.scene import Goal, Scene
from agenttuning.errors import DataError
from agenttuning.policies.oracle import oracle_player

GOLDEN = Path(__file__).parents[1] / "golden" / "miniwob.json"
FORM = Scene(
    kind="enter-text",
    utterance='Enter "plum" into the text field.',
    html='<div id="wrap"><input id="text" type="text"><button>Submit</button></div>',
    goal=Goal(button="Submit", texts=(("text", "plum"),)),
)
TASK = MiniwobTask(id="form", page="enter-text", scene=FORM)
FOCUS = "Thought: x\nAction: clickxpath //input"
SUBMIT = "Action: clickxpath //button"


class _Script:
    """Says prepared replies, the last one again and again."""

    name = "script"
    sampling = None

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)

    async def reply(self, messages: tuple[Message, ...]) -> Reply:
        return Reply(content=self.replies.pop(0) if len(self.replies) > 1 else self.replies[0])


def _play(*replies: str) -> Trajectory:
    return asyncio.run(rollout(Miniwob(TASK), lambda _environment, *, sample: _Script(*replies)))


def test_a_form_is_filled_and_won() -> None:
    played = _play(FOCUS, "Action: type plum", SUBMIT)
    assert (played.score.reward, played.stop) == (1, Stop.DONE)
    assert played.score.metrics == {"raw_reward": 1, "paper_success": 1}
    assert played.messages[2].content == f"Task: {FORM.utterance}\nPage:\n{FORM.html}"
    assert [step.action for step in played.steps] == ["clickxpath //input", "type plum", "clickxpath //button"]


def test_text_without_focus_is_lost() -> None:
    played = _play("Action: type plum", SUBMIT)
    assert (played.score.reward, played.score.metrics["raw_reward"], played.stop) == (0, -1, Stop.DONE)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("clickxpath //nothing", "No element matches"),
        ("clickxpath //[", "no xpath of elements"),
        ("clickoption //button", "takes a clickoption"),
        ("clickxpath //a[b[c[d[e]]]]", "nested deeper"),
        ("movemouse //button", ""),
        ("press enter", ""),
    ],
)
def test_an_impossible_action_is_an_observation(action: str, told: str) -> None:
    played = _play(f"Action: {action}", FOCUS, "Action: type plum", SUBMIT)
    assert told in played.messages[4].content
    assert played.messages[4].content.endswith(UNCHANGED)
    assert played.score.reward == 1


def test_three_repairs_are_allowed_in_a_row() -> None:
    allowed = _play("what?", "huh", "", FOCUS, "no", "no", "no", "Action: type plum", SUBMIT)
    assert (allowed.score.reward, [step.valid for step in allowed.steps].count(False)) == (1, 6)
    refused = _play("what?", "huh", "", "click", FOCUS)
    assert (refused.stop, refused.turns, refused.score.reward) == (Stop.FORMAT, 4, 0)


def test_an_episode_ends_after_thirty_turns() -> None:
    played = _play(FOCUS)
    assert (played.stop, played.turns, played.score.reward) == (Stop.TURNS, 30, 0)


@pytest.mark.parametrize("difficulty", ["tiny", "standard", "hard"])
def test_dialogues_are_the_golden_ones(difficulty: Difficulty) -> None:
    """Regenerate with `python tests/environments/test_miniwob.py` after a change that is meant."""
    assert _dialogues(difficulty) == json.loads(GOLDEN.read_text())[difficulty]


def _dialogues(difficulty: Difficulty) -> list[list[str]]:
    tasks = islice(Miniwob.load("train", MiniwobConfig(difficulty=difficulty)), 6)
    played = [asyncio.run(rollout(Miniwob(task), oracle_player)) for task in tasks]
    return [[message.content for message in one.messages[2:]] for one in played]


def test_tiny_dialogues_are_short() -> None:
    for task in islice(Miniwob.load("train", MiniwobConfig(difficulty="tiny")), 40):
        played = asyncio.run(rollout(Miniwob(task), oracle_player))
        assert 2 <= played.turns <= 5
        assert sum(len(message.content) for message in played.messages) < 1_200
        assert max(len(message.content) for message in played.messages) < 300


def test_unknown_splits_and_folders_without_pages_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'tset'.*did you mean 'test'"):
        Miniwob.load("tset")
    with pytest.raises(DataError, match="46 pages"):
        next(iter(Miniwob.load("test", MiniwobConfig(official=tmp_path))))


def test_the_base_install_lists_it_and_says_what_playing_needs() -> None:
    script = """
import sys
sys.modules["lxml"] = None
from agenttuning.cli import main
assert main(["environments", "--json"]) == 0
main(["check", "miniwob", "--limit", "1"])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    listed = {row["id"]: row for row in json.loads(done.stdout.splitlines()[0])}
    assert listed["miniwob"]["oracle"]
    assert "pip install 'agenttuning[web]'" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_number_says_what_made_it() -> None:
    assert Miniwob(TASK).variant() == "forms"
    page = MiniwobTask(id="p", page="click-test", backend="chromium", pages="stock")
    assert Miniwob(page).variant() == "chromium, stock pages, data mode train"
    assert load_environment("miniwob").extra == "web"


if __name__ == "__main__":
    names: tuple[Difficulty, ...] = ("tiny", "standard", "hard")
    GOLDEN.write_text(json.dumps({name: _dialogues(name) for name in names}, indent=1) + "\n")

from __future__ import annotations

import asyncio
import json
import os
import tarfile
from itertools import product
from typing import TYPE_CHECKING

import pytest
from tests.pipeline.general_tests import files

from agenttuning.analysis.overall import read_published
from agenttuning.analysis.scores import score_worlds
from agenttuning.core.records import Message, Reply, Sampling, Trajectory, Usage
from agenttuning.core.store import read_records
from agenttuning.errors import RecipeError
from agenttuning.models.load import resolve_model
from agenttuning.pipeline.general_tests.bridge import Bridge
from agenttuning.pipeline.general_tests.play import ServedAnswering, play_general
from agenttuning.pipeline.general_tests.settings import GeneralTests
from agenttuning.pipeline.general_tests.tasks import write_tasks
from agenttuning.policies import LocalConfig, OpenAIConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytest.importorskip("lm_eval")
TINY = LocalConfig(model="tiny-base", dtype="float64")
SHORT = Sampling(max_new_tokens=4)


def settings(folder: Path) -> GeneralTests:
    return GeneralTests(
        mmlu=files.mmlu(folder / "mmlu"), gsm8k=files.gsm8k(folder / "gsm8k"), humaneval=files.humaneval(folder / "he")
    )


def play(config: GeneralTests, path: Path) -> list[Trajectory]:
    asyncio.run(play_general(config, TINY, path, label="test", seed=0))
    return list(read_records(path, Trajectory))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[GeneralTests, Path]:
    folder = tmp_path_factory.mktemp("general")
    config = settings(folder).model_copy(update={"protocols": ("chat", "completion")})
    play(config, folder / "tiny.jsonl")
    return config, folder / "tiny.jsonl"


def test_every_item_is_a_trajectory_of_its_own_cell(played: tuple[GeneralTests, Path]) -> None:
    cells = score_worlds(read_records(played[1], Trajectory))
    assert {name: cell.n for name, cell in cells.items()} == {
        "gsm8k": 4,
        "gsm8k-completion": 4,
        "humaneval": 3,
        "humaneval-completion": 3,
        "mmlu": 5,
        "mmlu-completion": 5,
    }
    assert set(cells["gsm8k"].metrics) == {"flexible", "strict", "paper"}
    assert cells["mmlu"].reward_by_category is not None
    assert cells["mmlu"].made_by.source.startswith("mmlu-official ")
    assert cells["mmlu"].made_by.prompt != cells["mmlu-completion"].made_by.prompt
    assert set(read_published().measured(cells)) == {"mmlu", "gsm8k", "humaneval"}


def test_the_trajectory_shows_what_was_asked_and_answered(played: tuple[GeneralTests, Path]) -> None:
    by_test = {held.environment: held for held in read_records(played[1], Trajectory)}
    choice, problem = by_test["mmlu"], by_test["gsm8k"]
    assert [message.role for message in choice.messages[:3]] == ["system", "user", "assistant"]
    assert len(choice.messages) == 1 + 2 * 5 + 2
    assert choice.messages[-1].content[:-1] == "Answer: "
    assert [message.train for message in choice.messages if message.role == "assistant"] == [False] * 5 + [True]
    assert problem.messages[2].content.endswith("The answer is 5997.")
    assert len(by_test["mmlu-completion"].messages) == 2
    assert all(held.never_train for held in by_test.values())


def test_what_is_finished_is_not_asked_again(played: tuple[GeneralTests, Path], tmp_path: Path) -> None:
    config, done = played
    path = tmp_path / "tiny.jsonl"
    lines = done.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]) + lines[-3][:40])
    assert sorted(held.model_dump_json() for held in play(config, path)) == sorted(
        held.model_dump_json() for held in read_records(done, Trajectory)
    )


def test_a_limit_takes_the_first_items(played: tuple[GeneralTests, Path], tmp_path: Path) -> None:
    config = played[0].model_copy(update={"limit": 1, "protocols": ("completion",), "mmlu": None})
    assert [held.task for held in play(config, tmp_path / "x.jsonl")] == ["test-0", "HumanEval/0"]


def agreeing(config: GeneralTests, path: Path, folder: Path) -> int:
    """Let plain lm-eval ask the YAML that was written, with its Hugging Face class; return how many items agree."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
    ours = {(held.environment, held.task): held for held in read_records(path, Trajectory)}
    model = HFLM(pretrained=str(resolve_model("tiny-base")), dtype="float64", device="cpu", batch_size=1)
    compared = 0
    for name, protocol in product(("mmlu", "gsm8k"), config.protocols):
        inner = folder / f"{name}-{protocol}"
        tasks = write_tasks(name, protocol, getattr(config, name), inner)  # type: ignore[arg-type]
        found = simple_evaluate(
            model=model,
            tasks=[task.name for task in tasks],
            task_manager=TaskManager(include_path=str(inner), include_defaults=False),
            apply_chat_template=protocol == "chat",
            fewshot_as_multiturn=True,
            bootstrap_iters=0,
            limit=config.limit,
        )
        assert found
        for task in tasks:
            for sample in found["samples"][task.name]:
                mine = ours[task.test, task.items[sample["doc_id"]]]
                if name == "mmlu":
                    assert mine.score.reward == sample["acc"]
                else:
                    assert mine.messages[-1].content.strip() == sample["resps"][0][0].strip()
                compared += 1
    return compared


def test_lm_evals_own_model_class_says_the_same(played: tuple[GeneralTests, Path], tmp_path: Path) -> None:
    assert agreeing(*played, tmp_path) == 18


def test_it_says_the_same_of_official_items(tmp_path: Path, official_data: Callable[[str], Path]) -> None:
    with tarfile.open(official_data("mmlu") / "mmlu.tar.xz") as archive:
        archive.extractall(tmp_path, [one for one in archive if "marketing" in one.name], filter="data")
    config = GeneralTests(mmlu=tmp_path, gsm8k=official_data("gsm8k"), limit=3)
    play(config, tmp_path / "tiny.jsonl")
    assert agreeing(config, tmp_path / "tiny.jsonl", tmp_path) == 6


class Model:
    """Says what it is told to."""

    name = "stub"

    def __init__(self, text: str) -> None:
        self._text = text
        self.asked: list[Sequence[Message]] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.asked.append(messages)
        return Reply(content=self._text, usage=Usage())


def test_a_served_answer_ends_at_the_stop_string() -> None:
    served = ServedAnswering(Model("It is 7.\nQuestion: and now?"))
    said = asyncio.run(served.chat([Message(role="user", content="?")], sampling=SHORT, stop=("Question:",)))
    assert said == "It is 7.\n"


def test_a_served_model_is_not_asked_to_complete(tmp_path: Path) -> None:
    config = settings(tmp_path).model_copy(update={"protocols": ("completion",)})
    endpoint = OpenAIConfig(model="m", base_url="http://127.0.0.1:9")
    with pytest.raises(RecipeError, match='policy = "local"'):
        asyncio.run(play_general(config, endpoint, tmp_path / "x.jsonl", label="test", seed=0))


def test_the_bridge_takes_messages_apart_again() -> None:
    async def ask() -> list[str]:
        model = Model("yes")
        bridge = Bridge(ServedAnswering(model), asyncio.get_running_loop(), name="stub")
        prompt = bridge.apply_chat_template([{"role": "user", "content": "[{x"}, {"role": "assistant", "content": "a"}])
        assert json.loads(prompt)[0]["content"] == "[{x"

        class Asked:
            args = (prompt, {"until": [], "max_gen_toks": 5})

        return await asyncio.to_thread(bridge.generate_until, [Asked(), Asked()])

    assert asyncio.run(ask()) == ["yes", "yes"]

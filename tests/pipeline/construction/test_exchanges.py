"""Paid answers: on disk at once, asked for once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from agenttuning.core.records import Message, Reply, Sampling
from agenttuning.pipeline.construction.exchanges import Exchanges

ASKED = (Message(role="user", content="A task, please."),)


class Counting:
    name = "counting"

    def __init__(self) -> None:
        self.calls: list[int | None] = []

    async def answer(self, messages: Sequence[Message], *, sampling: Sampling) -> Reply:
        self.calls.append(sampling.seed)
        return Reply(content=f"answer {len(self.calls)}")


def ask(path: Path, model: Counting, *places: str, temperature: float = 0.0) -> list[str]:
    async def all_of_them() -> list[str]:
        with Exchanges(path, model) as exchanges:
            sampling = Sampling(temperature=temperature, seed=3)
            return [(await exchanges.at(place).ask(ASKED, sampling=sampling)).content for place in places]

    return asyncio.run(all_of_them())


def test_an_answer_is_asked_for_once_and_survives_the_process(tmp_path: Path) -> None:
    model, path = Counting(), tmp_path / "log.jsonl"
    assert ask(path, model, "1", "2", "1") == ["answer 1", "answer 2", "answer 1"]
    assert ask(path, model, "2", "3") == ["answer 2", "answer 3"]
    assert len(model.calls) == 3


def test_a_torn_line_is_asked_for_again(tmp_path: Path) -> None:
    model, path = Counting(), tmp_path / "log.jsonl"
    ask(path, model, "1", "2")
    path.write_bytes(path.read_bytes()[:-5])
    assert ask(path, model, "1", "2") == ["answer 1", "answer 3"]


def test_places_draw_with_seeds_of_their_own(tmp_path: Path) -> None:
    model = Counting()
    ask(tmp_path / "log.jsonl", model, "1", "2", temperature=1.0)
    assert len(set(model.calls)) == 2
    assert None not in model.calls


def test_another_model_or_sampling_is_another_request(tmp_path: Path) -> None:
    model, path = Counting(), tmp_path / "log.jsonl"
    ask(path, model, "1")
    ask(path, model, "1", temperature=0.5)
    model.name = "other"
    ask(path, model, "1")
    assert len(model.calls) == 3

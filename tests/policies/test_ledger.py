"""Answers that were paid for are kept and given again; the log says what every call took."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from agenttuning.core.records import Message, Sampling
from agenttuning.core.store import read_records
from agenttuning.errors import BudgetError, DataError, PolicyError, RecipeError
from agenttuning.policies import OpenAIConfig
from agenttuning.policies.budget import BudgetConfig, Spent
from agenttuning.policies.call_log import Call
from agenttuning.policies.ledger import Ledger, count_calls
from agenttuning.policies.openai import open_openai

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GREEDY = Sampling(max_new_tokens=100)
UNLIMITED = BudgetConfig()


class Teacher:
    """Says how often it was asked; a list of responses stands before its answers."""

    def __init__(self, *before: httpx.Response | Exception) -> None:
        self.before = list(before)
        self.asked = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        self.asked += 1
        if self.before:
            response = self.before.pop(0)
            if isinstance(response, Exception):
                raise response
            return response
        return completion(f"answer {self.asked}", request_id=f"r{self.asked}")


def completion(content: str | None, *, request_id: str = "", **message: object) -> httpx.Response:
    choice = {"message": {"content": content, **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1000, "completion_tokens": 10}
    return httpx.Response(200, json={"choices": [choice], "usage": usage}, headers={"x-request-id": request_id})


def config(**told: object) -> OpenAIConfig:
    known = {"base_url": "http://t.test/v1", "model": "gpt-4-0613", "max_attempts": 3, "first_wait_seconds": 0.0}
    return OpenAIConfig.model_validate({**known, **told})


def ask(
    path: Path,
    teacher: Teacher,
    questions: Sequence[str],
    *,
    sampling: Sampling = GREEDY,
    budget: BudgetConfig = UNLIMITED,
    **told: object,
) -> list[str]:
    """Ask all questions at once; return the replies, and the errors' texts."""

    async def scenario() -> list[str]:
        with Ledger(path, budget) as ledger:
            transport = httpx.MockTransport(teacher)
            async with open_openai(config(**told), ledger=ledger, transport=transport) as model:
                talks = [(Message(role="user", content=question),) for question in questions]
                replies = await asyncio.gather(
                    *(model.answer(talk, sampling=sampling) for talk in talks), return_exceptions=True
                )
        return [str(one) if isinstance(one, PolicyError) else one.content for one in replies]  # type: ignore[union-attr]

    return asyncio.run(scenario())


def logged(path: Path) -> list[Call]:
    return list(read_records(path, Call))


def test_a_question_is_paid_for_once_at_the_same_time_and_in_later_processes(tmp_path: Path) -> None:
    path, teacher = tmp_path / "calls" / "c.jsonl", Teacher()
    assert ask(path, teacher, ["a"] * 20 + ["b"]) == ["answer 1"] * 20 + ["answer 2"]
    assert ask(path, teacher, ["b", "a", "c"]) == ["answer 2", "answer 1", "answer 3"]
    assert teacher.asked == 3
    assert len(logged(path)) == 3


def test_another_address_model_or_seed_is_another_question(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher()
    hot = Sampling(temperature=1.0, max_new_tokens=100, seed=1)
    ask(path, teacher, ["a"])
    ask(path, teacher, ["a"], base_url="http://u.test/v1")
    ask(path, teacher, ["a"], model="gpt-4")
    ask(path, teacher, ["a"], sampling=hot)
    ask(path, teacher, ["a"], sampling=hot.model_copy(update={"seed": 2}))
    assert teacher.asked == 5
    ask(path, teacher, ["a"], sampling=hot)
    assert teacher.asked == 5


def test_a_draw_without_a_seed_is_never_given_again(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher()
    hot = Sampling(temperature=1.0, max_new_tokens=100)
    assert ask(path, teacher, ["a", "a"], sampling=hot) == ["answer 1", "answer 2"]
    assert [call.key for call in logged(path)] == ["", ""]
    assert Ledger(path, UNLIMITED).budget.spent.calls == 2


def test_a_line_says_what_the_call_took(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    ask(path, Teacher(httpx.Response(429), httpx.ReadError("cut")), ["a"])
    (call,) = logged(path)
    assert (call.model, call.content, call.request_id) == ("gpt-4-0613", "answer 3", "r3")
    assert call.attempts == ("429", "ReadError", "200")
    assert call.dollars == pytest.approx(0.03 + 0.0006)
    assert call.spent == Spent(1, 1010, call.dollars)
    assert call.seconds >= call.queue_seconds >= 0
    assert call.at.endswith("+00:00")


def test_an_answer_without_a_reply_is_paid_for_kept_and_not_asked_for_again(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher(completion(None, tool_calls=[{"id": "1"}]))
    (first,), (again,) = ask(path, teacher, ["a"]), ask(path, teacher, ["a"])
    assert first == again
    assert first.startswith("the model gave no reply but a tool call")
    assert teacher.asked == 1
    (call,) = logged(path)
    assert (call.answered, call.reason, call.usage.prompt_tokens) == (True, "a tool call", 1000)


def test_a_call_without_an_answer_is_logged_free_and_asked_again(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher(*[httpx.Response(503)] * 3, httpx.Response(400))
    ask(path, teacher, ["a"])
    ask(path, teacher, ["a"])
    assert ask(path, teacher, ["a"]) == ["answer 5"]
    assert [(call.answered, call.reason) for call in logged(path)] == [(False, "503"), (False, "400"), (True, "")]
    counts = count_calls(path)["gpt-4-0613"]
    assert counts == {
        "calls": 3, "answered": 1, "attempts": 5, "prompt_tokens": 1000, "completion_tokens": 10,
        "dollars": 0.0306, "unpriced": 0, "faults": {"400": 1, "503": 3}, "without_reply": {"400": 1, "503": 1},
    }  # fmt: skip


def test_an_answer_that_tells_no_usage_is_counted_with_an_estimate(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    silent = httpx.Response(200, json={"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})
    ask(path, Teacher(silent), ["a" * 1000])
    (call,) = logged(path)
    assert call.usage.total == 0
    assert call.reckoned.completion_tokens == 100
    assert 500 < call.reckoned.prompt_tokens < 700
    assert call.dollars is not None
    assert Ledger(path, UNLIMITED).budget.spent == call.spent


def test_the_budget_holds_over_processes(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher()
    told = ask(path, teacher, list("abcde"), budget=BudgetConfig(calls=3))
    assert sum(text.startswith("answer") for text in told) == 3
    assert told[-1] == "the budget does not cover another call: 3 of 3 calls spent"
    assert ask(path, teacher, ["a", "z"], budget=BudgetConfig(calls=3))[0] == "answer 1"  # what is held is free
    assert ask(path, teacher, ["z"], budget=BudgetConfig(calls=4)) == ["answer 4"]
    assert teacher.asked == 4


def test_a_budget_error_is_a_stop_and_no_call(tmp_path: Path) -> None:
    async def scenario() -> None:
        with Ledger(tmp_path / "c.jsonl", BudgetConfig(dollars=0.0001)) as ledger:
            async with open_openai(config(), ledger=ledger, transport=httpx.MockTransport(Teacher())) as model:
                await model.answer((Message(role="user", content="a"),), sampling=GREEDY)

    with pytest.raises(BudgetError, match=r"\$0\.0000 of \$0\.0001 spent"):
        asyncio.run(scenario())
    assert not (tmp_path / "c.jsonl").exists()


@pytest.mark.parametrize(
    ("response", "advice"),
    [
        (httpx.Response(401), "check the key"),
        (httpx.Response(402), "no money left"),
        (httpx.Response(404), "check `base_url`"),
        (httpx.Response(429, json={"error": {"code": "insufficient_quota"}}), "no money left"),
    ],
)
def test_a_server_that_refuses_the_account_is_not_asked_for_the_rest(
    tmp_path: Path, response: httpx.Response, advice: str
) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher(response)

    async def scenario() -> None:
        with Ledger(path, UNLIMITED) as ledger:
            async with open_openai(config(), ledger=ledger, transport=httpx.MockTransport(teacher)) as model:
                for question in "abc":
                    with pytest.raises(BudgetError, match=advice):
                        await model.answer((Message(role="user", content=question),), sampling=GREEDY)

    asyncio.run(scenario())
    assert teacher.asked == 1
    assert ask(path, Teacher(), ["a"]) == ["answer 1"]


def test_samples_differ_also_for_a_server_that_takes_no_seed(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher()
    for seed in (1, 2, 1):
        hot = Sampling(temperature=1.0, max_new_tokens=100, seed=seed)
        ask(path, teacher, ["a"], sampling=hot, seed_field="none")
    assert teacher.asked == 2


def test_a_budget_in_dollars_needs_a_price(tmp_path: Path) -> None:
    budget = BudgetConfig(dollars=1.0)
    with pytest.raises(RecipeError, match=r"price of 'stranger' is not known.*budget\.tokens"):
        ask(tmp_path / "c.jsonl", Teacher(), ["a"], budget=budget, model="stranger")
    price = {"prompt": 1.0, "completion": 100.0}
    ask(tmp_path / "c.jsonl", Teacher(), ["a"], budget=budget, model="stranger", price=price)
    assert logged(tmp_path / "c.jsonl")[0].dollars == pytest.approx(0.002)


def test_a_torn_last_line_is_dropped_and_a_damaged_one_named(tmp_path: Path) -> None:
    path, teacher = tmp_path / "c.jsonl", Teacher()
    ask(path, teacher, ["a", "b"])
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert sorted(ask(path, teacher, ["a", "b"])) == ["answer 1", "answer 3"]
    path.write_bytes(b'{"key": 1}\n' + whole)
    with pytest.raises(DataError, match=r"c\.jsonl:1 is no Call"):
        Ledger(path, UNLIMITED)


def test_lines_are_utf8_json_of_any_answer(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    hostile = 'é "\n\x00\u2028 </s>'
    assert ask(path, Teacher(completion(hostile)), ["a"]) == [hostile]
    assert ask(path, Teacher(), ["a"]) == [hostile]
    assert json.loads(path.read_text())["content"] == hostile

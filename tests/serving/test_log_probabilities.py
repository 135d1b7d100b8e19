"""Prompts and answers with the log probability of every token, as benchmarks that compare answers ask for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import torch

from agenttuning.models.load import load_chat_model, resolve_model
from agenttuning.serving.process import RunningServer, running_server
from agenttuning.serving.settings import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agenttuning.models.load import ChatModel

QUESTIONS = [
    ("Where is the lamp?", " On the desk."),
    ("You are in a room. Thought:", " I look around."),
    ("2 + 2 =", " 4"),
    ("A", "B"),
]


@pytest.fixture(scope="module")
def tiny() -> Iterator[tuple[RunningServer, ChatModel]]:
    chat = load_chat_model("tiny-base", dtype="float64")
    with running_server("tiny-base", ServerSettings(dtype="float64", max_concurrent=8)) as server:
        yield server, chat


def completed(server: RunningServer, **body: object) -> dict[str, Any]:
    response = httpx.post(f"{server.url}/v1/completions", json=body, timeout=60)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def distribution(chat: ChatModel, token_ids: Sequence[int]) -> torch.Tensor:
    """Return transformers' own scores, whose norms are of float32 even in a float64 model."""
    with torch.inference_mode():
        return chat.model(torch.tensor([list(token_ids)])).logits[0].log_softmax(dim=-1)


def test_the_harness_gets_the_log_probabilities_of_the_model_itself(tiny: tuple[RunningServer, ChatModel]) -> None:
    harness = pytest.importorskip("lm_eval.models.openai_completions")
    from lm_eval.api.instance import Instance

    server, chat = tiny
    client = harness.LocalCompletionsAPI(
        model="tiny-base",
        base_url=f"{server.url}/v1/completions",
        tokenizer_backend="huggingface",
        tokenizer=str(resolve_model("tiny-base")),
        batch_size=3,
        max_length=512,
    )
    asked = [Instance("loglikelihood", {}, pair, index) for index, pair in enumerate(QUESTIONS)]
    answers = client.loglikelihood(asked, disable_tqdm=True)
    for (score, greedy), (context, continuation) in zip(answers, QUESTIONS, strict=True):
        before, after = client._encode_pair(context, continuation)
        own = distribution(chat, before + after)[len(before) - 1 : -1]
        expected = own.gather(1, torch.tensor(after)[:, None]).sum().item()
        assert score == pytest.approx(expected, abs=1e-5)
        assert greedy == (own.argmax(dim=-1).tolist() == after)


def test_the_harness_recognises_a_greedy_answer(tiny: tuple[RunningServer, ChatModel]) -> None:
    harness = pytest.importorskip("lm_eval.models.openai_completions")
    server, chat = tiny
    prompt = chat.tokenizer("Where is the lamp?")["input_ids"]
    answer: list[int] = []
    for _ in range(5):
        answer.append(int(distribution(chat, prompt + answer)[-1].argmax()))
    body = completed(server, prompt=prompt + answer, max_tokens=1, logprobs=1, echo=True, temperature=0)
    ((_, greedy),) = harness.LocalCompletionsAPI.parse_logprobs([body], ctxlens=[len(prompt)])
    assert greedy
    body = completed(server, prompt=[*prompt, *answer[:-1], answer[-1] ^ 1], max_tokens=1, logprobs=1, echo=True)
    ((_, greedy),) = harness.LocalCompletionsAPI.parse_logprobs([body], ctxlens=[len(prompt)])
    assert not greedy


def test_echo_gives_columns_of_one_entry_per_token(tiny: tuple[RunningServer, ChatModel]) -> None:
    server, chat = tiny
    text = "Where is the lamp? Größe 3 €"
    body = completed(server, prompt=text, max_tokens=3, logprobs=2, echo=True, temperature=0)
    ids = chat.tokenizer(text)["input_ids"]
    (choice,) = body["choices"]
    scores = choice["logprobs"]
    assert {len(column) for column in scores.values()} == {len(ids) + body["usage"]["completion_tokens"]}
    assert choice["text"].startswith(text)
    assert (scores["token_logprobs"][0], scores["top_logprobs"][0]) == (None, None)
    assert "".join(scores["tokens"]).lstrip().startswith("Where is the lamp? Gr")
    for token, own, top in list(zip(scores["tokens"], scores["token_logprobs"], scores["top_logprobs"], strict=True))[
        1:
    ]:
        assert top[token] >= own
        assert len(top) in {2, 3}
    last = distribution(chat, ids)[-1]
    assert scores["token_logprobs"][len(ids)] == pytest.approx(last.max().item(), abs=1e-5)
    assert body["usage"]["prompt_tokens"] == len(ids)


def test_no_token_beyond_a_scored_prompt_is_shown(tiny: tuple[RunningServer, ChatModel]) -> None:
    server, chat = tiny
    ids = chat.tokenizer("Where is the lamp?")["input_ids"]
    (choice,) = completed(server, prompt=ids, max_tokens=0, logprobs=0, echo=True)["choices"]
    assert len(choice["logprobs"]["tokens"]) == len(ids)
    assert choice["text"].endswith("Where is the lamp?")
    assert choice["finish_reason"] == "length"


def test_many_prompts_and_answers_come_in_order_and_repeat_by_seed(tiny: tuple[RunningServer, ChatModel]) -> None:
    server, _ = tiny
    prompts = ["Where is the lamp?", "2 + 2 =", "A"]
    asked: dict[str, object] = {"max_tokens": 6, "temperature": 1.8, "seed": 7, "logprobs": 0}
    many = completed(server, prompt=prompts, n=2, **asked)
    assert [choice["index"] for choice in many["choices"]] == list(range(6))
    texts = [choice["text"] for choice in many["choices"]]
    assert texts[::2] != texts[1::2]
    for index, prompt in enumerate(prompts):
        (alone,) = completed(server, prompt=prompt, **asked)["choices"]
        company = many["choices"][2 * index]
        assert alone["text"] == company["text"]
        assert alone["logprobs"]["token_logprobs"] == pytest.approx(company["logprobs"]["token_logprobs"], abs=1e-9)


def test_chat_tells_tokens_whole_and_in_a_stream(tiny: tuple[RunningServer, ChatModel]) -> None:
    server, _ = tiny
    asked = {"messages": [{"role": "user", "content": "Where?"}], "max_tokens": 4, "temperature": 0}
    asked |= {"logprobs": True, "top_logprobs": 2}
    url = f"{server.url}/v1/chat/completions"
    whole = httpx.post(url, json=asked, timeout=60).json()["choices"][0]
    content = whole["logprobs"]["content"]
    assert len(content) == 4
    assert all(one["logprob"] == one["top_logprobs"][0]["logprob"] for one in content)
    lines = httpx.post(url, json={**asked, "stream": True}, timeout=60).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    streamed = [one for chunk in chunks for one in (chunk["choices"][0]["logprobs"] or {"content": []})["content"]]
    assert [one["token"] for one in streamed] == [one["token"] for one in content]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompt": []}, "`prompt` must hold 1 or more tokens"),
        ({"prompt": [1 << 40]}, "is no token id of this model"),
        ({"prompt": [[1, 2], []]}, "`prompt` must hold 1 or more tokens"),
        ({"prompt": "x", "max_tokens": 0}, "needs `echo`"),
        ({"prompt": "x", "best_of": 3}, "`best_of`=3 is not supported"),
        ({"prompt": "x", "logprobs": 21}, "logprobs"),
        ({"prompt": ["x"] * 5, "n": 2}, "more than the 8 answers"),
        ({"prompt": ["x", "y"], "stream": True}, "only one answer can be streamed"),
        ({"prompt": "x", "stream": True, "echo": True, "logprobs": 1}, "cannot be streamed"),
        ({"prompt": "x", "stream": True, "echo": True, "max_tokens": 0}, "cannot be streamed"),
        ({"prompt": "x", "suffix": "y"}, "suffix"),
        ({"prompt": "x", "stop": ["s"] * 1000}, "stop"),
    ],
)
def test_what_cannot_be_completed_is_400_with_the_field(
    tiny: tuple[RunningServer, ChatModel], body: dict[str, object], said: str
) -> None:
    response = httpx.post(f"{tiny[0].url}/v1/completions", json=body, timeout=60)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error")
    assert said in response.json()["error"]["message"]

"""What the parameters of the TGI surface do to a model's answer, and what its details tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
import torch

from agenttuning.models.load import load_chat_model

if TYPE_CHECKING:
    from pathlib import Path

    from agenttuning.serving.process import RunningServer

PROMPT = "Where is the lamp? It is on"


def generated(server: RunningServer, inputs: str = PROMPT, **parameters: object) -> dict[str, Any]:
    response = httpx.post(f"{server.url}/generate", json={"inputs": inputs, "parameters": parameters}, timeout=60)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_details_hold_the_scores_of_prompt_and_answer(server: RunningServer, model_folder: Path) -> None:
    answer = generated(server, max_new_tokens=5, decoder_input_details=True, top_n_tokens=3)
    details = answer["details"]
    chat = load_chat_model(model_folder)
    ids = [token["id"] for token in (*details["prefill"], *details["tokens"])]
    assert ids[: len(details["prefill"])] == chat.tokenizer(PROMPT)["input_ids"]
    with torch.inference_mode():
        own = chat.model(torch.tensor([ids])).logits[0].log_softmax(dim=-1)
    expected = [own[place, token].item() for place, token in enumerate(ids[1:])]
    given = [token["logprob"] for token in (*details["prefill"][1:], *details["tokens"])]
    assert details["prefill"][0]["logprob"] is None
    assert given == pytest.approx(expected, abs=1e-4)
    for token, top in zip(details["tokens"], details["top_tokens"], strict=True):
        assert (top[0]["id"], top[0]["logprob"]) == (token["id"], token["logprob"])
        assert len(top) == 3


def test_the_best_of_two_is_the_likelier_and_the_other_is_told(server: RunningServer) -> None:
    answer = generated(server, max_new_tokens=6, do_sample=True, temperature=2.0, best_of=2, details=True)
    details = answer["details"]
    (other,) = details["best_of_sequences"]

    def mean(tokens: list[dict[str, Any]]) -> float:
        return sum(token["logprob"] for token in tokens) / len(tokens)

    assert mean(details["tokens"]) >= mean(other["tokens"])
    assert details["seed"] != other["seed"]
    again = generated(server, max_new_tokens=6, do_sample=True, temperature=2.0, seed=details["seed"])
    assert again["generated_text"] == answer["generated_text"]


def test_a_penalty_changes_a_greedy_answer_that_repeats(server: RunningServer) -> None:
    def kinds(penalty: float) -> int:
        details = generated(server, max_new_tokens=40, repetition_penalty=penalty, details=True)["details"]
        return len({token["id"] for token in details["tokens"]})

    assert kinds(5.0) > kinds(1.0)


def test_typical_sampling_repeats_by_seed(server: RunningServer) -> None:
    one, other, third = (generated(server, max_new_tokens=12, typical_p=0.5, seed=seed) for seed in (1, 1, 2))
    assert one == other != third


def test_tokenize_gives_the_bytes_of_every_token(server: RunningServer, model_folder: Path) -> None:
    text = "Größe: 3 €, naïve café \x00"
    tokens = httpx.post(f"{server.url}/tokenize", json={"inputs": text}).json()
    assert [token["id"] for token in tokens] == load_chat_model(model_folder).tokenizer(text)["input_ids"]
    assert tokens[-1]["stop"] == len(text.encode())
    for token in tokens:
        assert text.encode()[token["start"] : token["stop"]].decode() == token["text"]


def test_metrics_count_requests_and_keep_their_times(server: RunningServer) -> None:
    def scraped() -> dict[str, float]:
        response = httpx.get(f"{server.url}/metrics")
        assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = (line for line in response.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    before = scraped()
    generated(server, max_new_tokens=7)
    httpx.post(f"{server.url}/generate", json={"inputs": ""})
    after = scraped()

    def more(name: str) -> float:
        return after[name] - before.get(name, 0)

    assert (more("tgi_request_count"), more("tgi_request_success")) == (2, 1)
    assert more('tgi_request_failure{err="validation"}') == 1
    assert more("tgi_request_duration_count") == more('tgi_request_duration_bucket{le="+Inf"}') == 1
    assert more("tgi_request_generated_tokens_sum") == 7
    assert (after["tgi_queue_size"], after["tgi_batch_current_size"]) == (0, 0)

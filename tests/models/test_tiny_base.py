"""The packaged model: small, complete, and able to do what its card says."""

from __future__ import annotations

import json

import pytest
import torch

from agenttuning.core.records import Message
from agenttuning.models.compact_template import CompactTemplate
from agenttuning.models.load import load_chat_model, resolve_model

FOLDER = resolve_model("tiny-base")


def test_the_folder_is_small_and_complete() -> None:
    sizes = {file.name: file.stat().st_size for file in FOLDER.iterdir()}
    assert sum(sizes.values()) < 12_000_000
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "README.md"} <= sizes.keys()


def test_it_is_a_llama_with_our_chat_template() -> None:
    chat = load_chat_model("tiny-base")
    assert json.loads((FOLDER / "config.json").read_text())["architectures"] == ["LlamaForCausalLM"]
    assert 1e6 < sum(weight.numel() for weight in chat.model.parameters()) < 5e6
    assert isinstance(chat.template, CompactTemplate)


@pytest.mark.parametrize("text", ["```sql\nSELECT `a` FROM b;\n```", "ACTION: go to desk 12", "(é, '名')\n\n[\"x\"]"])
def test_any_text_survives_the_tokenizer(text: str) -> None:
    tokenizer = load_chat_model("tiny-base").tokenizer
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


@pytest.mark.parametrize("number", ["7", "42", "2048"])
def test_every_digit_is_a_token(number: str) -> None:
    tokenizer = load_chat_model("tiny-base").tokenizer
    assert len(tokenizer.encode(number, add_special_tokens=False)) == len(number)


@pytest.mark.parametrize(
    ("question", "answer"),
    [("What is the capital of France?", "Paris"), ("Thank you.", "You are welcome.")],
)
def test_it_answers(question: str, answer: str) -> None:
    chat = load_chat_model("tiny-base")
    prompt = chat.template.prompt_ids([Message(role="user", content=question)])
    with torch.inference_mode():
        found = chat.model.generate(
            input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt)), max_new_tokens=16
        )
    assert chat.tokenizer.decode(found[0, len(prompt) :], skip_special_tokens=True) == answer

"""For every family of tokenizers: what is trained is what transformers renders, what is served begins it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.templates import EOS, KINDS
from tests.models.test_chat_template import dialogues, prompts_begin_training
from transformers import PreTrainedTokenizerBase

from agenttuning.core.records import Message
from agenttuning.errors import DataError
from agenttuning.models.chat_template import IGNORED, Llama2Template, TokenizedDialogue
from agenttuning.models.jinja_template import JinjaTemplate
from agenttuning.models.load import choose_template

kinds = pytest.mark.parametrize("kind", list(KINDS))
words = st.text("abc 12.\né漢", min_size=1, max_size=12).filter(str.strip)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Texts without marks, which a Jinja template reads as what they are; answers begin with a word (see below)."""
    messages = [Message(role="system", content=draw(words))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message(role="user", content=draw(words)))
        flag = draw(st.sampled_from([None, True, False]))
        messages.append(Message(role="assistant", content=draw(words).strip(), train=flag))
    return tuple(messages)


def _turns(messages: tuple[Message, ...]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


@kinds
@settings(deadline=None, max_examples=25)
@given(messages=conversations())
def test_training_and_serving_are_what_transformers_renders(kind: str, messages: tuple[Message, ...]) -> None:
    """Ids and text, byte for byte, of the whole dialogue and of the prompt before each answer."""
    tokenizer = KINDS[kind]()
    template = choose_template(tokenizer)
    prompts_begin_training(template, messages)
    assert template.training_ids(messages).input_ids == tokenizer.apply_chat_template(
        _turns(messages), return_dict=False
    )
    for index in (index for index, message in enumerate(messages) if message.role == "assistant"):
        before = _turns(messages[:index])
        text = tokenizer.apply_chat_template(before, tokenize=False, add_generation_prompt=True)
        assert template.prompt_text(messages[:index]) == text.removeprefix(tokenizer.bos_token or "")
        ids = tokenizer.apply_chat_template(before, add_generation_prompt=True, return_dict=False)
        assert template.prompt_ids(messages[:index]) == ids


def test_an_answer_that_begins_with_a_line_break_keeps_the_ids_of_its_prompt() -> None:
    """Where transformers' one string would merge it into the mark before it, which no served prompt ever holds."""
    tokenizer = KINDS["chatml"]()
    messages = (Message(role="user", content="a"), Message(role="assistant", content="\n\nb"))
    prompt = choose_template(tokenizer).prompt_ids(messages[:1])
    assert choose_template(tokenizer).training_ids(messages).input_ids[: len(prompt)] == prompt
    in_one_string = tokenizer.apply_chat_template(_turns(messages), return_dict=False)
    assert in_one_string[: len(prompt)] != prompt


def _trained_spans(
    tokenizer: PreTrainedTokenizerBase, messages: tuple[Message, ...], *, end: str
) -> list[tuple[int, int]]:
    """Return where the trained answers stand in the rendered text, each with its end mark."""
    text = tokenizer.apply_chat_template(_turns(messages), tokenize=False)
    spans = []
    for index, message in enumerate(messages):
        if message.role != "assistant":
            continue
        prompt = tokenizer.apply_chat_template(_turns(messages[:index]), tokenize=False, add_generation_prompt=True)
        position = len(prompt)
        stop = text.index(end, position) + len(end)
        if message.train is not False:
            spans.append((position, stop))
    return spans


@kinds
@settings(deadline=None, max_examples=25)
@given(messages=conversations())
def test_labels_are_those_of_a_slow_reference(kind: str, messages: tuple[Message, ...]) -> None:
    """Character by character: a token is trained exactly when the text it stands for is an answer or its end mark."""
    tokenizer = KINDS[kind]()
    dialogue = choose_template(tokenizer).training_ids(messages)
    text = tokenizer.apply_chat_template(_turns(messages), tokenize=False)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    spans = _trained_spans(tokenizer, messages, end=EOS[kind])
    expected = [
        token if any(start <= begins and ends <= stop and ends > start for start, stop in spans) else IGNORED
        for token, (begins, ends) in zip(encoded.input_ids, encoded.offset_mapping, strict=True)
    ]
    assert dialogue.labels == expected


@kinds
@settings(deadline=None, max_examples=25)
@given(messages=conversations())
def test_the_trained_labels_decode_to_the_answers_and_their_end(kind: str, messages: tuple[Message, ...]) -> None:
    tokenizer = KINDS[kind]()
    labels = [label for label in choose_template(tokenizer).training_ids(messages).labels if label != IGNORED]
    answers = [m.content for m in messages if m.role == "assistant" and m.train is not False]
    if kind == "llama-2":
        told = "".join(f" {answer.strip()} </s>" for answer in answers).removeprefix(" ")
    else:
        told = "".join((answer.strip() if kind == "llama-3" else answer) + EOS[kind] for answer in answers)
    assert tokenizer.decode(labels) == told


@kinds
def test_many_at_once_are_each_alone(kind: str) -> None:
    tokenizer = KINDS[kind]()
    batch: list[tuple[Message, ...]] = []
    for number in range(12):
        turn = (
            Message(role="user", content=f"open {number % 3}"),
            Message(role="assistant", content="yes " * number + "."),
        )
        batch.append(turn * (1 + number % 4))
    assert choose_template(tokenizer).training_batch(batch) == [
        choose_template(tokenizer).training_ids(messages) for messages in batch
    ]


@settings(deadline=None, max_examples=25)
@given(batch=st.lists(dialogues(), max_size=5))
def test_many_hostile_dialogues_at_once_are_each_alone(batch: list[tuple[Message, ...]]) -> None:
    for kind in ("llama-2", "llama-3"):
        at_once, alone = (Llama2Template(KINDS[kind](), system=None) for _ in range(2))
        assert at_once.training_batch(batch) == [alone.training_ids(messages) for messages in batch]


def test_a_refusal_stands_in_its_place() -> None:
    good = (Message(role="user", content="a"), Message(role="assistant", content="b"))
    template = Llama2Template(KINDS["llama-2"]())
    first, second, third = template.training_batch([good, good[::-1], good])
    assert isinstance(first, TokenizedDialogue)
    assert first == third
    assert isinstance(second, DataError)


@kinds
@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.text("ab \n\x02\x030<|>[/INST]"), min_size=2, max_size=6))
def test_borders_that_are_filled_in_are_those_that_are_rendered(kind: str, texts: list[str]) -> None:
    template = choose_template(KINDS[kind]())
    if not isinstance(template, JinjaTemplate):
        return
    roles = ("user", "assistant") * 3
    messages = [Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)]
    assert list(template.pieces(messages, open_end=False)) == list(template._rendered(messages, open_end=False))

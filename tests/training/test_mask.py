"""Only whole answers are trained, and what cannot be trained is counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.tokenizers import bytelevel_tokenizer, compact_tokenizer

from agenttuning.core.records import Message
from agenttuning.models.chat_template import IGNORED, Llama2Template, TokenizedDialogue
from agenttuning.models.compact_template import CompactTemplate
from agenttuning.training.mask import DropReason, TrainingRow, tokenize_dialogues, training_row


def _exchange(answer: str, *, train: bool | None = True) -> tuple[Message, ...]:
    return (Message(role="user", content="open it"), Message(role="assistant", content=answer, train=train))


@settings(deadline=None)
@given(
    answers=st.lists(st.tuples(st.text("abc ", max_size=8), st.sampled_from([None, True, False])), min_size=1),
    limit=st.integers(1, 60),
)
def test_a_cut_keeps_whole_answers(answers: list[tuple[str, bool | None]], limit: int) -> None:
    template = CompactTemplate(compact_tokenizer())
    messages = [message for answer, train in answers for message in _exchange(answer, train=train)]
    whole = template.training_ids(messages)
    row = training_row(whole, source="x", max_length=limit)
    fitting = [end for end in whole.turn_ends if end <= limit]
    if not fitting:
        assert row is DropReason.TOO_LONG
    elif all(train is False for _, train in answers[: len(fitting)]):
        assert row is DropReason.UNTRAINED
    else:
        assert isinstance(row, TrainingRow)
        assert row.input_ids.tolist() == whole.input_ids[: fitting[-1]]
        assert row.labels.tolist() == whole.labels[: fitting[-1]]
        assert row.input_ids[-1] == compact_tokenizer().eos_token_id


def test_the_first_token_of_a_row_is_never_trained() -> None:
    row = training_row(TokenizedDialogue([5, 6, 7], [5, 6, 7], (3,)), source="x", max_length=9)
    assert isinstance(row, TrainingRow)
    assert row.labels.tolist() == [IGNORED, 6, 7]


def test_drops_are_counted_and_the_rest_knows_where_it_came_from() -> None:
    dialogues = [
        (_exchange("no", train=False), "agent"),
        (_exchange("yes"), "agent"),
        (_exchange("yes " * 90), "general"),
        ((Message(role="user", content="alone"),), "general"),
        ((Message(role="assistant", content="first"),), "general"),
        ((*_exchange("short"), *_exchange("long " * 90)), "general"),
    ]
    corpus = tokenize_dialogues(Llama2Template(bytelevel_tokenizer(), system=None), dialogues, max_length=60)
    assert corpus.kept == [1, 5]
    assert [row.source for row in corpus.rows] == ["agent", "general"]
    assert corpus.dropped == {"no_trained_token": 2, "first_exchange_too_long": 1, "roles_out_of_order": 1}
    assert corpus.cut == 1


@pytest.mark.parametrize("train", [None, True])
def test_a_missing_flag_means_trained(train: bool | None) -> None:
    corpus = tokenize_dialogues(
        CompactTemplate(compact_tokenizer()), [(_exchange("yes", train=train), "x")], max_length=60
    )
    labels = corpus.rows[0].labels
    assert compact_tokenizer().decode(labels[labels != IGNORED]) == "yes</s>"
    assert corpus.rows[0].trained == int((labels != IGNORED).sum())

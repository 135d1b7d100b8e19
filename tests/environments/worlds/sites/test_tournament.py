"""The tournament, its odd corners, and the parser of replies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.sites.scoring import action_f1, judge
from agenttuning.environments.worlds.sites.tournament import (
    Prediction,
    Tournament,
    read_action,
    read_answer,
    shuffled,
    write_action,
)

QUEUE = tuple("abcdefghij")


def _play(queue: tuple[str, ...], chosen: str) -> tuple[list[str], str]:
    """Answer each question with the next letter of `chosen`, `-` for none of the above; return groups and result."""
    tournament, groups = Tournament(queue), []
    for element in chosen:
        groups.append("".join(tournament.group))
        tournament = tournament.answered(None if element == "-" else Prediction(element, "CLICK"))
    assert tournament.group == ()
    return groups, tournament.result.element


@pytest.mark.parametrize(
    ("queue", "chosen", "groups", "result"),
    [
        ("abcdefghij", "cgc", ["abcde", "fghij", "cg"], "c"),
        ("abcdefghij", "cg-", ["abcde", "fghij", "cg"], ""),
        ("abcdefghij", "-h", ["abcde", "fghij"], "h"),
        ("abcdefghij", "c-", ["abcde", "fghij"], "c"),
        ("abcdefghij", "--", ["abcde", "fghij"], ""),
        ("abcdef", "-", ["abcde"], ""),
        ("abcdef", "bf", ["abcde", "fb"], "f"),
        ("abcdef", "b-", ["abcde", "fb"], ""),
        ("abcde", "e", ["abcde"], "e"),
        ("ab", "-", ["ab"], ""),
        ("a", "", [], ""),
        ("", "", [], ""),
    ],
)
def test_the_queue_goes_as_in_the_original(queue: str, chosen: str, groups: list[str], result: str) -> None:
    assert _play(tuple(queue), chosen) == (groups, result)


@given(st.lists(st.text(min_size=1), unique=True, max_size=10), st.lists(st.integers(0, 6), min_size=4, max_size=4))
def test_ten_candidates_take_at_most_three_questions(queue: list[str], answers: list[int]) -> None:
    tournament, asked = Tournament(tuple(queue)), 0
    while tournament.group:
        place = answers[asked]
        asked += 1
        chosen = Prediction(tournament.group[place]) if place < len(tournament.group) else None
        tournament = tournament.answered(chosen)
        assert tournament.latest.element in ("", *queue)
    assert asked <= 3
    assert set(tournament.queue) <= set(queue)


@pytest.mark.parametrize(
    ("reply", "letter", "action", "found"),
    [
        ("Thought: x\nAnswer: C.\nAction: SELECT\nValue: Pickup", "C", "SELECT Pickup", True),
        ("Answer: B.\nAction: CLICK", "B", "CLICK", True),
        ("Answer: A.", "A", "", True),
        ("Answer: Apple", "A", "", True),
        ("Answer: G", "A", "", False),
        ("answer: B", "A", "", False),
        ("Answer:B", "A", "", False),
        ("Answer:  B", "A", "", False),
        ("I say Answer: D and Answer: E", "D", "", True),
        ("Answer: B\nAction: HOVER", "B", "", True),
        ("Answer: B\nAction: TYPEWRITER\nValue:  two  words \nValue: no", "B", "TYPE two  words", True),
        ("Answer: B\nAction: TYPE\nValue:", "B", "TYPE", True),
        ("Answer: B\nAction: TYPE\nValue: \nnext", "B", "TYPE", True),
        ("Action: CLICK of Action: TYPE, Value: x", "A", "CLICK x", False),
        ("", "A", "", False),
        ("\u202eAnswer: B\r\nAction: CLICK\r\nValue: \u65e5\u672c", "B", "CLICK \u65e5\u672c", True),
    ],
)
def test_replies_are_read_as_the_original_reads_them(reply: str, letter: str, action: str, found: bool) -> None:
    answer = read_answer(reply)
    assert (answer.letter, answer.action, answer.found) == (letter, action, found)


@given(st.text(max_size=200))
def test_no_reply_raises(reply: str) -> None:
    answer = read_answer(reply)
    assert answer.letter in "ABCDEF"
    assert answer.choose([("n", "text")]) == (Prediction("n", answer.action) if answer.letter == "B" else None)


def test_a_letter_without_a_choice_is_none_of_the_above() -> None:
    choices = [("n1", "one"), ("n2", "two")]
    assert read_answer("Answer: C").choose(choices) == Prediction("n2")
    assert read_answer("Answer: D").choose(choices) is None
    assert read_answer("Answer: A").choose(choices) is None


@pytest.mark.parametrize(
    ("reply", "valid"),
    [("Answer: A", True), ("Answer: B\nAction: CLICK", True), ("Answer: B", False), ("Answer: C", False), ("B", False)],
)
def test_a_reply_is_valid_when_it_is_of_the_form_asked_for(reply: str, valid: bool) -> None:
    answer = read_answer(reply)
    assert answer.says_something(answer.choose([("n", "text")])) is valid


def test_the_order_hangs_on_the_sample_alone() -> None:
    assert shuffled(QUEUE, seed="x") == shuffled(QUEUE, seed="x")
    orders = {shuffled(QUEUE, seed=str(number)) for number in range(50)}
    assert len(orders) == 50
    assert all(sorted(order) == sorted(QUEUE) for order in orders)


@pytest.mark.parametrize(
    ("operation", "value", "gold"),
    [
        ("CLICK", "ignored", "CLICK"),
        ("TYPE", "two\nlines", "TYPE two"),
        ("SELECT", " x ", "SELECT x"),
        ("SET", "9", "9"),
    ],
)
def test_the_right_action_is_read_like_a_reply(operation: str, value: str, gold: str) -> None:
    assert read_action(write_action(operation, value)) == gold


@pytest.mark.parametrize(
    ("predicted", "gold", "f1"),
    [
        ("CLICK", "CLICK", 1.0),
        ("", "", 1.0),
        ("", "CLICK", 0.0),
        ("CLICK", "TYPE x", 0.0),
        ("TYPE new york", "TYPE new york city", 6 / 7),
        ("TYPE york new new", "TYPE new york", 1.0),
        ("CLICK x", "CLICK", 2 / 3),
        ("TYPE New York", "TYPE new york", 1 / 3),
    ],
)
def test_f1_is_of_the_sets_of_words(predicted: str, gold: str, f1: float) -> None:
    assert action_f1(predicted, gold) == pytest.approx(f1)


@given(st.text("ab c", max_size=8), st.text("ab c", max_size=8))
def test_f1_is_the_mean_of_precision_and_recall(predicted: str, gold: str) -> None:
    mine, theirs = set(predicted.split()), set(gold.split())
    shared = len(mine & theirs)
    if not mine or not theirs:
        wanted = float(mine == theirs)
    elif shared == 0:
        wanted = 0.0
    else:
        precision, recall = shared / len(mine), shared / len(theirs)
        wanted = 2 * precision * recall / (precision + recall)
    assert action_f1(predicted, gold) == pytest.approx(wanted)
    assert (action_f1(predicted, gold) >= 1.0) == (mine == theirs)


@pytest.mark.parametrize(
    ("prediction", "elements", "expected"),
    [
        (Prediction("n1", "TYPE oslo"), ("n1",), (1.0, 1.0, 1.0)),
        (Prediction("n2", "TYPE oslo"), ("n1", "n2"), (1.0, 1.0, 1.0)),
        (Prediction("n1", "TYPE rome"), ("n1",), (1.0, 0.5, 0.0)),
        (Prediction("n3", "TYPE oslo"), ("n1",), (0.0, 1.0, 0.0)),
        (Prediction(), ("n1",), (0.0, 0.0, 0.0)),
        (Prediction("n1", "TYPE oslo"), (), (0.0, 0.0, 0.0)),
        (Prediction(), (), (0.0, 0.0, 0.0)),
    ],
)
def test_a_step_succeeds_with_element_and_action(
    prediction: Prediction, elements: tuple[str, ...], expected: tuple[float, float, float]
) -> None:
    score = judge(prediction, elements=elements, action="TYPE oslo", best_rank=7)
    names = ("element_accuracy", "action_f1", "step_success")
    assert tuple(score.metrics[name] for name in names) == expected
    assert (score.reward, score.success) == (expected[2], expected[2] == 1.0)
    assert {name: value for name, value in score.metrics.items() if name.startswith("recall")} == {
        "recall@5": 0.0,
        "recall@10": 1.0,
        "recall@20": 1.0,
        "recall@50": 1.0,
    }


def test_no_operation_at_all_is_no_success_without_a_right_element() -> None:
    assert judge(Prediction(), elements=(), action="", best_rank=None).metrics["action_f1"] == 0.0
    assert judge(Prediction("n"), elements=("n",), action="", best_rank=0).success

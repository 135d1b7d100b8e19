import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.sql.scoring import matches_2023, matches_tolerant, read_answer


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (' ["3"]', ["3"]),
        (" ['a', 'b']", ["a", "b"]),
        (" ('a', 2.5)", ["a", 2.5]),
        (" {'a'}", ["a"]),
        (" {'a': 1}", ["a"]),
        (" 'ab'", ["a", "b"]),
        (" 3", [" 3"]),
        (" None", [" None"]),
        (" Paris", [" Paris"]),
        (' ["a"', [' ["a"']),
        ("", [""]),
        (" __import__('os').getpid()", [" __import__('os').getpid()"]),
        (" [x for x in 'ab']", [" [x for x in 'ab']"]),
        (" " + "[" * 5000, [" " + "[" * 5000]),
        (' ["\\d"]', ["\\d"]),
    ],
)
def test_an_answer_is_a_literal_or_its_text(text: str, values: list[object]) -> None:
    assert read_answer(text) == values


@pytest.mark.parametrize(
    ("answer", "label", "strict", "tolerant"),
    [
        (["3"], ["3.0"], True, True),
        ([3], ["3.0"], True, True),
        ([" 3"], ["3"], True, True),
        (["3.004"], ["3"], False, True),
        (["Paris"], ["Paris"], True, True),
        ([" Paris"], ["Paris"], False, True),
        (["paris"], ["Paris"], False, False),
        (["a", "b"], ["b", "a"], True, True),
        (["a", "a", "b"], ["b", "a"], True, True),
        (["1", "2"], ["1.0", "2"], False, True),
        (["1", "1", "2"], ["1", "2"], True, False),
        ([1, 2], ["1", "2"], False, True),
        ([["a"], "b"], ["a", "b"], False, False),
        (["1,234"], ["1234"], False, True),
        (["45%"], ["45"], False, True),
        (["none"], ["0"], False, True),
        (["nan"], ["nan"], False, True),
        (["'a'"], ["a"], False, True),
        ([], ["a"], False, False),
        ([10**400], ["1"], False, False),
        ([True], ["1"], True, False),
    ],
)
def test_both_judges(answer: list[object], label: list[str], *, strict: bool, tolerant: bool) -> None:
    assert (matches_2023(answer, label), matches_tolerant(answer, label)) == (strict, tolerant)


@given(st.text(max_size=60), st.lists(st.text(max_size=20), min_size=1, max_size=4))
def test_no_text_raises(text: str, label: list[str]) -> None:
    answer = read_answer(text)
    assert matches_2023(answer, label) in (True, False)
    assert matches_tolerant(answer, label) in (True, False)


@given(st.lists(st.text(max_size=20).filter(lambda text: "nan" not in text.lower()), min_size=1, max_size=4))
def test_the_label_itself_is_right_for_both_judges(label: list[str]) -> None:
    assert matches_2023(read_answer(repr(label)), label)
    assert matches_tolerant(read_answer(repr(label)), label)


@given(st.lists(st.integers(-999, 999), min_size=1, max_size=5), st.sampled_from([0.0, 0.009, 0.02]), st.randoms())
def test_the_tolerant_judge_forgives_a_hundredth_and_any_order(
    numbers: list[int], apart: float, stream: random.Random
) -> None:
    given_numbers = [str(number + apart) for number in stream.sample(numbers, len(numbers))]
    label = [str(number) for number in numbers]
    assert matches_tolerant(given_numbers, label) is (apart < 0.01)
    assert not matches_tolerant([*given_numbers, "5000"], label)
    assert not matches_tolerant(given_numbers[1:], label)


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=2, max_size=5))
def test_the_judge_of_2023_takes_the_values_as_a_set(values: list[str]) -> None:
    assert matches_2023([*values, values[0]], values[::-1])
    assert not matches_2023([*values, "d"], values)
    assert not matches_2023([value.upper() for value in values], values)

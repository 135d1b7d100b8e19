"""The original history rule, case by case."""

from __future__ import annotations

import pytest

from agenttuning.core.records import Message
from agenttuning.errors import PolicyError
from agenttuning.policies.history_guard import count_segments, guard_history


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 0),
        (" \n \n", 0),
        ("seven77", 3),
        ("sevenly", 1),
        ("sevenlyx", 2),
        ("a" * 14, 2),
        ("a" * 15, 3),
        ("one two", 2),
        ("a1b", 3),
        ("12,5", 4),
        ("\t\t", 2),
        ("it's", 3),
        ("straße", 1),
        ("Action: go to desk 1.", 7),
    ],
)
def test_segments(text: str, segments: int) -> None:
    assert count_segments(text) == segments


def talk(*sizes: int) -> tuple[Message, ...]:
    """A conversation whose messages have these numbers of segments."""
    return tuple(
        Message(role="assistant" if index % 2 else "user", content="1" * size) for index, size in enumerate(sizes)
    )


def test_a_short_conversation_is_shown_whole() -> None:
    messages = talk(1000, 1000, 1499)
    assert guard_history(messages) == messages


def test_3500_segments_are_too_many() -> None:
    messages = talk(1000, 500, 500, 500, 1000)
    shown = guard_history(messages)
    assert shown[0].content == "1" * 1000 + "\n\n[NOTICE] 2 messages are omitted."
    assert shown[1:] == messages[3:]


def test_kept_history_begins_with_an_assistant_turn() -> None:
    messages = talk(1000, 1000, 500, 500, 1000)
    shown = guard_history(messages)
    assert shown[1:] == messages[3:]
    assert shown[0].content.endswith("[NOTICE] 2 messages are omitted.")


def test_the_oldest_kept_user_turn_is_dropped_too() -> None:
    messages = talk(1000, 2000, 400, 500, 1000)
    assert guard_history(messages)[1:] == messages[3:]


def test_even_the_newest_message_may_be_too_long() -> None:
    shown = guard_history(talk(10, 10, 5000))
    assert [message.content for message in shown] == ["1" * 10 + "\n\n[NOTICE] 2 messages are omitted."]


@pytest.mark.parametrize("sizes", [(), (1, 1)])
def test_a_conversation_that_ends_with_the_assistant_is_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(PolicyError, match="user first and last"):
        guard_history(talk(*sizes))


def test_a_system_turn_is_refused() -> None:
    with pytest.raises(PolicyError, match="alternation"):
        guard_history((Message(role="system", content="x"), *talk(1)))

"""Thought and action, split for display."""

import pytest

from agenttuning.core.react import ReAct, split_react


@pytest.mark.parametrize(
    ("reply", "thought", "action"),
    [
        ("THOUGHT: look around.\nACTION: go to desk 1", "look around.", "ACTION: go to desk 1"),
        ("Thought: two\nlines\n\n Action: Answer\nFinal Answer: 3", "two\nlines", "Action: Answer\nFinal Answer: 3"),
        ("Think: only this", "only this", ""),
        ("go to desk 1", "", "go to desk 1"),
        ("", "", ""),
    ],
)
def test_split(reply: str, thought: str, action: str) -> None:
    assert split_react(reply) == ReAct(thought=thought, action=action)

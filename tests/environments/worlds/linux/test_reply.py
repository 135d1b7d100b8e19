"""The grammar of replies: one golden for each rule of the benchmark's parser, and no text that breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agenttuning.environments.worlds.linux.reply import AgentReply, read_reply

GOLDENS = {
    "bash": ("Think: look\n\nAct: bash\n\n```bash\nls /\n```", AgentReply("bash", "ls /", "look")),
    "blocks are joined by a blank line": (
        "Act: bash\n```bash\ncd /tmp\n```\nand\n```bash\nls\npwd\n```",
        AgentReply("bash", "cd /tmp\n\nls\npwd"),
    ),
    "blocks before the action count too": ("```bash\nls\n```\nAct: bash", AgentReply("bash", "ls")),
    "a block of another language does not": ("Act: bash\n```python\nls\n```", AgentReply("bash", "")),
    "a block needs its own line at the end": ("Act: bash\n```bash\nls```", AgentReply("bash", "")),
    "an empty block is none": ("Act: bash\n```bash\n```", AgentReply("bash", "")),
    "answer": ("Think: so\nAct: answer(220)", AgentReply("answer", "220", "so")),
    "answer up to the last parenthesis": ("Act: answer(f(x) (y)) ok", AgentReply("answer", "f(x) (y)")),
    "answer with a space": ("Act: answer ( 3 )", AgentReply("answer", " 3 ")),
    "an empty answer is one": ("Act: answer()", AgentReply("answer", "")),
    "answer ends with its line": ("Act: answer(a\nb)", AgentReply(None)),
    "answer without parentheses is passed over": (
        "Act: bash\n```bash\nls\n```\nAct: answer 3",
        AgentReply("bash", "ls"),
    ),
    "finish": ("Think: done\nAct: finish", AgentReply("finish", "", "done")),
    "finish with more words": ("Act: finish the task", AgentReply("finish")),
    "the case of the action is free": ("Act: FINISH", AgentReply("finish")),
    "the case of Act is not": ("act: finish", AgentReply(None)),
    "the last action wins": ("Act: answer(1)\nAct: finish\nAct: answer(2)", AgentReply("answer", "2")),
    "an unknown action is passed over": ("Act: answer(1)\nAct: think harder", AgentReply("answer", "1")),
    "the action may stand on a later line": ("Act:\n\nfinish", AgentReply("finish")),
    "Act within a line": ("I think Act: finish", AgentReply("finish")),
    "thoughts are joined": ("Think: a\nThink: b\nAct: finish", AgentReply("finish", "", "a\nb")),
    "no action": ("Action: bash\n```bash\nls\n```", AgentReply(None)),
    "nothing": ("", AgentReply(None)),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_golden(name: str) -> None:
    reply, expected = GOLDENS[name]
    assert read_reply(reply) == expected


@given(st.text(alphabet=st.sampled_from(list("Act: bashnwerfi()`\n\x00")), max_size=200))
def test_any_text_is_read(text: str) -> None:
    read = read_reply(text)
    assert read.kind in (None, "bash", "answer", "finish")
    assert "\n" not in read.content or read.kind == "bash"

"""What the model is told: the instruction, the worked example, the observations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.core.records import Message

if TYPE_CHECKING:
    from agenttuning.environments.worlds.sandbox.protocol import ShellOutput

MAX_OUTPUT: Final = 800
_KEPT_OUTPUT: Final = 780
INSTRUCTION: Final = """\
You operate a Linux system through a bash shell, as root. I give you a problem: a question about the system, or
something to be changed in it. In each turn, first say what you think, then choose exactly one of three actions:

1. Run commands. Write them in a bash block; nothing in it may wait for input from the keyboard:

Think: what I want to find out or do, and why.

Act: bash

```bash
ls -1 /srv
```

2. End a change that is complete:

Think: why the work is done.

Act: finish

3. Answer a question, with the bare answer between the parentheses:

Think: how I know the answer.

Act: answer(the answer)

You see what your commands print, shortened when it is long. You have 8 turns; answer as soon as you know the answer."""
TINY_INSTRUCTION: Final = (
    "Use the shell. Think, then write Act: bash and a bash block, or Act: answer(...) for a question, "
    "or Act: finish after a change."
)
EXAMPLE_QUESTION: Final = (
    "\n\nNow, my problem is:\n\nWhich of the files in /var/spool/notes has the most lines? Tell me its name."
)
EXAMPLE: Final = (
    Message(
        role="assistant",
        content="Think: first I see which files there are.\n\nAct: bash\n\n```bash\nls -1 /var/spool/notes\n```",
        train=False,
    ),
    Message(role="user", content="The output of the OS:\n\nmonday\nsunday"),
    Message(
        role="assistant",
        content="Think: there are two. wc counts their lines.\n\nAct: bash\n\n```bash\nwc -l /var/spool/notes/*\n```",
        train=False,
    ),
    Message(
        role="user",
        content="The output of the OS:\n\n   4 /var/spool/notes/monday\n  17 /var/spool/notes/sunday\n  21 total",
    ),
    Message(
        role="assistant",
        content="Think: the last line is the total; of the files, sunday has the most lines, 17. The name is wanted "
        "without its folder.\n\nAct: answer(sunday)",
        train=False,
    ),
)
_TERMINAL: Final = re.compile(r"\x1b\][^\x07]*\x07|\x1b\[[0-9;?]*[A-Za-z]|\r")
_PROMPT: Final = re.compile(r"[^\n]*[#$] \Z")
NEW_PROBLEM: Final = "Now, I will start a new problem in a new OS. My problem is:\n\n"


def observe(output: ShellOutput, *, seconds: float = 0) -> str:
    """Return the observation of a command that was given so many seconds, in the benchmark's words."""
    shown = output.text.rstrip("\n")
    if len(shown) > MAX_OUTPUT:
        shown = shown[:_KEPT_OUTPUT] + "\n[truncated because the output is too long]"
    notes = (
        f"[the command did not end within {seconds:g} seconds]" if output.timed_out else "",
        "[the shell is gone; a new one has been started]" if output.restarted else "",
    )
    lines = [line for line in (shown, *notes) if line]
    return "\n".join(("The output of the OS:\n", *lines)) if lines else "The output of the OS is empty."


def printed(text: str) -> str:
    """Return what a command printed, of raw output: without escape codes and the prompt at the end."""
    return _PROMPT.sub("", _TERMINAL.sub("", text))

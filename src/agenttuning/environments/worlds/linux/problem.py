"""One problem for a shell, as data: how the system is prepared and how the end is judged."""

from __future__ import annotations

import re
from typing import Final, Literal

from agenttuning.core.records import Record
from agenttuning.environments.worlds.linux.comparisons import ComparisonName

_ALONE: Final = ("-I", "-S", "-X", "pycache_prefix=/dev/null/none")
"""Python reads no module, no compiled copy and no start file that the agent may have left for it."""


class Script(Record):
    """A program that runs inside the sandbox, apart from the agent's shell."""

    code: str
    language: Literal["bash", "python"] = "bash"

    def arguments(self, *parameters: str) -> tuple[str, ...]:
        """Return the command line; bash and Python both see the parameters from number 1."""
        if self.language == "python":
            return ("python3", *_ALONE, "-c", self.code, *parameters)
        return ("bash", "-c", self.code, "--", *parameters)


class Comparison(Record):
    """A check of the answer against what the entry before it printed; it runs outside the sandbox."""

    compare: ComparisonName


class Example(Record):
    """A check entry that runs the problem's reference and hands on what it prints."""

    run: Literal["example"] = "example"


CheckEntry = Script | Comparison | Example


class Match(Record):
    """A verdict on the answer's text alone."""

    answer: str | None = None
    regex: str | None = None
    """A pattern that must be found; used where `answer` is None."""
    strip: bool = True
    """Take the white space off the agent's answer first."""

    def accepts(self, given: str | None) -> bool:
        """Judge an answer; None, no answer, is wrong."""
        if given is None:
            return False
        text = given.strip() if self.strip else given
        if self.answer is not None:
            return text == self.answer
        return self.regex is not None and re.search(self.regex, text) is not None


class Evaluation(Record):
    """The benchmark's judgement: how the end of an episode is judged: by `match`, else by the chain of `check`."""

    match: Match | None = None
    check: tuple[CheckEntry, ...] = ()
    """Run in order; entry n is given the answer and what the entries before it printed, and each must succeed."""
    example: Script | None = None
    """The reference solution; None where none was published."""

    @property
    def runs_programs(self) -> bool:
        """Does it depend on programs inside the sandbox."""
        return self.match is None


class Expectation(Record):
    """The judgement of a generated problem, whose reference runs in the same sandbox before the agent's first command.

    A question compares the answer with what the reference prints. A change compares what `probe` prints at the end with
    what it printed after the reference; `undo` and the set-up stand between the reference and the agent.
    """

    reference: Script
    answer: str | None = None
    """A question's answer, by which a sandbox whose programs differ is found out."""
    compare: ComparisonName = "string"
    probe: Script | None = None
    undo: Script | None = None

    @property
    def asks(self) -> bool:
        """Is it a question."""
        return self.probe is None

    @property
    def runs_programs(self) -> bool:
        """Does it depend on programs inside the sandbox."""
        return self.probe is not None


class Problem(Record):
    """What a session needs to know."""

    setup: tuple[Script, ...] = ()
    """Run one after another, beside the shell; exit codes do not matter to the benchmark."""
    start: str | None = None
    """Typed into the agent's own shell before its first turn."""
    judgement: Evaluation | Expectation
    needs: tuple[str, ...] = ()
    """Capabilities and programs without which the problem is not itself, in the words of `SandboxFacts.unsupported`."""
    directory: str = "/"
    """Where the shell and the programs beside it begin."""

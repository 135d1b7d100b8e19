"""The rules of a sound dialogue. Each finding names the field, the value and the way out.

Errors make a dialogue unfit for training; warnings ask for a look. What a rule is for, see `RULES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.problems import Problem, shown
from agenttuning.datasets.secret_checks import secrets
from agenttuning.datasets.text_checks import suspicious, text_problems
from agenttuning.datasets.world_checks import house_dialects, world_problems

if TYPE_CHECKING:
    from agenttuning.datasets.dialogue import Dialogue, Turn

RULES: Final[dict[str, str]] = {
    "no_turns": "the dialogue is empty",
    "no_answer": "there is no assistant turn",
    "untrained": "every assistant turn has the flag false: a trainer has nothing to learn, and some stop at it",
    "unknown_flags": "assistant turns of which nobody knows whether they are trained",
    "other_flags": "a flag on a turn that is not the assistant's",
    "empty_turn": "a turn without text or call",
    "alternation": "two turns of one side in a row, or an answer first: chat templates refuse it",
    "late_system": "a system turn that is not the first",
    "last_turn": "the last turn is not an answer, so it is read for nothing",
    "tool_arguments": "arguments of a call that are no JSON object",
    "tool_answer": "a tool's result without the call that it answers",
    "lone_surrogate": "half of a character: no tokenizer takes it",
    "nul": "a NUL character",
    "escape_codes": "terminal escapes or other control characters",
    "encoding": "text that was decoded wrongly: replacement characters, or UTF-8 read as Latin-1",
    "truncated": "an observation with a mark of truncation",
    "html_error": "an answer that is an error page",
    "mind2web_action": "an action that is not CLICK, TYPE or SELECT",
    "mind2web_letter": "an answer that is not among the choices",
    "alfworld_action": "an action that ALFWorld does not know, as left over in dumps",
    "alfworld_dialect": "`put x in/on y` and `move x to y` in one file: two releases of ALFWorld",
    "secret": "a key, token or private key",
    "email": "an e-mail address",
    "duplicate": "the same turns as an earlier dialogue",
    "duplicate_id": "the id of an earlier dialogue",
}
"""Rule -> what it finds. Readers add `no_json`, `torn`, `huge`, `no_object`, `schema`, `role` and `mixed_schema`."""

_Rule = Callable[["Dialogue"], Iterator[Problem]]


class Checker:
    """Applies every rule, and remembers what it has seen: 8 bytes and an entry of a set per dialogue and id."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._ids: set[bytes] = set()
        self._dialects: set[str] = set()

    def check(self, dialogue: Dialogue) -> Iterator[Problem]:
        """Yield what is wrong with a dialogue."""
        for rule in (_whole, _order, _tools, _texts, world_problems):
            yield from rule(dialogue)
        yield from self._repeated(dialogue)
        before, self._dialects = self._dialects, self._dialects | house_dialects(dialogue)
        if len(before) < len(self._dialects) == 2:
            value = "the file has `put x in/on y` and `move x to y`"
            yield Problem("alfworld_dialect", "", value, "do not mix releases of ALFWorld", "warning")

    def _repeated(self, dialogue: Dialogue) -> Iterator[Problem]:
        state = blake2b(digest_size=8)
        for turn in dialogue.turns:
            said = f"{turn.role}\x00{turn.content}\x00{turn.calls}\x01"
            state.update(said.encode("utf-8", "surrogatepass"))
        if dialogue.turns and not _new(state.digest(), self._seen):
            yield Problem("duplicate", "", "has the turns of an earlier one", "--drop keeps the first")
        if dialogue.id is not None:
            name = blake2b(dialogue.id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            if not _new(name, self._ids):
                yield Problem("duplicate_id", "id", shown(dialogue.id), "rename one of the rows", "warning")


def _new(value: bytes, seen: set[bytes]) -> bool:
    before = len(seen)
    seen.add(value)
    return len(seen) > before


def _whole(dialogue: Dialogue) -> Iterator[Problem]:
    answers = [turn for turn in dialogue.turns if turn.role == "assistant"]
    if not dialogue.turns:
        yield Problem("no_turns", "", "has no turns", "remove the row")
    elif not answers:
        yield Problem("no_answer", "", f"{len(dialogue.turns)} turns without an answer", "remove the row")
    elif all(turn.train is False for turn in answers):
        yield Problem(
            "untrained", "", f"all {len(answers)} answers are flagged false", "flag one true, or remove the row"
        )
    if any(turn.train is None for turn in answers):
        value = f"{sum(turn.train is None for turn in answers)} of {len(answers)} answers have no flag"
        yield Problem("unknown_flags", "", value, "write true or false", "warning")
    for index, turn in enumerate(dialogue.turns):
        if turn.train is not None and turn.role != "assistant":
            yield Problem("other_flags", f"turn {index}", str(turn.train), "only answers have a flag; --fix clears it")


def _order(dialogue: Dialogue) -> Iterator[Problem]:
    before: Turn | None = None
    for index, turn in enumerate(dialogue.turns):
        where = f"turn {index}"
        if not turn.content and not turn.calls:
            yield Problem("empty_turn", where, f"the {turn.role} says nothing", "remove the turn or the row")
        if turn.role == "system":
            if index:
                yield Problem("late_system", where, shown(turn.content), "put it into the first turn")
            continue
        if before is None or before.role == "system":
            if turn.role == "assistant":
                yield Problem("alternation", where, "an answer comes first", "remove it; trainers expect a question")
        elif turn.role == before.role and turn.role != "tool":
            yield Problem("alternation", where, f"two {turn.role} turns in a row", "merge them; --fix merges a user's")
        before = turn
    if before is not None and before.role != "assistant" and any(t.role == "assistant" for t in dialogue.turns):
        yield Problem(
            "last_turn", f"turn {len(dialogue.turns) - 1}", f"the {before.role}'s", "--fix cuts it", "warning"
        )


def _tools(dialogue: Dialogue) -> Iterator[Problem]:
    open_calls: set[str | None] = set()
    for index, turn in enumerate(dialogue.turns):
        for number, call in enumerate(turn.calls):
            open_calls.add(call.id)
            if not call.arguments.lstrip().startswith("{"):
                where = f"turn {index}, call {number}"
                yield Problem("tool_arguments", where, shown(call.arguments), "must be a JSON object", "warning")
        if turn.role == "tool" and turn.call_id not in open_calls and not (turn.call_id is None and open_calls):
            yield Problem(
                "tool_answer", f"turn {index}", shown(turn.call_id), "no call before it has this id", "warning"
            )


def _texts(dialogue: Dialogue) -> Iterator[Problem]:
    """Look closely at the turns only where a pass in C over the whole dialogue finds anything."""
    if not suspicious("\n".join([turn.content for turn in dialogue.turns])):
        return
    for index, turn in enumerate(dialogue.turns):
        yield from text_problems(turn, f"turn {index}")
        yield from secrets(turn.content, f"turn {index}")

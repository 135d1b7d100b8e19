"""Gold calls: the benchmark's `actions`, read from text and written from programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.graph.programs import Count, Entity, Intersection, Join, Superlative
from agenttuning.environments.worlds.graph.protocol import Call
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agenttuning.environments.worlds.graph.programs import Program

_CALL: Final = re.compile(r"(\w+)\(([^()]*)\)")


def read_action(text: str) -> Call:
    """Read a gold call such as `get_neighbors(#0,people.person.parents)`.

    Raises:
        DataError: it is of another form.
    """
    found = _CALL.fullmatch(text.strip())
    if found is None:
        raise DataError(f"{text!r} is no call of a tool")
    return Call(found[1], tuple(re.split(r"\s*,\s*", found[2].strip())))


def gold_calls(program: Program) -> tuple[str, ...]:
    """Return the calls that make a program, its own variable being the last."""
    calls: list[str] = []
    _write(program, calls, {})
    return tuple(calls)


def _write(program: Program, calls: list[str], made: dict[Program, str]) -> str:
    """Append the calls of a program; return how later calls name it."""
    if program in made:
        return made[program]
    match program:
        case Entity(name):
            return name
        case Join(relation, of):
            name = _write(of, calls, made)
            calls += [f"get_relations({name})", f"get_neighbors({name},{relation})"]
        case Intersection(left, right):
            names = [_write(left, calls, made), _write(right, calls, made)]
            calls.append(f"intersection({','.join(names)})")
        case Superlative(of, attribute, highest):
            name = _write(of, calls, made)
            calls += [f"get_attributes({name})", f"{'argmax' if highest else 'argmin'}({name},{attribute})"]
        case Count(of):
            calls.append(f"count({_write(of, calls, made)})")
    made[program] = f"#{len(made)}"
    return made[program]


def gold_programs(actions: Iterable[str]) -> list[Program]:
    """Return what each variable of gold calls stands for; the last is the answer.

    Raises:
        DataError: the calls make no variable, or name one that does not exist.
    """
    made: list[Program] = []
    for text in actions:
        call = read_action(text)
        program = _made(call, made)
        if program is not None:
            made.append(program)
    if not made:
        raise DataError("the gold calls make no variable")
    return made


def _made(call: Call, made: list[Program]) -> Program | None:
    match call:
        case Call("get_relations" | "get_attributes", _):
            return None
        case Call("get_neighbors", (of, relation)):
            return Join(relation, _operand(of, made))
        case Call("intersection", (left, right)):
            return Intersection(_operand(left, made), _operand(right, made))
        case Call("argmax" | "argmin", (of, attribute)):
            return Superlative(_operand(of, made), attribute, call.function == "argmax")
        case Call("count", (of,)):
            return Count(_operand(of, made))
        case _:
            raise DataError(f"{call.function}{call.arguments} is no call of a tool")


def _operand(argument: str, made: list[Program]) -> Program:
    if not argument.startswith("#"):
        return Entity(argument)
    index = int(argument[1:]) if argument[1:].isdecimal() else len(made)
    if index >= len(made):
        raise DataError(f"variable {argument!r} does not exist yet")
    return made[index]

"""Accounts and groups, read from and written to the system's own lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import CLOSING
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.editing import DONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from agenttuning.environments.worlds.linux.scene import Scene


@dataclass(frozen=True, slots=True)
class _Account:
    name: str
    number: int
    shell: str


class _Register:
    """Accounts of a made-up team and its groups, appended to `/etc/passwd` and `/etc/group`."""

    def __init__(self, scene: Scene) -> None:
        draw = scene.draw
        self.team = scene.name()
        self.shells = [f"/opt/{scene.name()}/shell", "/bin/bash", "/bin/sh"]
        count = draw.randint(9, 15) if scene.hard else draw.randint(5, 9)
        numbers = draw.sample(range(20_000, 60_000), count)
        self.accounts = [_Account(scene.account(), number, draw.choice(self.shells)) for number in numbers]
        self.groups = {
            scene.name(): tuple(
                sorted(account.name for account in draw.sample(self.accounts, draw.randint(2, count - 1)))
            )
            for _ in range(4)
        }

    @property
    def setup(self) -> str:
        """Bash that appends the lines."""
        users = [
            f"{account.name}:x:{account.number}:{account.number}:{self.team}:/home/{account.name}:{account.shell}"
            for account in self.accounts
        ]
        groups = [
            f"{name}:x:{61_000 + place}:{','.join(members)}"
            for place, (name, members) in enumerate(self.groups.items())
        ]
        return "\n".join(("cat >> /etc/passwd <<'END'", *users, "END", "cat >> /etc/group <<'END'", *groups, "END"))

    @property
    def undo(self) -> str:
        """Bash that takes the lines out."""
        return "\n".join(
            (f"sed -i '/:{self.team}:/d' /etc/passwd", *(f"sed -i '/^{name}:/d' /etc/group" for name in self.groups))
        )

    @property
    def probe(self) -> str:
        """Bash that prints the lines; the order of a group's members does not count."""
        groups = "|".join(self.groups)
        return (
            f"grep ':{self.team}:' /etc/passwd\n"
            f"grep -E '^({groups}):' /etc/group | while IFS=: read -r name _ number members; do\n"
            "  echo $name $number $(tr , '\\n' <<< \"$members\" | LC_ALL=C sort)\n"
            "done"
        )


def _number(scene: Scene) -> Draft:
    register = _Register(scene)
    account = scene.draw.choice(register.accounts)
    text = scene.say(
        f"What is the user ID (a number) of the account {account.name}?",
        f"Tell me the UID of {account.name}.",
    )
    move = Move(
        thought=scene.say("id -u prints the number of an account.", "id knows the UID."),
        command=f"id -u {account.name}",
    )
    return scene.question("users", text, (move,), expected=account.number, closing=CLOSING, setup=register.setup)


def _with_shell(scene: Scene) -> Draft:
    register = _Register(scene)
    shell = register.shells[0]
    expected = sum(account.shell == shell for account in register.accounts)
    text = scene.say(
        f"How many accounts have {shell} as their login shell?",
        f"Count the accounts in /etc/passwd whose login shell is {shell}.",
    )
    moves = (
        Move(
            thought=scene.say("the shell is the last field of a line.", "I look at the form of the lines."),
            command="tail -n 2 /etc/passwd",
        ),
        Move(
            thought=scene.say("I count the lines whose field 7 is this shell.", "awk compares the last field."),
            command=f"awk -F: '$7 == \"{shell}\"' /etc/passwd | wc -l",
        ),
    )
    return scene.question("users", text, moves, expected=expected, closing=CLOSING, setup=register.setup)


def _members(scene: Scene) -> Draft:
    register = _Register(scene)
    group = scene.draw.choice(sorted(register.groups))
    text = scene.say(
        f"How many members does /etc/group list for the group {group}?",
        f"Count the members of the group {group}.",
    )
    moves = (
        Move(
            thought=scene.say("I look at the group's line.", "the members stand in the group's line."),
            command=f"grep '^{group}:' /etc/group",
        ),
        Move(
            thought=scene.say("field 4 holds the members, with commas between.", "I count what the commas separate."),
            command=f"grep '^{group}:' /etc/group | cut -d : -f 4 | tr ',' '\\n' | wc -l",
        ),
    )
    expected = len(register.groups[group])
    return scene.question("users", text, moves, expected=expected, closing=CLOSING, setup=register.setup)


def _change_shell(scene: Scene) -> Draft:
    register = _Register(scene)
    account = scene.draw.choice(register.accounts)
    shell = next(shell for shell in register.shells if shell != account.shell)
    text = scene.say(
        f"Change the login shell of {account.name} to {shell} in /etc/passwd. Change nothing else.",
        f"The account {account.name} must get the login shell {shell}; correct its line in /etc/passwd.",
    )
    moves = (
        Move(
            thought=scene.say("I look at the account's line.", "what does the line say now?"),
            command=f"grep '^{account.name}:' /etc/passwd",
        ),
        Move(
            thought=scene.say("I replace the last field of this one line.", "sed changes what follows the last colon."),
            command=f"sed -i '/^{account.name}:/s,:[^:]*$,:{shell},' /etc/passwd",
        ),
    )
    return scene.change(
        "users", text, moves, closing=DONE, setup=register.setup, probe=register.probe, undo=register.undo
    )


def _join_group(scene: Scene) -> Draft:
    register = _Register(scene)
    group, members = scene.draw.choice(sorted(register.groups.items()))
    account = scene.draw.choice([account for account in register.accounts if account.name not in members])
    text = scene.say(
        f"Add {account.name} to the members of the group {group} in /etc/group.",
        f"Make {account.name} a member of the group {group}, keeping its other members (see /etc/group).",
    )
    moves = (
        Move(
            thought=scene.say("I look at the group's line.", "who is in the group now?"),
            command=f"grep '^{group}:' /etc/group",
        ),
        Move(
            thought=scene.say(
                "I append the name to this line, after a comma.", "one more name at the end of the line."
            ),
            command=f"sed -i '/^{group}:/s/$/,{account.name}/' /etc/group",
        ),
    )
    return scene.change(
        "users", text, moves, closing=DONE, setup=register.setup, probe=register.probe, undo=register.undo
    )


def _in_both(scene: Scene) -> Draft:
    register = _Register(scene)
    first, second = scene.draw.sample(sorted(register.groups), 2)
    expected = len(set(register.groups[first]) & set(register.groups[second]))
    text = f"How many accounts are members of both groups, {first} and {second}, by /etc/group?"
    lists = " ".join(
        f"<(grep '^{group}:' /etc/group | cut -d : -f 4 | tr ',' '\\n' | sort)" for group in (first, second)
    )
    moves = (
        Move(
            thought=scene.say("I look at the two lines.", "the members of both are in two lines."),
            command=f"grep -E '^({first}|{second}):' /etc/group",
        ),
        Move(
            thought=scene.say("comm -12 keeps what two sorted lists share.", "sorted lists can be compared by comm."),
            command=f"comm -12 {lists} | wc -l",
        ),
    )
    return scene.question("users", text, moves, expected=expected, closing=CLOSING, setup=register.setup)


def _highest_of_group(scene: Scene) -> Draft:
    register = _Register(scene)
    group = scene.draw.choice(sorted(register.groups))
    members = register.groups[group]
    chosen = max((account for account in register.accounts if account.name in members), key=lambda one: one.number)
    text = f"Which member of the group {group} has the highest user ID? Answer with the account's name."
    ranking = (
        f"for name in $(grep '^{group}:' /etc/group | cut -d : -f 4 | tr ',' ' '); do "
        'echo "$(id -u $name) $name"; done | sort -rn'
    )
    moves = (
        Move(
            thought=scene.say("who is in the group?", "I see the members first."),
            command=f"grep '^{group}:' /etc/group",
        ),
        Move(
            thought=scene.say("for each member I print the UID and sort.", "a loop over the members gives the UIDs."),
            command=f"{ranking} | head -n 3",
        ),
        Move(
            thought=scene.say("the first is the highest; I keep the name.", "only the name of the first line."),
            command=f"{ranking} | head -n 1 | cut -d ' ' -f 2",
        ),
    )
    return scene.question("users", text, moves, expected=chosen.name, closing=CLOSING, setup=register.setup)


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_number, _with_shell, _members, _change_shell, _join_group)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_join_group, _in_both, _highest_of_group)

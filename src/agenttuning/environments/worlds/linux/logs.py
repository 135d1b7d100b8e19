"""Questions about logs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import CLOSING
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

_LEVELS: Final = ("INFO", "INFO", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class _Entry:
    time: str
    level: str
    service: str
    user: str
    milliseconds: int

    @property
    def line(self) -> str:
        return f"2024-05-17 {self.time} {self.level} {self.service} user={self.user} ms={self.milliseconds}"


class _Log:
    """A log of some services and users, in the order of time."""

    def __init__(self, scene: Scene) -> None:
        draw = scene.draw
        self.services = [scene.name() for _ in range(4)]
        self.users = [scene.account() for _ in range(5)]
        seconds = sorted(draw.sample(range(86_400), draw.randint(80, 200) if scene.hard else draw.randint(20, 60)))
        self.entries = [
            _Entry(
                time=f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",
                level=draw.choice(_LEVELS),
                service=draw.choice(self.services),
                user=draw.choice(self.users),
                milliseconds=draw.randint(1, 900),
            )
            for second in seconds
        ]
        self.path = scene.path(scene.add(File(tuple(entry.line for entry in self.entries)), ending=".log"))

    def head(self, scene: Scene) -> Move:
        """Return the look at the first lines."""
        return Move(
            thought=scene.say(
                "I look at the first lines to learn the format.",
                "what does a line of this log look like?",
                "a few lines will show me the columns.",
            ),
            command=f"head -n 3 {self.path}",
        )


def _level_of_service(scene: Scene) -> Draft | None:
    log = _Log(scene)
    service, level = scene.draw.choice(log.services), scene.draw.choice(("INFO", "WARNING", "ERROR"))
    expected = sum(entry.service == service and entry.level == level for entry in log.entries)
    if not expected:
        return None
    text = scene.say(
        f"How many lines of level {level} did the service {service} write to {log.path}?",
        f"Count the {level} lines of the service {service} in the log {log.path}.",
    )
    count = Move(
        thought=scene.say(
            "level and service stand side by side, so one grep is enough.",
            "column 3 is the level and column 4 the service; I count the lines with both.",
        ),
        command=f"grep -c ' {level} {service} ' {log.path}",
    )
    return scene.question("logs", text, (log.head(scene), count), expected=expected, closing=CLOSING)


def _busiest(scene: Scene) -> Draft | None:
    log = _Log(scene)
    level = scene.draw.choice(("ERROR", "INFO"))
    ranked = Counter(entry.service for entry in log.entries if entry.level == level).most_common()
    if len(ranked) < 2 or ranked[0][1] == ranked[1][1]:
        return None
    text = scene.say(
        f"Which service wrote the most {level} lines to {log.path}? Answer with its name.",
        f"Name the service with the highest number of {level} lines in {log.path}.",
    )
    counting = f"awk '$3 == \"{level}\" {{print $4}}' {log.path} | sort | uniq -c | sort -rn"
    moves = (
        log.head(scene),
        Move(
            thought=scene.say(
                "column 4 is the service; sort, uniq -c and sort -rn rank the services.",
                "I count the lines of each service.",
            ),
            command=f"{counting} | head -n 3",
        ),
        Move(
            thought=scene.say("the first one is it; only the name is wanted.", "I keep the name of the first."),
            command=f"{counting} | head -n 1 | awk '{{print $2}}'",
        ),
    )
    return scene.question("logs", text, moves, expected=ranked[0][0], closing=CLOSING)


def _time_of_user(scene: Scene) -> Draft:
    log = _Log(scene)
    user = scene.draw.choice(log.users)
    expected = sum(entry.milliseconds for entry in log.entries if entry.user == user)
    text = scene.say(
        f"Every line of {log.path} ends with ms=, the time in milliseconds. How many milliseconds did the user "
        f"{user} take in all?",
        f"Add up the ms= values of all lines of user {user} in {log.path} and tell me the sum.",
    )
    total = Move(
        thought=scene.say(
            "I split at '=', so the last field is the number, and add up the user's lines.",
            "awk with = between fields gives the number as the last field.",
        ),
        command=f"grep 'user={user} ' {log.path} | awk -F= '{{sum += $NF}} END {{print sum + 0}}'",
    )
    return scene.question("logs", text, (log.head(scene), total), expected=expected, closing=CLOSING)


def _first_time(scene: Scene) -> Draft | None:
    log = _Log(scene)
    level, service = scene.draw.choice(("ERROR", "WARNING")), scene.draw.choice(log.services)
    times = [entry.time for entry in log.entries if (entry.level, entry.service) == (level, service)]
    if not times:
        return None
    word, tool, place = scene.draw.choice((("first", "head", 0), ("last", "tail", -1)))
    text = scene.say(
        f"At what time (HH:MM:SS) did the service {service} write its {word} {level} line to {log.path}?",
        f"Give me the time of day of the {word} {level} line of {service} in {log.path}, as HH:MM:SS.",
    )
    find = Move(
        thought=scene.say(
            f"the log is in the order of time, so {tool} -n 1 gives the {word}; column 2 is the time.",
            f"I filter the lines and take the time of the {word} one.",
        ),
        command=f"grep ' {level} {service} ' {log.path} | {tool} -n 1 | cut -d ' ' -f 2",
    )
    return scene.question("logs", text, (log.head(scene), find), expected=times[place], closing=CLOSING)


def _users_between(scene: Scene) -> Draft:
    log = _Log(scene)
    start = scene.draw.randint(5, 12)
    end = start + scene.draw.randint(4, 8)
    low, high = f"{start:02}:00:00", f"{end:02}:00:00"
    expected = len(
        {entry.user for entry in log.entries if low <= entry.time < high and entry.level in ("ERROR", "WARNING")}
    )
    text = f"How many different users have a WARNING or ERROR line in {log.path} at or after {low} and before {high}?"
    condition = f'$2 >= "{low}" && $2 < "{high}" && ($3 == "ERROR" || $3 == "WARNING")'
    moves = (
        log.head(scene),
        Move(
            thought=scene.say("the user is column 5; which lines pass?", "I count the lines that pass first."),
            command=f"awk '{condition}' {log.path} | wc -l",
        ),
        Move(
            thought=scene.say("sort -u keeps each user once.", "now the different values of column 5."),
            command=f"awk '{condition} {{print $5}}' {log.path} | sort -u | wc -l",
        ),
    )
    return scene.question("logs", text, moves, expected=expected, closing=CLOSING)


def _slowest(scene: Scene) -> Draft | None:
    log = _Log(scene)
    service = scene.draw.choice(log.services)
    times = sorted(
        ((entry.milliseconds, entry.user) for entry in log.entries if entry.service == service), reverse=True
    )
    if len(times) < 2 or times[0][0] == times[1][0]:
        return None
    text = f"Which user waited longest (the highest ms= value) for the service {service} in {log.path}?"
    ranking = f"awk '$4 == \"{service}\"' {log.path} | tr '=' ' ' | sort -k 8,8nr"
    moves = (
        log.head(scene),
        Move(
            thought=scene.say(
                "with = turned into a space, the number is column 8 and the user column 6; I sort by the number.",
                "I make columns of user and number and sort downwards.",
            ),
            command=f"{ranking} | head -n 2",
        ),
        Move(
            thought=scene.say("the first line's user is the answer.", "I print the user of the first line."),
            command=f"{ranking} | head -n 1 | awk '{{print $6}}'",
        ),
    )
    return scene.question("logs", text, moves, expected=times[0][1], closing=CLOSING)


STANDARD: Final[tuple[Callable[[Scene], Draft | None], ...]] = (
    _level_of_service,
    _busiest,
    _time_of_user,
    _first_time,
)
HARD: Final[tuple[Callable[[Scene], Draft | None], ...]] = (_busiest, _users_between, _slowest)

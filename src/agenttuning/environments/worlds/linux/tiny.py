"""The smallest setting: one folder, short names, one command and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.archives import archive_state
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

_WORDS: Final = (
    "apple",
    "bread",
    "chair",
    "door",
    "green",
    "house",
    "light",
    "music",
    "paper",
    "river",
    "stone",
    "water",
)
_KEYS: Final = ("size", "speed", "level", "limit", "width", "depth")
_ENDINGS: Final = (".txt", ".log", ".csv")
_ANSWER: Final = ("the output is the answer.",)
_DONE: Final = ("it is done.",)


def _count_files(scene: Scene) -> Draft:
    wanted, other = scene.draw.sample(_ENDINGS, 2)
    count = scene.draw.randint(2, 9)
    for place in range(count + scene.draw.randint(1, 4)):
        scene.add(File(), ending=wanted if place < count else other)
    move = Move(thought=f"I count the {wanted} files.", command=f"ls {scene.root} | grep -c '{wanted}$'")
    text = f"How many {wanted} files are in {scene.root}?"
    return scene.question("count", text, (move,), expected=count, closing=_ANSWER)


def _count_lines(scene: Scene) -> Draft:
    word, other = scene.draw.sample(_WORDS, 2)
    lines = [word] * scene.draw.randint(2, 9) + [other] * scene.draw.randint(1, 5)
    scene.draw.shuffle(lines)
    path = scene.path(scene.add(File(tuple(lines)), ending=".txt"))
    move = Move(thought=f"I count the lines with {word}.", command=f"grep -c {word} {path}")
    text = f"How many lines of {path} say {word}?"
    return scene.question("logs", text, (move,), expected=lines.count(word), closing=_ANSWER)


def _find_word(scene: Scene) -> Draft:
    word, other = scene.draw.sample(_WORDS, 2)
    paths = [scene.add(File((other,)), ending=".txt") for _ in range(scene.draw.randint(2, 5))]
    chosen = scene.draw.choice(paths)
    scene.files[chosen] = File((word,))
    move = Move(thought=f"I search for {word}.", command=f"grep -l {word} {scene.root}/*")
    text = f"Which file in {scene.root} says {word}? Give its path."
    return scene.question("find", text, (move,), expected=scene.path(chosen), closing=_ANSWER)


def _read_value(scene: Scene) -> Draft:
    values = {key: str(scene.draw.randint(10, 99)) for key in scene.draw.sample(_KEYS, 3)}
    path = scene.path(scene.add(File(tuple(f"{key}={value}" for key, value in values.items())), ending=".conf"))
    key = scene.draw.choice(sorted(values))
    move = Move(thought=f"I read the {key}.", command=f"grep {key} {path} | cut -d = -f 2")
    text = f"What is the {key} in {path}?"
    return scene.question("pipelines", text, (move,), expected=values[key], closing=_ANSWER)


def _mode(scene: Scene) -> Draft:
    mode = scene.draw.choice((0o600, 0o640, 0o644, 0o700, 0o755))
    path = scene.path(scene.add(File((scene.draw.choice(_WORDS),), mode=mode), ending=".txt"))
    move = Move(thought="I print the mode.", command=f"stat -c %a {path}")
    text = f"What is the mode of {path} in octal?"
    return scene.question("permissions", text, (move,), expected=f"{mode:o}", closing=_ANSWER)


def _set_mode(scene: Scene) -> Draft:
    mode = scene.draw.choice((600, 640, 700, 755))
    path = scene.path(scene.add(File((scene.draw.choice(_WORDS),)), ending=".txt"))
    move = Move(thought="I set the mode.", command=f"chmod {mode} {path}")
    return scene.change("permissions", f"Set the mode of {path} to {mode}.", (move,), closing=_DONE)


def _append(scene: Scene) -> Draft:
    word, first = scene.draw.sample(_WORDS, 2)
    path = scene.path(scene.add(File((first,)), ending=".txt"))
    move = Move(thought=f"I add {word} at the end.", command=f"echo {word} >> {path}")
    return scene.change("edit", f"Add a line with {word} at the end of {path}.", (move,), closing=_DONE)


def _rename(scene: Scene) -> Draft:
    old, new = (
        scene.path(scene.add(File((scene.draw.choice(_WORDS),)), ending=".txt")),
        scene.path(f"{scene.name()}.txt"),
    )
    move = Move(thought="I rename the file.", command=f"mv {old} {new}")
    return scene.change("edit", f"Rename {old} to {new}.", (move,), closing=_DONE)


def _delete(scene: Scene) -> Draft:
    wanted, other = scene.draw.sample(_ENDINGS, 2)
    for place in range(scene.draw.randint(3, 6)):
        scene.add(File(), ending=wanted if place < 2 else other)
    move = Move(thought=f"I delete the {wanted} files.", command=f"rm {scene.root}/*{wanted}")
    return scene.change("edit", f"Delete all {wanted} files in {scene.root}.", (move,), closing=_DONE)


def _compress(scene: Scene) -> Draft:
    path = scene.path(scene.add(File((scene.draw.choice(_WORDS),)), ending=".txt"))
    move = Move(thought="I compress it.", command=f"gzip {path}")
    probe = archive_state(scene.root)
    return scene.change("archives", f"Compress {path} with gzip.", (move,), closing=_DONE, probe=probe)


def _account_number(scene: Scene) -> Draft:
    name, number = scene.account(), scene.draw.randint(20_000, 60_000)
    line = f"{name}:x:{number}:{number}::/home/{name}:/bin/sh"
    move = Move(thought="I ask for the number.", command=f"id -u {name}")
    text = f"What is the user ID of {name}?"
    setup = f"echo '{line}' >> /etc/passwd"
    return scene.question("users", text, (move,), expected=number, closing=_ANSWER, setup=setup)


TEMPLATES: Final[tuple[Callable[[Scene], Draft], ...]] = (
    _count_files,
    _count_lines,
    _find_word,
    _read_value,
    _mode,
    _set_mode,
    _append,
    _rename,
    _delete,
    _compress,
    _account_number,
)

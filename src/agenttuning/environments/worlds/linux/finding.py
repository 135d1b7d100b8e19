"""Questions whose answer is a file's path or name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import grow, look
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOSING: Final = (
    "this is the file that was asked for.",
    "only one path is left, so I give it.",
    "the output names the file.",
)


def _by_name(scene: Scene) -> Draft:
    grow(scene, (".txt", ".log"), files=scene.draw.randint(6, 12))
    wanted = scene.add(File(scene.prose(2)), ending=".conf", folder=scene.draw.choice(scene.folders))
    name = wanted.rpartition("/")[2]
    text = scene.say(
        f"Somewhere under {scene.root} there is a file named {name}. Tell me its full path.",
        f"What is the full path of the file {name} below {scene.root}?",
        f"I forgot where in {scene.root} I put {name}. Give me the absolute path of this file.",
    )
    move = Move(
        thought=scene.say(
            "find with -name prints the full path when it starts from a full path.",
            "I search the tree for that name.",
            "the name is known exactly, so find -name is enough.",
        ),
        command=f"find {scene.root} -type f -name {name}",
    )
    return scene.question("find", text, (move,), expected=scene.path(wanted), closing=_CLOSING)


def _by_content(scene: Scene) -> Draft:
    grow(scene, (".txt", ".md"), files=scene.draw.randint(8, 14))
    phrase = f"{scene.name().replace('-', ' ')} {scene.draw.randint(100, 999)}"
    inner = scene.draw.choice(sorted(scene.files))
    lines = list(scene.files[inner].lines)
    lines.insert(scene.draw.randint(0, len(lines)), phrase)
    scene.files[inner] = File(tuple(lines))
    text = scene.say(
        f"Which file under {scene.root} contains the text '{phrase}'? Answer with its full path.",
        f"One file below {scene.root} mentions '{phrase}'. Give me its full path.",
    )
    search = Move(
        thought=scene.say(
            "grep -rl prints the names of files that contain the text.",
            "I search all files below the folder and print only the matching path.",
        ),
        command=f"grep -rl '{phrase}' {scene.root}",
    )
    return scene.question("find", text, (look(scene), search), expected=scene.path(inner), closing=_CLOSING)


def _largest(scene: Scene) -> Draft:
    folders = scene.add_folders(3)
    sizes = scene.draw.sample(range(2, 30), scene.draw.randint(6, 10))
    for size in sizes:
        scene.add(File(("0123456789 " * 2,) * size), ending=".dat", folder=scene.draw.choice(folders))
    largest, word, order = scene.draw.choice(((True, "largest", "-rn"), (False, "smallest", "-n")))
    chosen = (max if largest else min)(scene.files, key=lambda path: scene.files[path].size)
    text = scene.say(
        f"Give me the full path of the {word} file under {scene.root}.",
        f"Which file below {scene.root}, in any folder, is the {word}? Answer with the full path.",
    )
    moves = (
        look(scene),
        Move(
            thought=scene.say(
                "I print size and path of every file, sort by the size and see the first lines.",
                "with -printf I get sizes in bytes; sorting shows the order.",
            ),
            command=f"find {scene.root} -type f -printf '%s %p\\n' | sort {order} | head -n 2",
        ),
        Move(
            thought=scene.say("the first line is it; I print only its path.", "now the same with the path alone."),
            command=f"find {scene.root} -type f -printf '%s %p\\n' | sort {order} | head -n 1 | cut -d ' ' -f 2",
        ),
    )
    return scene.question("find", text, moves, expected=scene.path(chosen), closing=_CLOSING)


def _executable(scene: Scene) -> Draft:
    folders = scene.add_folders(3)
    for _ in range(scene.draw.randint(6, 10)):
        mode = scene.draw.choice((0o644, 0o640, 0o600))
        scene.add(File(("#!/bin/bash", "exit 0"), mode=mode), ending=".sh", folder=scene.draw.choice(folders))
    chosen = scene.draw.choice(sorted(scene.files))
    scene.files[chosen] = File(("#!/bin/bash", "exit 0"), mode=0o755)
    text = scene.say(
        f"Exactly one file under {scene.root} may be executed by its owner. Tell me its full path.",
        f"Find the only executable file below {scene.root} and answer with its full path.",
    )
    search = Move(
        thought=scene.say(
            "-perm -u+x keeps files whose owner may execute them; folders must stay out.",
            "I ask find for regular files with the owner's execute bit.",
        ),
        command=f"find {scene.root} -type f -perm -u+x",
    )
    return scene.question("find", text, (look(scene), search), expected=scene.path(chosen), closing=_CLOSING)


def _newest(scene: Scene) -> Draft:
    folders = scene.add_folders(4)
    days = scene.draw.sample(range(1, 300), scene.draw.randint(9, 14))
    for place, day in enumerate(days):
        changed = f"{date(2021, 1, 1) + timedelta(days=day)} 06:30"
        ending = ".csv" if place < 5 else scene.draw.choice((".csv", ".txt"))
        scene.add(File(scene.prose(1), changed=changed), ending=ending, folder=scene.draw.choice(folders))
    ages = {path: day for path, day in zip(scene.files, days, strict=True) if path.endswith(".csv")}
    newest, word, order = scene.draw.choice(((True, "most recently", "-rn"), (False, "least recently", "-n")))
    chosen = (max if newest else min)(ages, key=lambda path: ages[path])
    text = f"Of all .csv files under {scene.root}, which was changed {word}? Answer with its full path."
    listing = f"find {scene.root} -type f -name '*.csv' -printf '%T@ %p\\n' | sort {order} | head -n 1"
    moves = (
        look(scene),
        Move(
            thought=scene.say(
                "%T@ is the time of the last change in seconds; sorted, the first line is the one.",
                "I sort the .csv files by their time of change.",
            ),
            command=listing,
        ),
        Move(
            thought=scene.say("I cut the time off.", "the answer is the path alone."),
            command=f"{listing} | cut -d ' ' -f 2",
        ),
    )
    return scene.question("find", text, moves, expected=scene.path(chosen), closing=_CLOSING)


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_by_name, _by_content, _largest, _executable)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_by_content, _largest, _newest)

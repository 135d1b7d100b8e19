"""Changes of what files hold, what they are called and where they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import grow, look
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.names import KEYS
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

DONE: Final = (
    "the change is made, so I finish.",
    "everything that was asked for is done.",
    "the files are as they should be.",
)


def settings(scene: Scene, count: int) -> dict[str, str]:
    """Draw settings of a configuration file."""
    return {key: str(scene.draw.randint(10, 999)) for key in scene.draw.sample(KEYS, count)}


def _show(path: str, scene: Scene) -> Move:
    return Move(
        thought=scene.say(
            "I look at the file before I change it.",
            "first I want to see how the file is written.",
            "let me read the file.",
        ),
        command=f"cat {path}",
    )


def _set_key(scene: Scene) -> Draft:
    values = settings(scene, scene.draw.randint(4, 7))
    path = scene.path(scene.add(File(tuple(f"{key}={value}" for key, value in values.items())), ending=".conf"))
    scene.add(File(tuple(f"{key}={value}" for key, value in values.items())), ending=".conf")
    key = scene.draw.choice(sorted(values))
    value = scene.draw.randint(1000, 9999)
    text = scene.say(
        f"In {path}, set {key} to {value} and leave everything else as it is.",
        f"Change the value of {key} in the file {path} to {value}. Nothing else may change.",
        f"The setting {key} in {path} must be {value}. Correct it, please, in place.",
    )
    change = Move(
        thought=scene.say(
            f"the line starts with {key}=, so sed can replace what follows.",
            "I replace the value in place, anchored at the key.",
        ),
        command=f"sed -i 's/^{key}=.*/{key}={value}/' {path}",
    )
    return scene.change("edit", text, (_show(path, scene), change, _verify(f"grep {key} {path}", scene)), closing=DONE)


def _verify(command: str, scene: Scene) -> Move:
    return Move(
        thought=scene.say("I check the result.", "let me see whether it worked.", "a look at the outcome."),
        command=command,
    )


def _drop_lines(scene: Scene) -> Draft:
    word = scene.words(1)[0]
    lines = [
        f"{line} {word}" if place % 3 == 1 else line
        for place, line in enumerate(scene.prose(scene.draw.randint(6, 10), without=word))
    ]
    path = scene.path(scene.add(File(tuple(lines)), ending=".txt"))
    text = scene.say(
        f"Delete every line that contains the word {word} from {path}.",
        f"Remove all lines with the word {word} from the file {path}; keep the others in their order.",
    )
    change = Move(
        thought=scene.say(
            f"sed with /{word}/d deletes those lines in place.",
            "deleting by pattern in place is one sed command.",
        ),
        command=f"sed -i '/{word}/d' {path}",
    )
    return scene.change("edit", text, (_show(path, scene), change), closing=DONE)


def _append_everywhere(scene: Scene) -> Draft:
    grow(scene, (".md", ".txt"), files=scene.draw.randint(5, 9))
    scene.add(File(scene.prose(2)), ending=".md")
    line = f"checked by {scene.account()}"
    text = scene.say(
        f"Append the line '{line}' to the end of every .md file under {scene.root}, and to no other file.",
        f"Every file below {scene.root} that ends with .md needs '{line}' as a new last line.",
    )
    change = Move(
        thought=scene.say(
            "a loop over what find prints appends the line to each.",
            "sed's $a appends after the last line; find gives it only the .md files.",
        ),
        command=f"find {scene.root} -type f -name '*.md' -exec sed -i '$a {line}' {{}} +",
    )
    check = _verify(f"grep -rlx '{line}' {scene.root} | wc -l", scene)
    return scene.change("edit", text, (look(scene), change, check), closing=DONE)


def _rename_all(scene: Scene) -> Draft:
    grow(scene, (".bak", ".txt"), files=scene.draw.randint(6, 10))
    scene.add(File(scene.prose(2)), ending=".bak")
    text = scene.say(
        f"Rename every file under {scene.root} that ends with .bak so that it ends with .old instead.",
        f"All .bak files below {scene.root} must get the ending .old in place of .bak. Do it.",
    )
    change = Move(
        thought=scene.say(
            "for each file I cut the old ending off with ${f%.bak} and put the new one on.",
            "a loop with mv does it; the shell strips the ending for me.",
        ),
        command=f'find {scene.root} -type f -name \'*.bak\' | while read -r f; do mv "$f" "${{f%.bak}}.old"; done',
    )
    check = _verify(f"find {scene.root} -name '*.old' | wc -l", scene)
    return scene.change("edit", text, (look(scene), change, check), closing=DONE)


def _set_key_everywhere(scene: Scene) -> Draft:
    folders = scene.add_folders(4)
    key, mode = scene.draw.sample(KEYS, 2)
    old, new = scene.draw.sample(range(10, 99), 2)
    for place in range(scene.draw.randint(7, 11)):
        chosen = scene.draw.choice(("on", "off")) if place else "on"
        lines = (f"{mode}={chosen}", f"{key}={old}", *scene.prose(1))
        scene.add(File(lines), ending=".conf", folder=scene.draw.choice(folders))
    text = (
        f"In every .conf file under {scene.root} that has the line {mode}=on, set {key} to {new}. "
        "The other files must stay as they are."
    )
    moves = (
        look(scene),
        Move(
            thought=scene.say("how many files have that line?", "I see first which files are meant."),
            command=f"grep -rlx '{mode}=on' {scene.root} | sort | head -n 4",
        ),
        Move(
            thought=scene.say(
                "grep -lx picks the files, xargs hands them to sed.",
                "only those files go through sed.",
            ),
            command=f"grep -rlx '{mode}=on' {scene.root} | xargs sed -i 's/^{key}=.*/{key}={new}/'",
        ),
        _verify(f"grep -rx '{key}={new}' {scene.root} | wc -l", scene),
    )
    return scene.change("edit", text, moves, closing=DONE)


def _collect_files(scene: Scene) -> Draft:
    grow(scene, (".csv", ".txt"), files=scene.draw.randint(7, 12))
    scene.add(File(scene.prose(2)), ending=".csv", folder=scene.draw.choice(scene.folders))
    target = scene.path(scene.name())
    text = scene.say(
        f"Make the folder {target} and move all .csv files from anywhere below {scene.root} into it.",
        f"Collect every .csv file under {scene.root} in the new folder {target}; move them, do not copy.",
    )
    change = Move(
        thought=scene.say(
            "I make the folder, then find moves the files; -not -path leaves the target alone.",
            "mkdir first, then mv -t with all that find gives.",
        ),
        command=f"mkdir {target} && find {scene.root} -type f -name '*.csv' -not -path '{target}/*' "
        f"-exec mv -t {target} {{}} +",
    )
    check = _verify(f"ls -1 {target} | wc -l", scene)
    return scene.change("edit", text, (look(scene), change, check), closing=DONE)


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_set_key, _drop_lines, _append_everywhere, _rename_all)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_append_everywhere, _set_key_everywhere, _collect_files)

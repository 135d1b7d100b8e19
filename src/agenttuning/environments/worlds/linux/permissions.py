"""Modes of files and folders: questions about them and changes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import CLOSING, look
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.editing import DONE
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

_MODES: Final = (0o600, 0o640, 0o644, 0o660, 0o664, 0o666, 0o700, 0o744, 0o750, 0o755, 0o775)


def _fill(scene: Scene, *endings: str) -> None:
    folders = scene.add_folders(4 if scene.hard else 2)
    for _ in range(scene.draw.randint(10, 16) if scene.hard else scene.draw.randint(5, 9)):
        scene.add(
            File(scene.prose(1), mode=scene.draw.choice(_MODES)),
            ending=scene.draw.choice(endings),
            folder=scene.draw.choice(folders),
        )


def _show_modes(scene: Scene) -> Move:
    return Move(
        thought=scene.say(
            "I list the modes as they are.",
            "first the present permissions of some files.",
            "let me see modes and names.",
        ),
        command=f"find {scene.root} -type f -printf '%m %p\\n' | sort | head -n 5",
    )


def _mode_of(scene: Scene) -> Draft:
    _fill(scene, ".txt", ".sh")
    path = scene.draw.choice(sorted(scene.files))
    text = scene.say(
        f"What is the mode of {scene.path(path)} in octal, such as 644?",
        f"Tell me the permissions of the file {scene.path(path)} as an octal number of three digits.",
    )
    move = Move(
        thought=scene.say("stat -c %a prints the mode in octal.", "stat knows the octal form."),
        command=f"stat -c %a {scene.path(path)}",
    )
    return scene.question("permissions", text, (move,), expected=f"{scene.files[path].mode:o}", closing=CLOSING)


def _writable_by_others(scene: Scene) -> Draft:
    _fill(scene, ".txt", ".log", ".dat")
    scene.add(File(scene.prose(1), mode=0o666), ending=".txt")
    expected = sum(bool(file.mode & 0o002) for file in scene.files.values())
    text = scene.say(
        f"How many regular files under {scene.root} may be written by everybody (others)?",
        f"Count the files below {scene.root} that others have write permission for.",
    )
    count = Move(
        thought=scene.say("-perm -o+w keeps what others may write.", "I count files with the write bit of others."),
        command=f"find {scene.root} -type f -perm -o+w | wc -l",
    )
    return scene.question("permissions", text, (_show_modes(scene), count), expected=expected, closing=CLOSING)


def _set_mode(scene: Scene) -> Draft:
    _fill(scene, ".txt", ".sh")
    path = scene.draw.choice(sorted(scene.files))
    mode = scene.draw.choice([mode for mode in (0o400, 0o640, 0o711, 0o754) if mode != scene.files[path].mode])
    owner, group, others = (
        "".join(letter if bits & value else "-" for letter, value in (("r", 4), ("w", 2), ("x", 1)))
        for bits in (mode >> 6 & 7, mode >> 3 & 7, mode & 7)
    )
    text = scene.say(
        f"Set the permissions of {scene.path(path)} to {mode:o}.",
        f"Give {scene.path(path)} exactly these permissions: owner {owner}, group {group}, others {others}.",
    )
    moves = (
        Move(
            thought=scene.say("what is the mode now?", "I look at the mode first."),
            command=f"stat -c '%a %n' {scene.path(path)}",
        ),
        Move(
            thought=scene.say(f"the wanted mode is {mode:o} in octal.", f"chmod {mode:o} sets all three groups."),
            command=f"chmod {mode:o} {scene.path(path)}",
        ),
    )
    return scene.change("permissions", text, moves, closing=DONE)


def _make_executable(scene: Scene) -> Draft:
    _fill(scene, ".sh", ".txt")
    scene.add(File(("#!/bin/bash",), mode=0o644), ending=".sh")
    text = scene.say(
        f"Make all .sh files under {scene.root} executable for their owner; change no other permission.",
        f"The owner must be able to execute every .sh file below {scene.root}. Add that right and nothing more.",
    )
    moves = (
        _show_modes(scene),
        Move(
            thought=scene.say(
                "chmod u+x adds just this one bit; find picks the files.",
                "I add the bit instead of setting a whole mode, so the rest stays.",
            ),
            command=f"find {scene.root} -type f -name '*.sh' -exec chmod u+x {{}} +",
        ),
    )
    return scene.change("permissions", text, moves, closing=DONE)


def _files_and_folders(scene: Scene) -> Draft:
    _fill(scene, ".txt", ".log", ".dat")
    for_files, for_folders = scene.draw.choice(((0o640, 0o750), (0o600, 0o700), (0o660, 0o770)))
    text = scene.say(
        f"Set all regular files under {scene.root} to {for_files:o} and all folders, {scene.root} included, "
        f"to {for_folders:o}.",
        f"Below {scene.root}, every file shall have mode {for_files:o} and every folder mode {for_folders:o}; "
        "the folder itself too.",
    )
    moves = (
        look(scene),
        Move(
            thought=scene.say("two passes of find: files first.", "I begin with the files."),
            command=f"find {scene.root} -type f -exec chmod {for_files:o} {{}} +",
        ),
        Move(
            thought=scene.say("now the folders; find starts with the top one.", "and the folders."),
            command=f"find {scene.root} -type d -exec chmod {for_folders:o} {{}} +",
        ),
    )
    return scene.change("permissions", text, moves, closing=DONE)


def _close_to_others(scene: Scene) -> Draft:
    _fill(scene, ".conf", ".log", ".txt")
    scene.add(File(("mode=open",), mode=0o666), ending=".conf")
    text = (
        f"Take every right of others away from the .conf files under {scene.root} that others may write. "
        "Leave all other files and rights alone."
    )
    moves = (
        _show_modes(scene),
        Move(
            thought=scene.say("which .conf files may others write?", "I see first what is concerned."),
            command=f"find {scene.root} -type f -name '*.conf' -perm -o+w | wc -l",
        ),
        Move(
            thought=scene.say("o= clears the rights of others only.", "the same find, now with chmod o=."),
            command=f"find {scene.root} -type f -name '*.conf' -perm -o+w -exec chmod o= {{}} +",
        ),
    )
    return scene.change("permissions", text, moves, closing=DONE)


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_mode_of, _writable_by_others, _set_mode, _make_executable)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_writable_by_others, _files_and_folders, _close_to_others)

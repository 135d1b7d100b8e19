"""Programs that run in the background: questions about them, and orders to end some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import CLOSING
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.editing import DONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agenttuning.environments.worlds.linux.scene import Scene

_LONGEST_NAME: Final = 15
"""Characters of a program's name that the kernel keeps."""


def _program(scene: Scene) -> str:
    while True:
        name = scene.name()
        if len(name) <= _LONGEST_NAME:
            return name


def _running(scene: Scene, runs: Sequence[tuple[str, int, str]]) -> str:
    """Return bash that starts programs, each a (name, seconds, folder below the root), apart from any shell."""
    names = sorted({name for name, _, _ in runs})
    folders = sorted({scene.path(folder) for _, _, folder in runs})
    starts = [
        f"(cd {scene.path(folder)} && exec setsid {scene.root}/bin/{name} {seconds}) > /dev/null 2>&1 < /dev/null &"
        for name, seconds, folder in runs
    ]
    copies = [f'cp "$(command -v sleep)" {scene.root}/bin/{name}' for name in names]
    waiting = f'until [ "$({_alive(scene)} | wc -l)" -ge {len(runs)} ]; do sleep 0.02; done'
    return "\n".join((_end_all(scene), f"mkdir -p {scene.root}/bin {' '.join(folders)}", *copies, *starts, waiting))


def _alive(scene: Scene) -> str:
    """Return bash that prints the program file of each running program of the scene."""
    return f"(for each in /proc/[0-9]*; do readlink $each/exe; done) 2> /dev/null | grep '^{scene.root}/bin/' | sort"


def _end_all(scene: Scene) -> str:
    return (
        "for each in /proc/[0-9]*; do\n"
        f'case "$(readlink $each/exe 2> /dev/null)" in {scene.root}/bin/*) kill -9 ${{each#/proc/}};; esac\n'
        f"done\nrm -rf {scene.root}"
    )


def _state(scene: Scene) -> str:
    """Return the probe; a program needs a moment to die."""
    return f"sleep 0.1\n{_alive(scene)}"


def _listing(scene: Scene) -> Move:
    return Move(
        thought=scene.say(
            "I see which programs run, and how often.",
            "first a list of all programs by name.",
            "let me look at the processes.",
        ),
        command='names=$(ps -e -o comm=); sort <<< "$names" | uniq -c',
    )


def _count(scene: Scene, name: str) -> Move:
    return Move(
        thought=scene.say(
            "pgrep -x matches the whole name, -c counts.",
            "I count the processes with exactly this name.",
        ),
        command=f"pgrep -c -x {name}",
    )


def _how_many(scene: Scene) -> Draft:
    wanted, other = _program(scene), _program(scene)
    count = scene.draw.randint(2, 6)
    runs = [(wanted, 5000 + place, "") for place in range(count)]
    runs += [(other, 6000 + place, "") for place in range(scene.draw.randint(1, 4))]
    scene.draw.shuffle(runs)
    text = scene.say(
        f"How many processes of the program {wanted} are running?",
        f"Count the running processes named {wanted}.",
    )
    return scene.question(
        "processes", text, (_count(scene, wanted),), expected=count, closing=CLOSING, setup=_running(scene, runs)
    )


def _argument(scene: Scene) -> Draft:
    wanted, *others = (_program(scene) for _ in range(4))
    seconds = scene.draw.randint(7000, 9999)
    runs = [(wanted, seconds, ""), *((other, scene.draw.randint(7000, 9999), "") for other in others)]
    scene.draw.shuffle(runs)
    text = scene.say(
        f"A program named {wanted} is running. With which number as its argument was it started?",
        f"Tell me the argument, a number, of the running process {wanted}.",
    )
    moves = (
        Move(
            thought=scene.say("ps -o args shows the command line.", "I look at its whole command line."),
            command=f"ps -C {wanted} -o args=",
        ),
        Move(
            thought=scene.say("the second word is the argument.", "I print only the second word."),
            command=f"ps -C {wanted} -o args= | awk '{{print $2}}'",
        ),
    )
    return scene.question("processes", text, moves, expected=seconds, closing=CLOSING, setup=_running(scene, runs))


def _working_folder(scene: Scene) -> Draft:
    wanted, *others = (_program(scene) for _ in range(3))
    folders = scene.draw.sample(scene.add_folders(4)[1:], 3)
    runs = [(name, 5000, folder) for name, folder in zip((wanted, *others), folders, strict=True)]
    text = scene.say(
        f"In which folder does the running program {wanted} work? Answer with its full path.",
        f"The process {wanted} has a working directory. Give me its full path.",
    )
    moves = (
        _count(scene, wanted),
        Move(
            thought=scene.say(
                "/proc/PID/cwd is a link to the working folder.",
                "the kernel shows the working folder of a process as the link cwd in /proc.",
            ),
            command=f"readlink /proc/$(pgrep -x {wanted})/cwd",
        ),
    )
    return scene.question(
        "processes", text, moves, expected=scene.path(folders[0]), closing=CLOSING, setup=_running(scene, runs)
    )


def _end_program(scene: Scene) -> Draft:
    wanted, other = _program(scene), _program(scene)
    runs = [(wanted, 5000 + place, "") for place in range(scene.draw.randint(1, 4))]
    runs += [(other, 6000 + place, "") for place in range(scene.draw.randint(1, 4))]
    text = scene.say(
        f"End all processes of the program {wanted}; every other process must go on.",
        f"The program {wanted} runs wild. Stop all its processes, but no others.",
    )
    moves = (
        _listing(scene),
        Move(
            thought=scene.say("pkill -x ends exactly the processes of that name.", "I end them by their exact name."),
            command=f"pkill -x {wanted}",
        ),
        Move(
            thought=scene.say("does the other program still run?", "I make sure that the rest goes on."),
            command=f"ps -C {other} -o comm= | sort | uniq -c",
        ),
    )
    setup = _running(scene, runs)
    return scene.change("processes", text, moves, closing=DONE, setup=setup, probe=_state(scene), undo=_end_all(scene))


def _end_by_folder(scene: Scene) -> Draft:
    names = [_program(scene) for _ in range(4)]
    kept, left = scene.draw.sample(scene.add_folders(4)[1:], 2)
    runs = [(name, 5000, left if place < 2 else kept) for place, name in enumerate(names)]
    scene.draw.shuffle(runs)
    folder = scene.path(left)
    text = (
        f"End every process whose working directory is {folder}. The processes that work in other folders must go on."
    )
    moves = (
        _listing(scene),
        Move(
            thought=scene.say(
                "how many work there? Their cwd link in /proc tells.",
                "I look for processes whose cwd link is that folder.",
            ),
            command=f"readlink /proc/[0-9]*/cwd 2> /dev/null | grep -c -x {folder}",
        ),
        Move(
            thought=scene.say(
                "I end those whose link is the folder.", "a loop over all processes ends the right ones."
            ),
            command=f'for p in /proc/[0-9]*; do if [ "$(readlink $p/cwd 2> /dev/null)" = {folder} ]; '
            "then kill ${p#/proc/}; fi; done",
        ),
    )
    setup = _running(scene, runs)
    return scene.change("processes", text, moves, closing=DONE, setup=setup, probe=_state(scene), undo=_end_all(scene))


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_how_many, _argument, _end_program)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_working_folder, _end_program, _end_by_folder)

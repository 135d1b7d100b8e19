"""Questions that a count of files, folders or lines answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

ENDINGS: Final = (".txt", ".log", ".csv", ".conf", ".md", ".dat", ".json", ".bak")
CLOSING: Final = (
    "the output is the answer.",
    "that value answers the question.",
    "nothing else is needed, so I give this value.",
    "the command printed exactly what was asked for.",
)


def grow(scene: Scene, endings: tuple[str, ...], *, files: int) -> None:
    """Fill the scene with folders and files of some endings."""
    folders = scene.add_folders(scene.draw.randint(4, 7) if scene.hard else scene.draw.randint(2, 4))
    for _ in range(files):
        scene.add(
            File(scene.prose(scene.draw.randint(1, 6))),
            ending=scene.draw.choice(endings),
            folder=scene.draw.choice(folders),
        )


def look(scene: Scene) -> Move:
    """Return the first move of a careful expert: see what is there."""
    thought = scene.say(
        "I first look at what the folder holds.",
        f"let me see how {scene.root} is laid out before I do anything.",
        "I do not know this folder yet, so I list the beginning of it.",
        "a short listing will show me names and depth.",
    )
    return Move(thought=thought, command=f"find {scene.root} | sort | head -n 6")


def _files_with_ending(scene: Scene) -> Draft:
    endings = tuple(scene.draw.sample(ENDINGS, 3))
    grow(scene, endings, files=scene.draw.randint(12, 24) if scene.hard else scene.draw.randint(6, 14))
    wanted = endings[0]
    scene.folders.append(f"{scene.name()}{wanted}")
    text = scene.say(
        f"How many regular files with the ending {wanted} are in {scene.root}, counting all folders below it?",
        f"Count the {wanted} files anywhere under {scene.root}. Folders do not count.",
        f"Tell me the number of regular files below {scene.root} whose name ends with {wanted}.",
    )
    count = Move(
        thought=scene.say(
            "find goes through all folders; -type f leaves out folders that only look like files.",
            "I let find list the regular files with that ending and count the lines.",
            "there are folders inside, so I count recursively and only regular files.",
        ),
        command=f"find {scene.root} -type f -name '*{wanted}' | wc -l",
    )
    expected = sum(path.endswith(wanted) for path in scene.files)
    return scene.question("count", text, (look(scene), count), expected=expected, closing=CLOSING)


def _folders(scene: Scene) -> Draft:
    grow(scene, (".txt", ".log"), files=scene.draw.randint(4, 9))
    scene.add_folders(scene.draw.randint(0, 4))
    text = scene.say(
        f"How many folders are below {scene.root}, at any depth? Do not count {scene.root} itself.",
        f"Count the directories inside {scene.root} recursively, the folder itself left out.",
    )
    count = Move(
        thought=scene.say(
            "-mindepth 1 leaves out the folder itself, -type d leaves out the files.",
            "I count directories only, from depth 1 on.",
        ),
        command=f"find {scene.root} -mindepth 1 -type d | wc -l",
    )
    return scene.question("count", text, (look(scene), count), expected=len(scene.folders), closing=CLOSING)


def _hidden(scene: Scene) -> Draft:
    folder = scene.draw.choice(scene.add_folders(2))
    hidden = scene.draw.randint(2, 7)
    for place in range(hidden + scene.draw.randint(2, 6)):
        scene.add(File(scene.prose(1)), ending=scene.draw.choice((".txt", "")), folder=folder, hidden=place < hidden)
    scene.add(File(), ending="", folder=scene.add_folders(1)[-1], hidden=True)
    where = scene.path(folder).rstrip("/")
    inside = [path for path in scene.files if path.rpartition("/")[0] == folder]
    expected = sum(path.rpartition("/")[2].startswith(".") for path in inside)
    text = scene.say(
        f"How many hidden files lie directly in {where}? Folders below it do not count.",
        f"Count the files in {where} whose name starts with a dot, without looking into its folders.",
    )
    moves = (
        Move(
            thought=scene.say("ls -A shows hidden names too.", "I list the folder with its hidden names."),
            command=f"ls -1A {where}",
        ),
        Move(
            thought=scene.say(
                "now I count only regular files that start with a dot, at depth 1.",
                "I must not descend and must not count folders, so I limit find to one level.",
            ),
            command=f"find {where} -maxdepth 1 -type f -name '.*' | wc -l",
        ),
    )
    return scene.question("count", text, moves, expected=expected, closing=CLOSING)


def _lines_with_word(scene: Scene) -> Draft:
    word = scene.words(1)[0]
    folders = scene.add_folders(3)
    for _ in range(scene.draw.randint(5, 9)):
        lines = [
            f"{line} {word}" if scene.draw.random() < 0.3 else line
            for line in scene.prose(scene.draw.randint(2, 8), without=word)
        ]
        scene.add(File(tuple(lines)), ending=scene.draw.choice((".txt", ".md")), folder=scene.draw.choice(folders))
    kept = [file for path, file in scene.files.items() if path.endswith(".txt")]
    expected = sum(word in line.split() for file in kept for line in file.lines)
    text = scene.say(
        f"In all .txt files under {scene.root}, how many lines contain the word {word}?",
        f"Count the lines with the word {word} over all files below {scene.root} that end with .txt.",
    )
    count = Move(
        thought=scene.say(
            "grep -h prints the lines without file names; -w takes whole words; then I count.",
            "I search only .txt files, recursively, for the whole word and count the lines.",
        ),
        command=f"grep -rhw --include='*.txt' {word} {scene.root} | wc -l",
    )
    return scene.question("count", text, (look(scene), count), expected=expected, closing=CLOSING)


def _large_with_word(scene: Scene) -> Draft:
    word = scene.words(1)[0]
    folders = scene.add_folders(4)
    for _ in range(scene.draw.randint(10, 18)):
        lines = scene.prose(scene.draw.randint(1, 12), without=word)
        chosen = (*lines, word) if scene.draw.random() < 0.5 else lines
        scene.add(File(chosen), ending=scene.draw.choice((".log", ".txt")), folder=scene.draw.choice(folders))
    limit = scene.draw.choice((100, 150, 200))
    expected = sum(
        path.endswith(".log") and file.size > limit and word in file.lines for path, file in scene.files.items()
    )
    text = (
        f"How many .log files under {scene.root} are larger than {limit} bytes and contain a line that is "
        f"exactly the word {word}?"
    )
    moves = (
        look(scene),
        Move(
            thought=scene.say(
                f"-size +{limit}c means more than {limit} bytes; I see how many files pass this alone.",
                "first the files that pass by ending and size.",
            ),
            command=f"find {scene.root} -type f -name '*.log' -size +{limit}c | wc -l",
        ),
        Move(
            thought=scene.say(
                "of these, grep -lx names the files with a line that is the whole word; I count the names.",
                "now I keep those with such a line and count them.",
            ),
            command=f"find {scene.root} -type f -name '*.log' -size +{limit}c -exec grep -lx {word} {{}} + | wc -l",
        ),
    )
    return scene.question("count", text, moves, expected=expected, closing=CLOSING)


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_files_with_ending, _folders, _hidden, _lines_with_word)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_files_with_ending, _lines_with_word, _large_with_word)

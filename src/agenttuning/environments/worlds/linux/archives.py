"""Archives: what is inside, taking out, putting in, compressing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import CLOSING
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.editing import DONE, settings
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable


def archive_state(root: str) -> str:
    """Return bash that prints a folder's files; of archives, what they hold, since their bytes carry times."""
    return (
        f"cd {root} || exit 0\n"
        "find . -printf '%y %m %p\\n' | LC_ALL=C sort\n"
        "find . -type f -not -name '*.gz' -exec sha256sum {} + | LC_ALL=C sort -k 2\n"
        "for each in $(find . -name '*.tar.gz' | LC_ALL=C sort); do\n"
        "  for member in $(tar -tzf $each | grep -v '/$' | LC_ALL=C sort); do\n"
        "    echo ${member#./} $(tar -xOzf $each $member | sha256sum)\n"
        "  done\n"
        "done\n"
        "for each in $(find . -name '*.gz' -not -name '*.tar.gz' | LC_ALL=C sort); do zcat $each | sha256sum; done"
    )


def _packed(scene: Scene, folder: str, archive: str) -> str:
    """Return the set-up with one folder of the scene packed away."""
    return scene.setup(f"cd {scene.root} && tar -czf {archive} {folder} && rm -rf {folder}")


def _fill(scene: Scene) -> tuple[str, str]:
    """Fill one folder and return its name and that of the archive it goes into."""
    folder = scene.name()
    inner = f"{folder}/{scene.name()}"
    scene.folders += [folder, inner]
    for _ in range(scene.draw.randint(8, 14) if scene.hard else scene.draw.randint(4, 8)):
        ending = scene.draw.choice((".txt", ".md"))
        scene.add(File(scene.prose(2)), ending=ending, folder=scene.draw.choice((folder, inner)))
    return folder, f"{scene.name()}.tar.gz"


def _list(scene: Scene, archive: str) -> Move:
    return Move(
        thought=scene.say(
            "tar -tzf lists an archive without unpacking it.",
            "I look into the archive first.",
            "what is in the archive?",
        ),
        command=f"tar -tzf {archive} | sort | head -n 5",
    )


def _members(scene: Scene) -> Draft:
    folder, name = _fill(scene)
    scene.add(File(scene.prose(2)), ending=".txt", folder=folder)
    archive = scene.path(name)
    expected = sum(path.endswith(".txt") for path in scene.files)
    text = scene.say(
        f"How many .txt files are in the archive {archive}?",
        f"Count the files ending with .txt that {archive} holds.",
    )
    count = Move(
        thought=scene.say("I count the names that end with .txt.", "grep -c with the ending anchored counts them."),
        command=f"tar -tzf {archive} | grep -c '\\.txt$'",
    )
    return scene.question(
        "archives",
        text,
        (_list(scene, archive), count),
        expected=expected,
        closing=CLOSING,
        setup=_packed(scene, folder, name),
    )


def _value_inside(scene: Scene) -> Draft:
    folder, name = _fill(scene)
    values = settings(scene, 4)
    inner = scene.add(File(tuple(f"{key}={value}" for key, value in values.items())), ending=".conf", folder=folder)
    key = scene.draw.choice(sorted(values))
    archive = scene.path(name)
    text = scene.say(
        f"The archive {archive} holds one .conf file. What is the value of {key} in it?",
        f"Tell me the value of {key} in the .conf file inside {archive}.",
    )
    moves = (
        Move(
            thought=scene.say("which member is the .conf file?", "I look for the .conf file in the list."),
            command=f"tar -tzf {archive} | grep '\\.conf$'",
        ),
        Move(
            thought=scene.say("tar -xO writes a member to the output.", "I read that member without unpacking."),
            command=f"tar -xOzf {archive} {inner} | grep '^{key}=' | cut -d = -f 2",
        ),
    )
    return scene.question(
        "archives", text, moves, expected=values[key], closing=CLOSING, setup=_packed(scene, folder, name)
    )


def _unpack(scene: Scene) -> Draft:
    folder, name = _fill(scene)
    archive, target = scene.path(name), scene.path(scene.name())
    text = scene.say(
        f"Unpack {archive} into the new folder {target}; keep the archive.",
        f"Make the folder {target} and extract {archive} into it. The archive stays where it is.",
    )
    moves = (
        _list(scene, archive),
        Move(
            thought=scene.say("tar -C unpacks into another folder.", "I make the folder and unpack with -C."),
            command=f"mkdir {target} && tar -xzf {archive} -C {target}",
        ),
    )
    return scene.change(
        "archives",
        text,
        moves,
        closing=DONE,
        setup=_packed(scene, folder, name),
        probe=archive_state(scene.root),
    )


def _pack(scene: Scene) -> Draft:
    folder, name = _fill(scene)
    archive = scene.path(name)
    text = scene.say(
        f"Pack the folder {scene.path(folder)} into the gzip-compressed archive {archive}, with names that begin "
        f"with {folder}/. Keep the folder.",
        f"Create {archive} (tar with gzip) from the folder {scene.path(folder)}, so that unpacking it gives a folder "
        f"{folder}. The folder itself stays.",
    )
    moves = (
        Move(
            thought=scene.say("with -C the names start at the folder.", "I pack from the folder above."),
            command=f"tar -C {scene.root} -czf {archive} {folder}",
        ),
        _list(scene, archive),
    )
    return scene.change("archives", text, moves, closing=DONE, probe=archive_state(scene.root))


def _compress(scene: Scene) -> Draft:
    folder, _ = _fill(scene)
    text = scene.say(
        f"Compress every .md file under {scene.path(folder)} with gzip, each by itself; NAME.md becomes NAME.md.gz.",
        f"All .md files below {scene.path(folder)} take too much room: gzip each of them in place.",
    )
    scene.add(File(scene.prose(3)), ending=".md", folder=folder)
    moves = (
        Move(
            thought=scene.say("which files are meant?", "how many .md files are there?"),
            command=f"find {scene.path(folder)} -type f -name '*.md' | wc -l",
        ),
        Move(
            thought=scene.say("gzip replaces each file by its .gz.", "find hands the files to gzip."),
            command=f"find {scene.path(folder)} -type f -name '*.md' -exec gzip {{}} +",
        ),
    )
    return scene.change("archives", text, moves, closing=DONE, probe=archive_state(scene.root))


def _pack_some(scene: Scene) -> Draft:
    folder, name = _fill(scene)
    scene.add(File(scene.prose(3)), ending=".md", folder=folder)
    archive = scene.path(name)
    text = (
        f"Pack all .md files, and only these, from below {scene.path(folder)} into {archive} (tar with gzip), with "
        f"names that begin with {folder}/. Then delete the packed files from the folder."
    )
    find = f"cd {scene.root} && find {folder} -type f -name '*.md'"
    moves = (
        Move(
            thought=scene.say("which files are meant?", "I list some of them."),
            command=f"{find} | sort | head -n 3",
        ),
        Move(
            thought=scene.say("tar -T - reads the names from find.", "find gives the names to tar."),
            command=f"{find} | tar -czf {archive} -T -",
        ),
        Move(
            thought=scene.say("the archive holds them, so they can go.", "now I delete the packed files."),
            command=f"{find} -delete && tar -tzf {archive} | wc -l",
        ),
    )
    return scene.change("archives", text, moves, closing=DONE, probe=archive_state(scene.root))


STANDARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_members, _value_inside, _unpack, _pack, _compress)
HARD: Final[tuple[Callable[[Scene], Draft], ...]] = (_value_inside, _compress, _pack_some)

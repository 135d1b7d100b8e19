"""One drawn folder tree, with the draws that a problem about it needs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.draft import Draft, Family, Move
from agenttuning.environments.worlds.linux.names import WORDS, draw_account, draw_name, draw_short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TOPS: Final = ("/srv", "/opt", "/var/lib", "/root")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the tree."""

    lines: tuple[str, ...] = ()
    mode: int = 0o644
    changed: str | None = None
    """When it was last changed, for `touch -d`; None leaves it at the set-up's own time."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(line) + 1 for line in self.lines)


class Scene:
    """A folder of its own; `test` decides which names may stand in it."""

    def __init__(self, seed: str, *, test: bool, hard: bool = False, short: bool = False) -> None:
        self.draw = random.Random(seed)
        self.test, self.hard, self.short = test, hard, short
        self._taken: set[str] = set()
        self.root = f"/srv/{self.name()}" if short else f"{self.draw.choice(_TOPS)}/{self.name()}"
        self.folders: list[str] = []
        self.files: dict[str, File] = {}
        """By their path below the root."""

    def name(self) -> str:
        """Draw a name that this scene has not used yet."""
        kind = draw_short_name if self.short else draw_name
        name = kind(self.draw, test=self.test, taken=self._taken)
        self._taken.add(name)
        return name

    def account(self) -> str:
        """Draw a login name that this scene has not used yet."""
        name = draw_account(self.draw, test=self.test, taken=self._taken)
        self._taken.add(name)
        return name

    def say(self, *phrasings: str) -> str:
        """Choose one of several phrasings."""
        return self.draw.choice(phrasings)

    def words(self, count: int) -> list[str]:
        """Draw different common words."""
        return self.draw.sample(WORDS, count)

    def prose(self, count: int, *, without: str = "") -> tuple[str, ...]:
        """Draw lines of common words."""
        known = [word for word in WORDS if word != without]
        return tuple(" ".join(self.draw.sample(known, self.draw.randint(3, 7))) for _ in range(count))

    def add_folders(self, count: int) -> list[str]:
        """Add folders below the root or below one another and return all of them, the root as an empty string."""
        for _ in range(count):
            above = self.draw.choice(["", *self.folders])
            self.folders.append(f"{above}/{self.name()}".lstrip("/"))
        return ["", *self.folders]

    def add(self, file: File, *, ending: str, folder: str = "", hidden: bool = False) -> str:
        """Add a file under a fresh name and return its path below the root."""
        path = f"{folder}/{'.' if hidden else ''}{self.name()}{ending}".lstrip("/")
        self.files[path] = file
        return path

    def path(self, inner: str) -> str:
        """Return the full path."""
        return f"{self.root}/{inner}"

    def setup(self, *more: str) -> str:
        """Return the bash that makes the tree anew, then runs `more`."""
        folders = [self.root, *(self.path(folder) for folder in self.folders)]
        lines = [f"rm -rf {self.root}", "umask 022", f"mkdir -p {' '.join(folders)}"]
        for inner, file in self.files.items():
            lines += _writing(self.path(inner), file)
        return "\n".join((*lines, *more))

    def question(
        self,
        family: Family,
        text: str,
        moves: Iterable[Move],
        *,
        expected: str | int,
        closing: Sequence[str],
        setup: str | None = None,
    ) -> Draft:
        """Make a question, whose last command prints the answer."""
        return Draft(
            family=family,
            text=text,
            setup=self.setup() if setup is None else setup,
            moves=tuple(moves),
            closing=self.say(*closing),
            expected=str(expected),
        )

    def change(
        self,
        family: Family,
        text: str,
        moves: Iterable[Move],
        *,
        closing: Sequence[str],
        setup: str | None = None,
        probe: str | None = None,
        undo: str | None = None,
    ) -> Draft:
        """Make a change, judged by everything in the folder unless a probe says otherwise."""
        return Draft(
            family=family,
            text=text,
            setup=self.setup() if setup is None else setup,
            moves=tuple(moves),
            closing=self.say(*closing),
            probe=tree_state(self.root) if probe is None else probe,
            undo=f"rm -rf {self.root}" if undo is None else undo,
        )


def tree_state(root: str) -> str:
    """Return bash that prints what is in a folder: kinds, modes, names, link targets, contents."""
    return (
        f"cd {root} || exit 0\n"
        "find . -printf '%y %m %p %l\\n' | LC_ALL=C sort\n"
        "find . -type f -exec sha256sum {} + | LC_ALL=C sort -k 2"
    )


def _writing(path: str, file: File) -> list[str]:
    lines = [f"cat > {path} <<'END'", *file.lines, "END"] if file.lines else [f": > {path}"]
    if file.mode != 0o644:
        lines.append(f"chmod {file.mode:o} {path}")
    if file.changed is not None:
        lines.append(f"touch -d '{file.changed}' {path}")
    return lines

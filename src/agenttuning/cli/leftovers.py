"""`agenttuning doctor --clean`: end and remove what killed runs and power cuts left behind, and old caches.

`agenttuning doctor` lists the same and touches nothing. Runs that are alive, of this or of another user, keep all that
is theirs.
"""

from __future__ import annotations

import json
from collections import Counter

from agenttuning.core.orphans import Leftover, held, leftovers, remove, size_of
from agenttuning.environments.worlds.sandbox.cache import remove_built
from agenttuning.environments.worlds.sandbox.rootfs import outdated

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def find() -> list[Leftover]:
    """Return all that may go; caches that a living run uses stay."""
    used = held()
    caches = [
        Leftover(kind="cache", owner="", told="old root file system", path=path, size=size_of(path))
        for path in outdated()
        if path not in used
    ]
    return [*leftovers(), *caches]


def clean(*, as_json: bool) -> int:
    """Remove what is left behind and say so; exits with 1 when something could not be removed."""
    found = find()
    gone = remove(one for one in found if one.kind != "cache")
    gone += [one for one in found if one.kind == "cache" and one.path is not None and remove_built(one.path)]
    kept = [one for one in found if one not in gone]
    if as_json:
        rows = {"removed": [one.model_dump(mode="json") for one in gone], "kept": [one.told for one in kept]}
        print(json.dumps({**rows, "bytes": _bytes(gone)}))
        return int(bool(kept))
    for one in gone:
        if one.kind != "entry":
            print(f"{'ended' if one.kind == 'program' else 'removed'} {described(one)}")
    for one in kept:
        print(f"could not remove {described(one)}")
    print(f"{summary(gone)}: removed" if summary(gone) else "nothing is left behind")
    return int(bool(kept))


def described(one: Leftover) -> str:
    """Say what one thing is, where, and how large."""
    return one.told if one.path is None else f"{one.path} ({size(one.size)}): {one.told}"


def summary(found: list[Leftover]) -> str:
    """Count things by kind, with their size; empty for nothing but entries."""
    counts = Counter(one.kind for one in found if one.kind != "entry")
    told = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items())
    return f"{told}, {size(_bytes(found))}" if told else ""


def size(count: float) -> str:
    """Write bytes for people."""
    for unit in _UNITS[:-1]:
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} {_UNITS[-1]}"


def _bytes(found: list[Leftover]) -> int:
    return sum(one.size for one in found if one.kind != "entry")

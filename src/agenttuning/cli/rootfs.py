"""`agenttuning data rootfs`: build the root file system of the Operating System world's sandboxes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning.errors import RecipeError, nearest

if TYPE_CHECKING:
    from argparse import Namespace

    from agenttuning.environments.worlds.sandbox.rootfs import SourceName

_SOURCES: dict[str, SourceName] = {
    "host": "host",
    "debootstrap": "debootstrap",
    "mmdebstrap": "mmdebstrap",
    "tarball": "tarball",
}


def main(arguments: Namespace) -> int:
    """Build it, or find the one that is built, and print where it is and what it lacks."""
    from agenttuning.environments.worlds.sandbox.lacks import lacking
    from agenttuning.environments.worlds.sandbox.rootfs import build_rootfs, description

    name, *rest = arguments.source
    if name not in _SOURCES:
        raise RecipeError(f"--from {name!r}: known are {', '.join(_SOURCES)}{nearest(name, _SOURCES)}")
    if len(rest) != (name == "tarball"):
        raise RecipeError("--from tarball needs the tarball's path, and only that one")
    rootfs = build_rootfs(_SOURCES[name], tarball=Path(rest[0]) if rest else None, target=arguments.to)
    absent = sorted(lacking(rootfs, users=True, network=False))
    if arguments.json:
        print(json.dumps({"rootfs": str(rootfs), "digest": description(rootfs), "unsupported": absent}))
        return 0
    print(f"root file system: {rootfs}\nuse it with: sandbox.rootfs={rootfs}\nlacks: {', '.join(absent)}")
    return 0

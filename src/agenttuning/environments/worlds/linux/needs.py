"""What an official item asks of a sandbox, read from its scripts: accounts, owners, installed packages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.problem import Script

if TYPE_CHECKING:
    from agenttuning.environments.worlds.linux.official import Item

_COMMENTS: Final = re.compile(r"^\s*#.*$", re.MULTILINE)
_COMMAND: Final = r"(?:^|[;&|(`\n]|\bthen|\bdo)\s*(?:sudo\s+)?"
"""Where a command's name may stand."""
_SIGNS: Final = {
    "useradd": re.compile(_COMMAND + r"(?:useradd|adduser|groupadd|usermod)\b"),
    "chown": re.compile(_COMMAND + r"(?:chown|chgrp|su|runuser)\b"),
    "sudo": re.compile(_COMMAND + r"sudo\b|\binstall\s+sudo\b"),
    "network": re.compile(_COMMAND + r"(?:wget|curl)\s+\S*https?:"),
}
_PACKAGES: Final = {"packages": ("npm",)}
"""What an image holds beyond the default one."""
_INSTALL: Final = re.compile(r"\bapt(?:-get)?\s+(?:-\S+\s+)*install\s+(?:-\S+\s+)*([a-z][\w.+-]*)")


def needs(item: Item) -> tuple[str, ...]:
    """Return the words, sorted; a package that an item installs counts by its name: a sandbox may hold it already."""
    evaluation = item.evaluation
    scripts = [*item.setup, *(entry for entry in evaluation.check if isinstance(entry, Script))]
    if evaluation.example is not None:
        scripts.append(evaluation.example)
    text = _COMMENTS.sub("", "\n".join((item.start or "", *(script.code for script in scripts))))
    found = {word for word, sign in _SIGNS.items() if sign.search(text)}
    return tuple(sorted({*found, *_INSTALL.findall(text), *_PACKAGES.get(item.image, ())}))

"""Where programs inside begin: their folder and their environment, which holds nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Home:
    """The beginnings of the shell and of programs beside it."""

    folder: str = "/"
    """Where they start."""
    home: str = "/root"
    user: str = "root"

    def program(self, *words: bytes) -> list[bytes]:
        """Return a program as the supervisor takes it: folder, number of variables, variables, words."""
        variables = {
            "HOME": self.home,
            "LANG": "C.UTF-8",
            "LOGNAME": self.user,
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "SHELL": "/bin/bash",
            "TERM": "xterm",
            "USER": self.user,
        }
        entries = [f"{name}={value}".encode() for name, value in variables.items()]
        return [self.folder.encode(), b"%d" % len(entries), *entries, *words]

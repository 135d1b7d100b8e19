"""What the supervisor keeps and what its children get."""

from __future__ import annotations

import os
import resource

from agenttuning.environments.worlds.sandbox.inside.kernel import Kernel


class Privileges:
    """What children may have; set once, before anything of the agent runs."""

    def __init__(self, settings: dict[bytes, bytes]) -> None:
        self.kernel = Kernel()
        self.capabilities = int(settings[b"capabilities"])
        self.confined = settings[b"confined"] == b"1"
        limits = [entry.split(b"=") for entry in settings[b"limits"].split()]
        self.limits = [(getattr(resource, name.decode()), int(value)) for name, value in limits]

    def settle(self, settings: dict[bytes, bytes]) -> None:
        """Give up everything that only the start needed."""
        for mounted in settings[b"read_only"].decode().split():
            self.kernel.make_read_only(mounted)
        if folder := settings[b"hide"].decode():
            self.kernel.detach(folder)
            os.rmdir(folder)  # noqa: PTH106
        self.kernel.prctl(4, 0)
        self.kernel.prctl(36, 1)
        if self.confined:
            mask = self.capabilities | int(settings[b"own_capability"])
            self.kernel.keep_capabilities(mask, bounding=mask)
        self.kernel.prctl(38, 1)
        if settings[b"filter"]:
            self.kernel.load_filter(settings[b"filter"])

    def confine_child(self) -> None:
        """Between fork and exec: less than the parent has."""
        if self.confined:
            self.kernel.keep_capabilities(self.capabilities, bounding=self.capabilities)
        for limit, value in self.limits:
            hard = resource.getrlimit(limit)[1]
            lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(limit, (lower, lower))

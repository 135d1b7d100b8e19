"""The Chromium process: started from the installed program, its profile in a private folder, both gone when we are."""

from __future__ import annotations

import os
import shutil
import time
from typing import Final

from agenttuning.core.belongings import private_folder
from agenttuning.environments.worlds.keeper import Keeper
from agenttuning.errors import MissingExtraError, WorldError

PROGRAM_VARIABLE: Final = "AGENTTUNING_CHROMIUM"
"""Names a program to start instead of the first one that is known on PATH."""
_PROGRAMS: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_START_SECONDS: Final = 60.0
_FLAGS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=MediaRouter,OptimizationHints,Translate,AutofillServerCommunication",
    "--force-color-profile=srgb",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",  # names are for proxies to look up
    "--force-device-scale-factor=1",
    "--lang=en-US",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-service-autorun",
    "--password-store=basic",
    "--remote-debugging-port=0",
)


def missing_program() -> str:
    """Return what must be installed before a browser can be started, or an empty string."""
    if _program():
        return ""
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        return f"{PROGRAM_VARIABLE} names {named!r}, which is no program; correct it or unset it"
    return f"no Chromium on PATH; install Debian's package {_PROGRAMS[0]}, or name a program in {PROGRAM_VARIABLE}"


def _program() -> str | None:
    named = os.environ.get(PROGRAM_VARIABLE)
    return next(filter(None, map(shutil.which, [named] if named else _PROGRAMS)), None)


class BrowserProcess:
    """A running Chromium; `close` ends it."""

    def __init__(self) -> None:
        program = _program()
        if program is None:
            raise MissingExtraError(missing_program())
        self.folder = private_folder("browser")
        self._keeper = self._start(program)
        self.endpoint = self._wait()

    @property
    def ours(self) -> bool:
        """Was it started by this process, not by the one that this was forked from."""
        return self._keeper.ours

    def _start(self, program: str) -> Keeper:
        rootless = () if os.geteuid() else ("--no-sandbox",)
        command = [program, *_FLAGS, *rootless, f"--user-data-dir={self.folder}/profile", "about:blank"]
        homes = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(self.folder))
        return Keeper(command, folder=self.folder, group=True, log=self.folder / "log", variables=homes)

    def _wait(self) -> str:
        port = self.folder / "profile" / "DevToolsActivePort"
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            lines = port.read_text().splitlines() if port.is_file() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.02)
        told = (self.folder / "log").read_text(errors="replace").strip()[-300:]
        self.close()
        raise WorldError(f"Chromium did not start within {_START_SECONDS:.0f} s: {told}")

    def close(self) -> None:
        """End the browser and remove what it wrote. Safe to call twice; a forked child leaves its parent's alone."""
        self._keeper.close()

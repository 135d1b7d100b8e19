"""A Virtuoso server of our own: started from Debian's program, private to this process, gone when it is gone.

It listens on two free ports of the loopback interface, keeps its data in a folder that only its account may enter (in
memory where the machine has such a folder), and gets a random password before anything is loaded. A `Keeper` ends both
with this process.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from agenttuning.core.belongings import private_folder
from agenttuning.environments.worlds.keeper import Keeper, fast_folder
from agenttuning.errors import MissingExtraError, WorldError

_START_SECONDS: Final = 60.0
_ATTEMPTS: Final = 3
"""Starts before giving up: another program may take a port between our finding it free and the server's use of it."""
_SETTINGS: Final = """\
[Database]
DatabaseFile = {folder}/data.db
ErrorLogFile = {folder}/log
ErrorLogLevel = 7
LockFile = {folder}/lock
TransactionFile = {folder}/data.trx
xa_persistent_file = {folder}/data.pxa
FileExtend = 200
TempStorage = TempDatabase
[TempDatabase]
DatabaseFile = {folder}/temporary.db
TransactionFile = {folder}/temporary.trx
[Parameters]
ServerPort = 127.0.0.1:{sql_port}
DisableUnixSocket = 1
ServerThreads = 40
CheckpointInterval = 5
NumberOfBuffers = 10000
MaxDirtyBuffers = 6000
DirsAllowed = {folder}/none
AllowOSCalls = 0
[HTTPServer]
ServerPort = 127.0.0.1:{web_port}
ServerRoot = {folder}
ServerThreads = 32
KeepAliveTimeout = 60
MaxKeepAlives = 32
HTTPProxyEnabled = 0
[SPARQL]
ResultSetMaxRows = 60000
MaxQueryExecutionTime = 20
"""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and the password of its administrator, `dba`."""

    web: str
    password: str


def missing_programs() -> str:
    """Return what must be installed before a server can be started, or an empty string."""
    absent = [name for name in ("virtuoso-t", "isql-vt") if shutil.which(name) is None]
    return f"{' and '.join(absent)} not found; install Debian's package virtuoso-opensource-7-bin" if absent else ""


class VirtuosoServer:
    """A running server; `close` ends it."""

    def __init__(self) -> None:
        if reason := missing_programs():
            raise MissingExtraError(f"backend 'virtuoso': {reason}")
        for attempt in range(1, _ATTEMPTS + 1):
            self.folder = private_folder("kg", parent=fast_folder())
            sql_port, web_port = _free_ports(2)
            self.address = Address(f"http://127.0.0.1:{web_port}", secrets.token_hex(16))
            self._keeper = self._start(sql_port, web_port)
            try:
                self._wait()
                _set_password(sql_port, self.address.password)
            except WorldError:
                self.close()
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    @property
    def ours(self) -> bool:
        """Was it started by this process, not by the one that this was forked from."""
        return self._keeper.ours

    def _start(self, sql_port: int, web_port: int) -> Keeper:
        settings = self.folder / "virtuoso.ini"
        settings.write_text(_SETTINGS.format(folder=self.folder, sql_port=sql_port, web_port=web_port))
        return Keeper(["virtuoso-t", "-f", "-c", str(settings)], folder=self.folder)

    def _wait(self) -> None:
        """Wait until the server, ours and no stranger on its port, says in its log that it is online."""
        log = self.folder / "log"
        deadline = time.monotonic() + _START_SECONDS
        while True:
            told = log.read_text(errors="replace") if log.exists() else ""
            if "Server online at" in told:
                return
            if time.monotonic() > deadline or "Virtuoso exited" in told or "Failed to start" in told:
                raise WorldError(f"virtuoso-t did not start: {told.strip()[-300:] or 'it wrote no log'}")
            time.sleep(0.05)

    def close(self) -> None:
        """End the server and remove its data; safe to call twice, and without effect in a forked child."""
        self._keeper.close()


def _listens(address: Address) -> bool:
    parts = urlsplit(address.web)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_START_SECONDS).close()
    except OSError:
        return False
    return True


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


def _set_password(port: int, password: str) -> None:
    """Replace the password that every new server has; the new one goes by a pipe, not by the command line."""
    done = subprocess.run(
        ["isql-vt", f"127.0.0.1:{port}", "dba", "dba", "BANNER=OFF", "VERBOSE=OFF", "ERRORS=STDOUT"],
        input=f'set password "dba" "{password}";\n',
        capture_output=True,
        text=True,
        check=False,
        timeout=_START_SECONDS,
    )
    if done.returncode or "Error" in done.stdout:
        raise WorldError(f"Virtuoso's password cannot be set: {(done.stdout or done.stderr).strip()[-300:]}")


class _Shared:
    lock: Final = threading.Lock()
    server: VirtuosoServer | None = None


def shared_address() -> Address:
    """Return the server of this process, started at the first call, and again after a crash; ended with the process.

    Raises:
        MissingExtraError: the program is not installed.
        WorldError: the server did not start.
    """
    with _Shared.lock:
        server = _Shared.server
        if server is not None and server.ours and not _listens(server.address):
            server.close()  # a crash costs the episodes of that moment, not those to come
            server = None
        if server is None or not server.ours:
            _Shared.server = VirtuosoServer()
            atexit.register(_Shared.server.close)
            return _Shared.server.address
        return server.address

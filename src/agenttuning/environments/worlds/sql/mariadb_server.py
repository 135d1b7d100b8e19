"""A MariaDB server of our own: started from the installed programs, private to this process, gone when it is gone.

The server listens on a Unix socket in a folder that only its account may enter, never on a port; its data lie in the
same folder, in memory where the machine has such a folder. A `Keeper` ends both with this process.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from agenttuning.core.belongings import private_folder, release, remove_path
from agenttuning.environments.worlds.keeper import Keeper, fast_folder
from agenttuning.errors import DataError, MissingExtraError, WorldError

URL_VARIABLE: Final = "AGENTTUNING_MARIADB"
"""Names a server to use instead of one of our own: `mysql://user:password@host:port`; it must be allowed to create
databases and users."""
_START_SECONDS: Final = 60.0
_STORAGE: Final = (
    "--innodb-log-file-size=8M",
    "--innodb-buffer-pool-size=64M",
    "--innodb-data-file-path=ibdata1:12M:autoextend:max:1G",
)
"""One bounded file holds all tables, so that no statement can fill the disk."""
_SERVER: Final = (
    "--skip-networking",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--skip-slow-query-log",
    "--local-infile=0",
    "--innodb-file-per-table=0",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-temp-data-file-path=ibtmp1:12M:autoextend:max:512M",
    "--max-connections=200",
    "--max-allowed-packet=1M",
    "--thread-stack=256K",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_uca1400_ai_ci",
    "--performance-schema=0",
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens and who may create databases there."""

    user: str = "root"
    password: str = ""
    socket: str | None = None
    host: str = "localhost"
    port: int = 3306


def missing_programs() -> str:
    """Return what must be installed before a server can be started, or an empty string."""
    if os.geteuid() == 0 and "mysql" not in {account.pw_name for account in pwd.getpwall()}:
        return "the account 'mysql' does not exist; install Debian's package mariadb-server"
    absent = [name for name in ("mariadbd", "mariadb-install-db") if _program(name) is None]
    return f"{' and '.join(absent)} not found; install Debian's package mariadb-server" if absent else ""


class MariaServer:
    """A running server; `close` ends it."""

    def __init__(self) -> None:
        if reason := missing_programs():
            raise MissingExtraError(f"backend 'mariadb': {reason}, or name a server in {URL_VARIABLE}")
        self.folder = private_folder("db", parent=fast_folder())
        self.address = Address(socket=str(self.folder / "s"))
        if os.geteuid() == 0:
            account = pwd.getpwnam("mysql")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        try:
            self._install()
        except WorldError:
            remove_path(self.folder)
            release(self.folder)
            raise
        self._keeper = self._start()

    @property
    def ours(self) -> bool:
        """Was it started by this process, not by the one that this was forked from."""
        return self._keeper.ours

    def _arguments(self, program: str, *options: str) -> list[str]:
        found = _program(program)
        assert found is not None, program
        account = ["--user=mysql"] if os.geteuid() == 0 else []
        return [found, "--no-defaults", *account, f"--datadir={self.folder}/data", *_STORAGE, *options]

    def _install(self) -> None:
        command = self._arguments("mariadb-install-db", "--auth-root-authentication-method=normal", "--skip-test-db")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10 * _START_SECONDS)
        if done.returncode:
            raise WorldError(f"mariadb-install-db failed: {(done.stderr or done.stdout).strip()[-300:]}")

    def _start(self) -> Keeper:
        server = self._arguments(
            "mariadbd",
            *_SERVER,
            f"--socket={self.address.socket}",
            f"--tmpdir={self.folder}",
            f"--log-error={self.folder}/log",
        )
        keeper = Keeper(server, folder=self.folder)
        deadline = time.monotonic() + _START_SECONDS
        while not (self.folder / "s").exists():
            if time.monotonic() > deadline:
                log = self.folder / "log"
                told = log.read_text(errors="replace")[-300:] if log.exists() else "no log"
                keeper.close()
                raise WorldError(f"mariadbd did not start within {_START_SECONDS:.0f} s: {told}")
            time.sleep(0.02)
        return keeper

    def close(self) -> None:
        """End the server and remove its data; safe to call twice, and without effect in a forked child."""
        self._keeper.close()


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/libexec")


def parse_url(url: str) -> Address:
    """Read `mysql://user:password@host:port`.

    Raises:
        DataError: it is of another form.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("mysql", "mariadb") or not parts.hostname or not parts.username:
        raise DataError(f"{URL_VARIABLE} is no mysql://user:password@host:port; correct it or unset it")
    return Address(
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=parts.port or 3306,
    )


def _listens(address: Address) -> bool:
    assert address.socket is not None, "a server of our own"
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_START_SECONDS)
        try:
            probe.connect(address.socket)
        except OSError:
            return False
    return True


class _Shared:
    lock: Final = threading.Lock()
    server: MariaServer | None = None


def shared_address() -> Address:
    """Return the server of this process, started at the first call, and again after a crash; ended with the process.

    Raises:
        MissingExtraError: no server program is installed and none is named.
        WorldError: the server did not start.
    """
    url = os.environ.get(URL_VARIABLE)
    if url:
        return parse_url(url)
    with _Shared.lock:
        server = _Shared.server
        if server is not None and server.ours and not _listens(server.address):
            server.close()  # a crash costs the episodes of that moment, not those to come
            server = None
        if server is None or not server.ours:
            server = _Shared.server = MariaServer()
            atexit.register(server.close)
        return server.address

"""`agenttuning doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agenttuning.core.records import Record

if TYPE_CHECKING:
    from argparse import Namespace

_PACKAGES = {
    "train and play local models": (
        ("torch", "transformers", "tokenizers", "safetensors", "numpy"),
        "agenttuning[train]",
    ),
    "serve": (("starlette", "uvicorn"), "agenttuning[serve]"),
    "database on MariaDB: driver": (("pymysql",), "agenttuning[sql]"),
    "scienceworld in its simulator": (("scienceworld", "py4j"), "agenttuning[scienceworld]"),
}
_PROGRAMS = {
    "database on MariaDB: server": (("mariadbd", "mariadb-install-db"), "apt-get install mariadb-server"),
    "scienceworld in its simulator: Java": (("java",), "apt-get install default-jre-headless"),
}


class Finding(Record):
    """One row of the table."""

    what: str
    works: bool
    missing: str = ""
    install: str = ""


def main(arguments: Namespace) -> int:
    """Print the findings; always exits with 0, since a missing extra is no fault."""
    findings = list(examine())
    if arguments.json:
        print(json.dumps([finding.model_dump() for finding in findings]))
        return 0
    table = Table("what", "works", "missing", "install with")
    for finding in findings:
        table.add_row(finding.what, "yes" if finding.works else "no", finding.missing, finding.install)
    Console().print(table)
    return 0


def examine() -> list[Finding]:
    """Look for the packages and programs of every part."""
    findings = [Finding(what=f"Python {platform.python_version()} on {platform.system()}", works=True)]
    for what, (names, extra) in _PACKAGES.items():
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        findings.append(_finding(what, missing, f'pip install "{extra}"'))
    for what, (names, command) in _PROGRAMS.items():
        missing = [name for name in names if shutil.which(name, path=_SEARCH) is None]
        findings.append(_finding(what, missing, command))
    return findings


_SEARCH = ":".join(("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"))


def _finding(what: str, missing: list[str], install: str) -> Finding:
    return Finding(what=what, works=not missing, missing=", ".join(missing), install=install if missing else "")

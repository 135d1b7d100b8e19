"""An environment of their own for the programs that a benchmark compares with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TRL = ("trl==1.16.0", "transformers==5.23.0")


def peer_python(folder: Path) -> Path:
    """Return the Python of a folder that has TRL; make it when it is absent, torch first and alone (the CPU build)."""
    python = folder / "bin" / "python"
    if not python.is_file():
        print(f"making {folder}, which takes some minutes", flush=True)
        subprocess.run((sys.executable, "-m", "venv", str(folder)), check=True)
        for packages in (("torch==2.13.0",), TRL):
            subprocess.run((str(python), "-m", "pip", "install", "--quiet", *packages), check=True)
    return python


def ask_peer(folder: Path, *arguments: str) -> None:
    """Run `trl_peer.py` in the environment."""
    script = Path(__file__).with_name("trl_peer.py")
    subprocess.run((str(peer_python(folder)), str(script), *arguments), check=True)

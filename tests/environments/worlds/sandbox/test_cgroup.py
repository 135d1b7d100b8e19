"""Groups are made where the machine lets us, with the limits in them, and are removed; no trace of a failed one."""

import asyncio
import os
from pathlib import Path

from agenttuning.core.belongings import started
from agenttuning.environments.worlds.sandbox.cgroup import make_cgroup
from agenttuning.environments.worlds.sandbox.protocol import SandboxSettings

SETTINGS = SandboxSettings(memory_mib=512, disk_mib=128, processes=64, processors=1.5)


def _own(folder: Path, text: str) -> Path:
    (folder / "own").write_text(text)
    return folder / "own"


def _values(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def _empty(folder: Path) -> None:
    """The kernel's files vanish with their folder; a plain folder keeps them."""
    for path in folder.iterdir():
        path.unlink()


def test_version_1_gets_a_group_for_every_controller(tmp_path: Path) -> None:
    for controller in ("memory", "pids", "cpu"):
        (tmp_path / controller / "a").mkdir(parents=True)
    own = _own(tmp_path, "9:cpu:/a\n8:pids:/a\n4:memory:/a\n1:name=systemd:/\n0::/\n")
    group = make_cgroup(SETTINGS, root=tmp_path, own=own)
    assert group is not None
    assert group.version == "cgroup-v1"
    memory, pids, cpu = group.folders
    assert _values(memory) == {"memory.limit_in_bytes": str(640 << 20)}
    assert _values(pids) == {"pids.max": "68"}
    assert _values(cpu) == {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "150000"}
    group.take(4711)
    assert {(folder / "cgroup.procs").read_text() for folder in group.folders} == {"4711"}
    for folder in group.folders:
        _empty(folder)
    asyncio.run(group.remove())
    assert not [folder for folder in group.folders if folder.exists()]


def test_version_2_gets_a_sibling_where_the_parent_is_delegated(tmp_path: Path) -> None:
    (tmp_path / "slice/own.scope").mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "slice/cgroup.subtree_control").write_text("memory pids\n")
    group = make_cgroup(SETTINGS, root=tmp_path, own=_own(tmp_path, "0::/slice/own.scope\n"))
    assert group is not None
    (folder,) = group.folders
    assert (group.version, folder.parent) == ("cgroup-v2", tmp_path / "slice")
    assert _values(folder) == {"memory.max": str(640 << 20), "pids.max": "68"}


def test_no_group_without_both_controllers(tmp_path: Path) -> None:
    (tmp_path / "pids").mkdir()
    assert make_cgroup(SETTINGS, root=tmp_path, own=_own(tmp_path, "8:pids:/\n4:memory:/gone\n")) is None
    assert list((tmp_path / "pids").iterdir()) == []
    assert make_cgroup(SETTINGS, root=tmp_path, own=tmp_path / "absent") is None
    (tmp_path / "cgroup.controllers").write_text("cpu\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu\n")
    assert make_cgroup(SETTINGS, root=tmp_path, own=_own(tmp_path, "0::/\n")) is None


def test_groups_of_killed_processes_are_swept(tmp_path: Path) -> None:
    for controller in ("memory", "pids"):
        (tmp_path / controller / "agenttuning-999999999.1-ab12").mkdir(parents=True)
        (tmp_path / controller / f"agenttuning-{os.getpid()}.1-ab12").mkdir()  # of another with our number, before us
        (tmp_path / controller / f"agenttuning-{os.getpid()}.{started(os.getpid())}-ab12").mkdir()
        (tmp_path / controller / "agenttuning-other").mkdir()
    assert make_cgroup(SETTINGS, root=tmp_path, own=_own(tmp_path, "8:pids:/\n4:memory:/\n")) is not None
    for controller in ("memory", "pids"):
        names = {path.name for path in (tmp_path / controller).iterdir()}
        assert not {"agenttuning-999999999.1-ab12", f"agenttuning-{os.getpid()}.1-ab12"} & names
        assert {f"agenttuning-{os.getpid()}.{started(os.getpid())}-ab12", "agenttuning-other"} < names

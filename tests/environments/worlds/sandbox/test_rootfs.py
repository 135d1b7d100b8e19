"""Root file systems: what is in them, built once and whole, from archives that may be hostile."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from agenttuning.cli import main
from agenttuning.environments.worlds.sandbox import skeleton
from agenttuning.environments.worlds.sandbox.binaries import is_binary, libraries, loader
from agenttuning.environments.worlds.sandbox.cache import built
from agenttuning.environments.worlds.sandbox.lacks import lacking
from agenttuning.environments.worlds.sandbox.mapping import first_user
from agenttuning.environments.worlds.sandbox.reduced import reduced_rootfs
from agenttuning.environments.worlds.sandbox.rootfs import build_rootfs, debian_mirror, description
from agenttuning.errors import DataError, MissingExtraError, StageError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "agenttuning" / "rootfs"


def _archive(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def _member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(member, field, value)
    return member, data


BIN = _member("bin", type=tarfile.DIRTYPE, mode=0o755)


def test_the_reduced_one_has_our_etc_and_the_machine_s_programs() -> None:
    root = reduced_rootfs()
    files = [
        str(path.relative_to(root)) for path in (root / "etc").rglob("*") if path.is_file() and not path.is_symlink()
    ]
    ours = {path for path in skeleton.files() if path.startswith("etc/")}
    assert ours <= set(files)
    assert [path for path in files if path not in ours and not path.startswith("etc/security")] == []
    assert (root / "bin/bash").exists()
    assert (root / "usr/bin/find").exists()
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert root.stat().st_uid == first_user()
    assert not [path for path in root.rglob("*") if path.is_file() and path.stat().st_mode & 0o6000]


def test_it_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    root = reduced_rootfs()
    reduced_rootfs.cache_clear()
    begun = time.monotonic()
    assert reduced_rootfs() == root
    assert time.monotonic() - begun < 2


def test_of_many_builders_one_builds(tmp_path: Path, cache: Path) -> None:
    builds: list[Path] = []

    def build(folder: Path) -> None:
        builds.append(folder)
        time.sleep(0.1)
        (folder / "done").touch()

    target = tmp_path / "made"
    threads = [threading.Thread(target=built, args=(target, build)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert [path.name for path in target.iterdir()] == ["done"]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    def build(folder: Path) -> None:
        (folder / "half").touch()
        raise DataError("no more")

    with pytest.raises(DataError):
        built(tmp_path / "made" / "it", build)
    assert list((tmp_path / "made").iterdir()) == []


def test_a_tarball_becomes_a_root_file_system(tmp_path: Path, cache: Path) -> None:
    archive = _archive(
        tmp_path / "image.tar",
        BIN,
        _member("bin/tool", b"#!/bin/sh\n", mode=0o4755),
        _member("bin/same", type=tarfile.LNKTYPE, linkname="bin/tool"),
        _member("etc/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        _member("dev/sda", type=tarfile.BLKTYPE, devmajor=8),
        _member("run/pipe", type=tarfile.FIFOTYPE),
    )
    root = build_rootfs("tarball", tarball=archive)
    assert root.parent == cache
    assert (root / "bin/same").read_text() == "#!/bin/sh\n"
    assert (root / "etc/link").readlink() == Path("/etc/passwd")
    assert not (root / "dev/sda").exists()
    assert not (root / "run/pipe").exists()
    assert build_rootfs("tarball", tarball=archive) == root


@pytest.mark.parametrize(
    "hostile",
    [
        [_member("../outside", b"x")],
        [_member("a/../../outside", b"x")],
        [_member("bin/out", type=tarfile.SYMTYPE, linkname="../.."), _member("bin/out/outside", b"x")],
        [_member("out", type=tarfile.SYMTYPE, linkname="/"), _member("out/outside", b"x")],
        [_member("hard", type=tarfile.LNKTYPE, linkname="../secret"), _member("hard", b"x")],
        [
            _member("up", type=tarfile.SYMTYPE, linkname=".."),
            _member("hard", type=tarfile.LNKTYPE, linkname="up/secret"),
        ],
    ],
)
def test_a_hostile_tarball_writes_nothing_outside(
    tmp_path: Path, cache: Path, hostile: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    (tmp_path / "secret").write_text("kept")
    archive = _archive(tmp_path / "image.tar", BIN, *hostile)
    with pytest.raises(DataError, match="leads out"):
        build_rootfs("tarball", tarball=archive, target=tmp_path / "made")
    assert (tmp_path / "secret").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "image.tar", "secret"]
    assert not Path("/outside").exists()


def test_what_is_no_image_is_said(tmp_path: Path, cache: Path) -> None:
    saved = _archive(tmp_path / "saved.tar", _member("manifest.json", b"[]"))
    with pytest.raises(DataError, match=r"docker export"):
        build_rootfs("tarball", tarball=saved)
    (tmp_path / "text.tar").write_text("no archive")
    with pytest.raises(DataError, match=r"text\.tar"):
        build_rootfs("tarball", tarball=tmp_path / "text.tar")
    with pytest.raises(DataError, match="no tarball"):
        build_rootfs("tarball", tarball=tmp_path / "absent.tar")
    with pytest.raises(DataError, match="exists"):
        build_rootfs("host", target=tmp_path)


def test_debootstrap_needs_root_and_says_what_else(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    if shutil.which("apt-get") is None:
        pytest.skip("no apt on this machine")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StageError, match=r"needs root.*--from host"):
        build_rootfs("debootstrap")


def test_the_mirror_is_this_machine_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "apt-get"
    program.write_text(
        "#!/bin/sh\necho 'Other main x http://other/'\necho 'Debian main trixie-updates http://mirror.example/u/'\n"
        "echo 'Debian main trixie http://mirror.example/debian/'\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert debian_mirror() == ("trixie", "http://mirror.example/debian/")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(MissingExtraError, match=r"--from host"):
        debian_mirror()


def test_libraries_are_those_that_the_loader_takes() -> None:
    program = Path(sys.executable).resolve()
    assert is_binary(program)
    found = libraries([program])
    assert "libc.so.6" in found
    done = subprocess.run([loader(found), "--verify", program], check=False)
    assert done.returncode in (0, 2)
    assert not is_binary(Path(__file__))


def test_what_a_root_lacks_is_listed(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/git").touch()
    absent = lacking(tmp_path, users=False, network=False)
    assert {"apt", "network", "useradd", "sudo", "chown", "python3"} <= absent
    assert "git" not in absent


def test_a_folder_of_one_s_own_is_named_by_its_listing(tmp_path: Path) -> None:
    for name, text in (("a", "1"), ("b", "1"), ("c", "22")):
        (tmp_path / name / "etc").mkdir(parents=True)
        (tmp_path / name / "etc/file").write_text(text)
    names = [description(tmp_path / name).rpartition("-")[2] for name in "abc"]
    assert names[0] == names[1] != names[2]


def test_the_command_prints_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "rootfs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["rootfs"]) == reduced_rootfs()
    assert "network" in told["unsupported"]
    assert main(["data", "rootfs", "--from", "debootstrop"]) == 2
    assert "did you mean 'debootstrap'" in capsys.readouterr().err
    assert main(["data", "rootfs", "--from", "tarball"]) == 2

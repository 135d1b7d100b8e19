from __future__ import annotations

import io
import json
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from agenttuning.environments.worlds.household.archive import games, split_sizes
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = ["train/a/1", "train/b/2", "valid_unseen/a/3", "valid_unseen/c/4"]


def content(name: str) -> bytes:
    return f"game {name}".encode()


def as_folder(path: Path) -> Path:
    for name in NAMES:
        file = path / "json_2.1.1" / name / "game.tw-pddl"
        file.parent.mkdir(parents=True)
        file.write_bytes(content(name))
        (file.parent / "traj_data.json").write_text("{}")
    return path


def as_zip(path: Path) -> Path:
    with zipfile.ZipFile(path / "all.zip", "w") as archive:
        for name in reversed(NAMES):
            archive.writestr(f"json_2.1.1/{name}/game.tw-pddl", content(name))
    return path / "all.zip"


def as_tar(path: Path) -> Path:
    with tarfile.open(path / "all.tar.xz", "w:xz") as archive:
        for name in reversed(NAMES):
            member = tarfile.TarInfo(f"json_2.1.1/{name}/game.tw-pddl")
            member.size = len(content(name))
            archive.addfile(member, io.BytesIO(content(name)))
    return path / "all.tar.xz"


@pytest.fixture(params=[as_folder, as_zip, as_tar])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return request.param(tmp_path)


def test_splits_and_games_are_the_same_from_every_kind_of_source(source: Path) -> None:
    assert split_sizes(source) == {"train": 2, "valid_unseen": 2, "test": 2}
    for split, expected in (("train", NAMES[:2]), ("valid_unseen", NAMES[2:]), ("test", NAMES[2:])):
        assert [(file.name, file.data) for file in games(source, split)] == [(name, content(name)) for name in expected]


def test_a_path_list_is_a_split_in_its_own_order_once_it_is_whole(tmp_path: Path) -> None:
    as_folder(tmp_path)
    paths = [f"json_2.1.1/{name}/game.tw-pddl" for name in ("valid_unseen/c/4", "train/a/1")]
    (tmp_path / "dev.json").write_text(json.dumps({"one": paths[:1], "two": paths[1:]}))
    (tmp_path / "standard.json").write_text(json.dumps({"one": [*paths, "json_2.1.1/valid_unseen/z/9/game.tw-pddl"]}))
    assert split_sizes(tmp_path) == {"train": 2, "valid_unseen": 2, "dev": 2, "test": 2}
    assert [file.name for file in games(tmp_path, "dev")] == ["valid_unseen/c/4", "train/a/1"]


def test_a_game_that_is_there_twice_is_played_once(tmp_path: Path) -> None:
    as_folder(tmp_path)
    as_tar(tmp_path)
    assert split_sizes(tmp_path)["train"] == 2
    assert len(list(games(tmp_path, "train"))) == 2


def test_a_single_file_is_a_source(tmp_path: Path) -> None:
    file = tmp_path / "one.tw-pddl"
    file.write_bytes(b"x")
    assert sum(split_sizes(file).values()) >= 1
    assert [game.data for game in games(file, "test")] == [b"x"]


def test_an_unknown_split_names_the_known_ones(source: Path) -> None:
    with pytest.raises(DataError, match=r"did you mean 'train'.*train \(2\), valid_unseen \(2\)"):
        list(games(source, "trian"))


def test_what_holds_no_game_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        split_sizes(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no"):
        split_sizes(tmp_path)


@pytest.mark.parametrize("make", [as_zip, as_tar])
def test_a_torn_archive_is_told_in_one_sentence(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match="download it again"):
        split_sizes(path)

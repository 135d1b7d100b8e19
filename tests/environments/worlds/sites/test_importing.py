"""Mind2Web's own files: flattened, ranked, resumed after a kill, refused when they are not what they seem."""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest

from agenttuning.environments.held_in.mind2web import Mind2Web, Mind2WebConfig
from agenttuning.environments.worlds.sites.importing import import_folder
from agenttuning.environments.worlds.sites.official import count_rows, read_rows
from agenttuning.errors import DataError

HTML = '<html backend_node_id="1"><a backend_node_id="2"/><a backend_node_id="3"/><a backend_node_id="4"/></html>'


def _action(name: str, value: str = "") -> dict[str, object]:
    def candidate(node: str) -> dict[str, object]:
        return {"tag": "a", "attributes": "{}", "backend_node_id": node, "is_original_target": True}

    return {
        "action_uid": name,
        "raw_html": "<html>" * 50,
        "cleaned_html": HTML,
        "operation": {"op": "TYPE" if value else "CLICK", "original_op": "ENTER", "value": value},
        "pos_candidates": [candidate("3")],
        "neg_candidates": [candidate("2"), candidate("4")],
    }


def _task(name: str) -> dict[str, object]:
    return {
        "annotation_id": name,
        "website": "site",
        "domain": "Travel",
        "subdomain": "Air",
        "confirmed_task": f"Do {name}",
        "action_reprs": ["[link]  One -> CLICK", "[textbox]  Two -> TYPE: \u6771\u4eac"],
        "actions": [_action("u0"), _action("u1", "\u6771\u4eac")],
    }


def _raw(folder: Path, files: Mapping[str, list[str]]) -> Path:
    for place, names in files.items():
        path = folder / f"{place}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps([_task(name) for name in names]), "utf-8")
    return folder


def _scores(path: Path, names: list[str], nodes: str = "234") -> None:
    ranks = {f"{name}_u{n}": {node: (int(node) + 1) % 3 for node in nodes} for name in names for n in (0, 1)}
    path.write_bytes(pickle.dumps({"scores": {}, "ranks": ranks}))


def _import(source: Path, target: Path) -> None:
    progress = list(import_folder(source, target))
    assert [step.done for step in progress] == sorted(step.done for step in progress)
    assert progress[-1].done == progress[-1].total


def test_every_action_becomes_a_row_with_what_went_before(tmp_path: Path) -> None:
    _import(
        _raw(
            tmp_path / "raw", {"data/train/train_0": ["a"], "data/train/train_10": ["c"], "data/train/train_2": ["b"]}
        ),
        tmp_path / "rows",
    )
    assert count_rows(tmp_path / "rows") == {"train": 6}
    rows = list(read_rows(tmp_path / "rows", split="train"))
    assert [row.id for row in rows] == ["a_u0", "a_u1", "b_u0", "b_u1", "c_u0", "c_u1"]
    assert rows[0].sample.previous == ()
    assert rows[1].sample.previous == ("[link]  One -> CLICK",)
    assert (rows[1].sample.operation, rows[1].sample.value) == ("TYPE", "\u6771\u4eac")
    assert (rows[1].sample.positives, rows[1].sample.negatives) == (("3",), ("2", "4"))
    assert rows[0].ranks is None
    tasks = list(Mind2Web.load("train", Mind2WebConfig(official=tmp_path / "rows")))
    assert [(task.ranker, task.shots, task.never_train) for task in tasks] == [("bm25", 3, False)] * 6


def test_scores_beside_the_files_become_ranks(tmp_path: Path) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a"], "test_domain_0": ["t"], "test_domain_1": ["u"]})
    _scores(source / "scores_all_data.pkl", ["a", "t", "u"])
    _import(source, tmp_path / "rows")
    assert Mind2Web.splits(Mind2WebConfig(official=tmp_path / "rows")) == {"test_domain": 4, "train": 2}
    tasks = list(Mind2Web.load("test_domain", Mind2WebConfig(official=tmp_path / "rows")))
    assert [task.top for task in tasks] == [("2", "3", "4")] * 4
    assert [(task.ranker, task.best_rank, task.never_train) for task in tasks] == [("official", 1, True)] * 4


def test_an_action_without_candidates_is_ranked_like_the_others(tmp_path: Path) -> None:
    for ranked in (True, False):
        rows = []
        for name, sides in (("u0", ((), ())), ("u1", (("3",), ("2", "4")))):
            held = [[{"backend_node_id": n, "rank": int(n) if ranked else None} for n in side] for side in sides]
            told = {"annotation_id": "a", "website": "w", "confirmed_task": "t", "previous_actions": []}
            rows.append({**_action(name), **told, "pos_candidates": held[0], "neg_candidates": held[1]})
        (tmp_path / "test_0.jsonl").write_text("\n".join(map(json.dumps, rows)))
        tasks = list(Mind2Web.load("test", Mind2WebConfig(official=tmp_path)))
        assert [task.ranker for task in tasks] == ["official" if ranked else "bm25"] * 2
        assert [task.top for task in tasks] == [(), ("2", "3", "4")]


def test_scores_of_other_tasks_are_named(tmp_path: Path) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a"]})
    _scores(source / "scores_all_data.pkl", ["other"])
    with pytest.raises(DataError, match=r"scores of other tasks.*'3' of action 'a_u0'"):
        _import(source, tmp_path / "rows")
    _scores(source / "scores_all_data.pkl", ["a"], nodes="23")
    with pytest.raises(DataError, match=r"scores of other tasks.*'4' of action 'a_u0'"):
        _import(source, tmp_path / "rows")
    assert list((tmp_path / "rows").glob("*.jsonl")) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([1], "no candidate ranks"),
        ({"ranks": 3}, "no candidate ranks"),
        ({"ranks": {"a_u0": {"3": "x"}}}, "no ranks for"),
    ],
)
def test_another_pickle_is_no_score_file(tmp_path: Path, content: object, told: str) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a"]})
    (source / "scores.pkl").write_bytes(pickle.dumps(content))
    with pytest.raises(DataError, match=told):
        _import(source, tmp_path / "rows")


def test_an_import_that_was_killed_goes_on(tmp_path: Path) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a"], "train_1": ["b", "c"], "train_2": ["d"]})
    running = import_folder(source, tmp_path / "rows")
    for step in running:
        if "train_1" in step.note:
            break
    running.close()  # type: ignore[attr-defined]
    finished = tmp_path / "rows" / "train_0.jsonl"
    assert [path.name for path in (tmp_path / "rows").glob("*.jsonl")] == ["train_0.jsonl"]
    with pytest.raises(DataError, match="not finished"):
        count_rows(tmp_path / "rows")
    stamp = finished.stat().st_mtime_ns
    _import(source, tmp_path / "rows")
    assert finished.stat().st_mtime_ns == stamp
    assert [row.id for row in read_rows(tmp_path / "rows", split="train")][::2] == ["a_u0", "b_u0", "c_u0", "d_u0"]
    assert sorted(path.name for path in (tmp_path / "rows").iterdir()) == [f"train_{n}.jsonl" for n in range(3)]


def test_scores_that_come_later_are_taken_by_the_next_import(tmp_path: Path) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a"], "train_1": ["b"]})
    _import(source, tmp_path / "rows")
    _scores(source / "scores_all_data.pkl", ["a"])
    with pytest.raises(DataError, match="scores of other tasks"):
        _import(source, tmp_path / "rows")
    _scores(source / "scores_all_data.pkl", ["a", "b"])
    broken_off = import_folder(source, tmp_path / "rows")
    next(broken_off)
    del broken_off
    _import(source, tmp_path / "rows")
    assert all(row.ranks for row in read_rows(tmp_path / "rows", split="train"))


def test_a_torn_file_stops_the_import_and_leaves_no_row_file(tmp_path: Path) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a"], "train_1": ["b"]})
    whole = (source / "train_1.json").read_bytes()
    (source / "train_1.json").write_bytes(whole[:-40])
    with pytest.raises(DataError, match=r"train_1\.json is torn"):
        _import(source, tmp_path / "rows")
    assert [path.name for path in (tmp_path / "rows").glob("*.jsonl")] == ["train_0.jsonl"]


def test_a_task_without_a_field_is_named(tmp_path: Path) -> None:
    source = _raw(tmp_path / "raw", {"train_0": ["a", "b"]})
    tasks = json.loads((source / "train_0.json").read_text("utf-8"))
    del tasks[1]["actions"][1]["cleaned_html"]
    (source / "train_0.json").write_text(json.dumps(tasks))
    with pytest.raises(DataError, match=r"train_0\.json, task 1.*actions\.1\.cleaned_html"):
        _import(source, tmp_path / "rows")


def test_folders_without_such_files_or_with_one_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no Mind2Web files"):
        _import(tmp_path, tmp_path / "rows")
    with pytest.raises(DataError, match="two files are called train_0"):
        _import(_raw(tmp_path, {"x/train_0": ["a"], "y/train_0": ["a"]}), tmp_path / "rows")
    raw = _raw(tmp_path / "raw", {"train_0": ["a"]})
    with pytest.raises(DataError, match="data import mind2web"):
        Mind2Web.splits(Mind2WebConfig(official=raw))


def test_a_scribbled_row_and_an_unknown_split_are_named(tmp_path: Path) -> None:
    _import(_raw(tmp_path / "raw", {"train_0": ["a"]}), tmp_path / "rows")
    with pytest.raises(DataError, match=r"no split 'trian'.*'train'"):
        read_rows(tmp_path / "rows", split="trian")
    path = tmp_path / "rows" / "train_0.jsonl"
    path.write_bytes(path.read_bytes() + b'{"website": 1\n')
    with pytest.raises(DataError, match=r"train_0\.jsonl:3 is no Mind2Web action"):
        list(read_rows(tmp_path / "rows", split="train"))


def test_a_file_of_rows_with_ranks_is_read_as_it_is(tmp_path: Path) -> None:
    candidates = [{"backend_node_id": node, "rank": rank, "tag": "a"} for node, rank in (("2", 1), ("4", 0))]
    row = {
        **_action("u"),
        "annotation_id": "a",
        "website": "w",
        "confirmed_task": "t",
        "previous_actions": [],
        "pos_candidates": [{"backend_node_id": "3", "rank": 2}],
        "neg_candidates": candidates,
    }
    (tmp_path / "some_rows.jsonl").write_text(json.dumps(row) + "\n\n")
    (task,) = Mind2Web.load("some_rows", Mind2WebConfig(official=tmp_path / "some_rows.jsonl"))
    assert (task.top, task.best_rank, task.never_train) == (("4", "2", "3"), 2, True)

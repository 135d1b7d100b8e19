"""Training trajectories that hold a test sample go; the rates say how close the rest is."""

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import JsonValue, ValidationError

from agenttuning.core.records import Message, Trajectory
from agenttuning.core.run import Run, StageConfig
from agenttuning.core.store import read_records, write_records
from agenttuning.errors import DataError
from agenttuning.pipeline import collect, construct, decontaminate, mix
from agenttuning.pipeline import filter as filter_stage
from agenttuning.pipeline.collect import CollectConfig
from agenttuning.pipeline.construct import ConstructConfig, build_environment, read_entries
from agenttuning.pipeline.decontaminate import DecontaminateConfig
from agenttuning.pipeline.filter import Dropped, FilterConfig
from agenttuning.pipeline.mix import MixConfig
from agenttuning.pipeline.offenders import Offence


def begin(folder: Path) -> Run:
    run = Run(folder)
    worlds = {"database": {"tasks": {"train": 20, "test": 5}}, "chat": {"tasks": {"train": 20, "test": 20}}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    collect.run(CollectConfig(), run)
    return run


def opening(run: Run) -> str:
    """Return the last turn of the first test task's opening."""

    async def read() -> str:
        async with build_environment(next(read_entries(run.output("construct", "tasks.jsonl"), "test"))) as world:
            return (await world.start())[-1].content

    return asyncio.run(read())


def plant(run: Run, text: str) -> None:
    """Finish the filter stage with one more trajectory, which holds a test sample."""
    source = run.output("collect", "trajectories.jsonl")
    clean = list(read_records(source, Trajectory))
    planted = clean[0].model_copy(
        update={"task": "planted", "messages": (Message(role="user", content=f"see: {text}"), *clean[0].messages)}
    )
    begun = run.open("filter", StageConfig())
    write_records(begun.folder / "kept.jsonl", [planted, *clean])
    begun.finish(outputs=("kept.jsonl",), counts={})


def test_disjoint_splits_lose_nothing(tmp_path: Path) -> None:
    run = begin(tmp_path)
    filtered = filter_stage.run(FilterConfig(), run)
    manifest = decontaminate.run(DecontaminateConfig(), run)
    assert manifest.counts["dropped"] == {}
    assert manifest.outputs["kept.jsonl"] == filtered.outputs["kept.jsonl"]


def test_a_planted_copy_is_dropped_and_counted(tmp_path: Path) -> None:
    run = begin(tmp_path)
    plant(run, opening(run))
    manifest = decontaminate.run(DecontaminateConfig(), run)
    dropped = list(read_records(run.output("decontaminate", "dropped.jsonl"), Dropped))
    assert [row.trajectory.task for row in dropped] == ["planted"]
    rates = manifest.counts["rates"]
    assert isinstance(rates, dict)
    own = rates["own_text"]
    assert isinstance(own, dict)
    database = own["database"]
    assert isinstance(database, dict)
    assert (database["samples"], database["dirty"]) == (5, 1)


def test_shared_instructions_count_only_in_the_second_rate(tmp_path: Path) -> None:
    run = begin(tmp_path)
    filter_stage.run(FilterConfig(), run)
    rates = decontaminate.run(DecontaminateConfig(), run).counts["rates"]
    assert isinstance(rates, dict)
    means = [table["database"]["mean_rate"] for table in (rates["own_text"], rates["with_shared_text"])]  # type: ignore[index, call-overload]
    assert means[0] < 0.5 < means[1]


def test_the_frame_of_a_protocols_questions_is_no_tasks_own_text(tmp_path: Path) -> None:
    run = Run(tmp_path)
    worlds = {"mind2web": {"tasks": {"train": 20, "test": 10}, "difficulty": "hard"}}
    construct.run(ConstructConfig.model_validate({"environments": worlds}), run)
    collect.run(CollectConfig(), run)
    plant(run, opening(run))
    assert decontaminate.run(DecontaminateConfig(), run).counts["dropped"] == {"mind2web": 1}
    dropped = list(read_records(run.output("decontaminate", "dropped.jsonl"), Dropped))
    assert [row.trajectory.task for row in dropped] == ["planted"]


QUESTION = "A train leaves at nine and takes four hours; when does it arrive, if it stops twice for ten minutes?"


def general(folder: Path) -> dict[str, JsonValue]:
    """Write a general test of two questions."""
    path = folder / "general.jsonl"
    path.write_text("\n".join(json.dumps({"question": text}) for text in (QUESTION, "Too short to be rated.")))
    return {"references": {"maths": {"path": str(path), "format": "gsm8k"}}}


def rate(run: Run, config: dict[str, JsonValue], name: str) -> dict[str, JsonValue]:
    rates = decontaminate.run(DecontaminateConfig.model_validate(config), run).counts["rates"]
    assert isinstance(rates, dict)
    own = rates["own_text"]
    assert isinstance(own, dict)
    row = own[name]
    assert isinstance(row, dict)
    return row


def offences(run: Run) -> list[Offence]:
    return list(read_records(run.output("decontaminate", "offenders.jsonl"), Offence))


@pytest.mark.parametrize("drop", ["exact", "nothing"])
def test_a_planted_question_of_a_general_test_is_rated_shown_and_dropped(tmp_path: Path, drop: str) -> None:
    run = begin(tmp_path / "run")
    plant(run, f"{QUESTION.upper().replace('FOUR', 'FIVE')} {QUESTION}")
    row = rate(run, {**general(tmp_path), "drop": drop}, "maths")
    assert (row["samples"], row["too_short"], row["dirty"]) == (2, 1, 1)
    dropped = [one.trajectory.task for one in read_records(run.output("decontaminate", "dropped.jsonl"), Dropped)]
    assert dropped == (["planted"] if drop == "exact" else [])
    (found,) = [one for one in offences(run) if one.test_set == "maths"]
    assert (found.sample, found.task, found.exact) == ("1", "planted", 1.0)
    texts = [passage.text for passage in found.passages]
    assert "a train leaves at nine and takes four hours ; when does" in texts[-1]
    assert "at nine and takes [[five]] hours ; when" in texts[0]


def test_offenders_are_the_worst_few(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    plant(run, QUESTION)
    rate(run, {**general(tmp_path), "offenders": 2}, "maths")
    by_sample: dict[tuple[str, str], list[float]] = {}
    for one in offences(run):
        by_sample.setdefault((one.test_set, one.sample), []).append(one.tolerant)
    assert by_sample["maths", "1"] == [1.0]
    assert all(len(shares) <= 2 and shares == sorted(shares, reverse=True) for shares in by_sample.values())


def test_ids_of_a_tokenizer_are_counted_when_asked(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="needs the extra [train]")
    run = begin(tmp_path / "run")
    plant(run, f"\n{QUESTION}\n")
    row = rate(run, {**general(tmp_path), "unit": "tokens", "tokenizer": "tiny-base"}, "maths")
    assert row["dirty"] == 1
    (found,) = [one for one in offences(run) if one.test_set == "maths" and one.exact > 0.8]
    assert "train" in found.passages[0].text.replace(" ", "")


def test_boilerplate_counts_for_nothing(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    path = tmp_path / "own.jsonl"
    frame = "please read this with care and then answer in one short sentence , with no other words :"
    rows = [f"{frame} what is the {word} of {word} {word}s and {word} or {word} if {word} ?" for word in "abcdefgh"]
    path.write_text("\n".join(json.dumps({"text": row}) for row in rows))
    plant(run, frame)
    config: dict[str, JsonValue] = {"references": {"own": {"path": str(path), "field": "text"}}}
    with_frame = rate(run, config, "own")["mean_rate"]
    run.discard("decontaminate")
    assert with_frame > 0.4  # type: ignore[operator]
    assert rate(run, {**config, "boilerplate": 0.5}, "own")["mean_rate"] < 0.05  # type: ignore[operator]


def test_a_missing_file_is_told_before_anything_is_written(tmp_path: Path) -> None:
    run = begin(tmp_path)
    filter_stage.run(FilterConfig(), run)
    missing = {"references": {"maths": {"path": "nowhere.jsonl", "format": "gsm8k"}}}
    with pytest.raises(DataError, match="no such file: nowhere"):
        decontaminate.run(DecontaminateConfig.model_validate(missing), run)
    assert not run.stage_folder("decontaminate").exists()


def test_what_a_killed_call_left_is_not_counted_twice(tmp_path: Path) -> None:
    run = begin(tmp_path)
    plant(run, opening(run))
    folder = run.stage_folder("decontaminate")
    decontaminate.run(DecontaminateConfig(), run)
    (folder / "manifest.json").unlink()
    decontaminate.run(DecontaminateConfig(), Run(tmp_path, resume=True))
    assert len(list(read_records(folder / "dropped.jsonl", Dropped))) == 1


def test_a_unit_and_its_tokenizer_come_together() -> None:
    for wrong in ({"unit": "tokens"}, {"tokenizer": "tiny-base"}):
        with pytest.raises(ValidationError, match="tokenizer"):
            DecontaminateConfig.model_validate(wrong)


def rows(folder: Path, *texts: str) -> Path:
    """A ShareGPT file of one exchange per text, all under one id."""
    path = folder / "general.jsonl"
    turns = [[{"from": "human", "value": text}, {"from": "gpt", "value": "Yes."}] for text in texts]
    path.write_text("".join(json.dumps({"id": "same", "conversations": turn}) + "\n" for turn in turns))
    return path


def test_rows_of_files_are_checked_and_left_out_of_the_mixture(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    filter_stage.run(FilterConfig(), run)
    path = rows(tmp_path, "Is it late?", opening(run), "Is it early?")
    counts = decontaminate.run(DecontaminateConfig(general_files=(path,)), run).counts
    assert counts["dropped"] == {"general.jsonl": 1}
    kept = list(read_records(run.output("decontaminate", "kept.jsonl"), Trajectory))
    assert all(one.environment != "general.jsonl" for one in kept)
    mixed = mix.run(MixConfig(general_files=(path,), examples=100), run).counts
    assert mixed["contaminated"] == {"general.jsonl": 1}
    sizes = mixed["sizes"]
    assert isinstance(sizes, dict)
    assert sizes["general.jsonl"] == 2


def test_a_file_that_was_not_checked_is_named(tmp_path: Path) -> None:
    run = begin(tmp_path / "run")
    filter_stage.run(FilterConfig(), run)
    decontaminate.run(DecontaminateConfig(), run)
    mixed = mix.run(MixConfig(general_files=(rows(tmp_path, "Is it late?"),), examples=100), run).counts
    assert mixed["contaminated"] == {"general.jsonl": "not checked"}


def test_a_missing_training_file_is_told_before_anything_is_written(tmp_path: Path) -> None:
    run = begin(tmp_path)
    filter_stage.run(FilterConfig(), run)
    with pytest.raises(DataError, match=r"no such file: nowhere\.json"):
        decontaminate.run(DecontaminateConfig(agent_files=(Path("nowhere.json"),)), run)
    assert not run.stage_folder("decontaminate").exists()

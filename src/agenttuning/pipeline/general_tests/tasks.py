"""The tests as lm-eval tasks: our own YAML (JSON is YAML), written beside the data that it names.

The folder that is written can be given to lm-eval by itself, with `--include_path`; the numbers must then agree.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from agenttuning.core.records import digest
from agenttuning.core.store import write_atomic
from agenttuning.models.chat_template import PAPER_SYSTEM
from agenttuning.pipeline.general_tests.answers import ANSWER_WORDS
from agenttuning.pipeline.general_tests.items import gsm8k_shots, read_gsm8k, read_humaneval, read_mmlu
from agenttuning.pipeline.general_tests.settings import Protocol, TestName, name_in_tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.pipeline.general_tests.items import Choice

_STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
_MMLU_TEXT = "Question: {{question}}\nA. {{choices[0]}}\nB. {{choices[1]}}\nC. {{choices[2]}}\nD. {{choices[3]}}"
_MMLU_SYSTEM = "Multiple-choice questions about {subject}. Each has one right choice; answer with its letter."
_CODE = (
    "Finish this Python function. Give the whole function, with what it imports, in one block of code.\n\n"
    "```python\n{{prompt}}```"
)
_GREEDY: dict[str, JsonValue] = {"do_sample": False, "temperature": 0.0}
_SCORED: Mapping[str, JsonValue] = {
    "doc_to_choice": ["A", "B", "C", "D"],
    "doc_to_target": "{{answer}}",
    "output_type": "multiple_choice",
    "metric_list": [{"metric": "acc"}],
}
_WRITTEN: Mapping[str, JsonValue] = {
    "doc_to_target": "Answer: {{'ABCD'[answer]}}",
    "output_type": "generate_until",
    "generation_kwargs": {**_GREEDY, "until": ["\n\n"], "max_gen_toks": 16},
    "metric_list": [{"metric": "bypass"}],
}


class TestTask(NamedTuple):
    """One lm-eval task of a test; MMLU has one per subject."""

    test: str
    """The test that it is a part of, as in every table."""
    name: str
    items: tuple[str, ...]
    """Ids of the items, in the order of lm-eval's document numbers."""
    shots: int
    form: str
    """Digest of everything that shapes a prompt, the items aside: part of what made a number."""
    data: str
    """Digest of all items and shots of the test."""


def write_tasks(
    name: TestName, protocol: Protocol, data: Path, folder: Path, *, letters: bool = False
) -> list[TestTask]:
    """Write the YAML and the data of a test; return its tasks.

    With `letters` MMLU's letter is written by the model instead of scored: for servers that give no log probabilities.

    Raises:
        DataError: the test's files are missing or damaged.
    """
    if name == "mmlu":
        tasks = _mmlu(protocol, data, folder, letters=letters)
    else:
        tasks = [_gsm8k(protocol, data, folder) if name == "gsm8k" else _humaneval(protocol, data, folder)]
    whole = digest("".join(task.data for task in tasks))
    return [task._replace(data=whole) for task in tasks]


def _mmlu(protocol: Protocol, data: Path, folder: Path, *, letters: bool) -> list[TestTask]:
    shots, items = _by_subject(read_mmlu(data, "dev")), _by_subject(read_mmlu(data, "test"))
    chat = protocol == "chat"
    form: dict[str, JsonValue] = {
        "description": _MMLU_SYSTEM,
        "doc_to_text": _MMLU_TEXT if chat else f"{_MMLU_TEXT}\nAnswer:",
        "num_fewshot": 5,
        **(_WRITTEN if letters else _SCORED),
    }
    if chat and not letters:
        form["gen_prefix"] = "Answer:"
    tasks = []
    for subject, held in items.items():
        system = _MMLU_SYSTEM.format(subject=subject.replace("_", " ")) + ("" if chat else "\n\n")
        rows = [item.model_dump() for item in held]
        examples = [item.model_dump() for item in shots.get(subject, [])[:5]]
        task = {**form, "description": system, "num_fewshot": len(examples)}
        test = name_in_tables("mmlu", protocol, letters=letters)
        tasks.append(_write(test, task, rows, examples, folder, form=form, part=subject))
    return tasks


def _by_subject(items: Sequence[Choice]) -> dict[str, list[Choice]]:
    subjects: dict[str, list[Choice]] = {}
    for item in items:
        subjects.setdefault(item.subject, []).append(item)
    return subjects


def _gsm8k(protocol: Protocol, data: Path, folder: Path) -> TestTask:
    chat = protocol == "chat"
    form: dict[str, JsonValue] = {
        "doc_to_text": "Question: {{question}}" if chat else "Question: {{question}}\nAnswer:",
        "doc_to_target": f"{{{{solution}}}}\n{ANSWER_WORDS} {{{{answer}}}}.",
        "output_type": "generate_until",
        "num_fewshot": 8 if chat else 5,
        "generation_kwargs": {**_GREEDY, "until": ["Question:"], "max_gen_toks": 512},
        "metric_list": [{"metric": "bypass"}],
    }
    if chat:
        form["description"] = PAPER_SYSTEM
    rows = [item.model_dump() for item in read_gsm8k(data, "test")]
    shots = [item.model_dump() for item in gsm8k_shots(data)][: 8 if chat else 5]
    return _write(name_in_tables("gsm8k", protocol), form, rows, shots, folder, form=form)


def _humaneval(protocol: Protocol, data: Path, folder: Path) -> TestTask:
    chat = protocol == "chat"
    until: list[JsonValue] = [] if chat else list(_STOPS)
    form: dict[str, JsonValue] = {
        "doc_to_text": _CODE if chat else "{{prompt}}",
        "doc_to_target": "{{canonical_solution}}",
        "output_type": "generate_until",
        "num_fewshot": 0,
        "generation_kwargs": {**_GREEDY, "until": until, "max_gen_toks": 512},
        "metric_list": [{"metric": "bypass"}],
    }
    if chat:
        form["description"] = PAPER_SYSTEM
    rows = [item.model_dump() for item in read_humaneval(data)]
    return _write(name_in_tables("humaneval", protocol), form, rows, [], folder, form=form)


def _write(
    test: str,
    task: Mapping[str, JsonValue],
    rows: Sequence[Mapping[str, object]],
    shots: Sequence[Mapping[str, object]],
    folder: Path,
    *,
    form: Mapping[str, JsonValue],
    part: str = "",
) -> TestTask:
    name = f"{test}-{part}" if part else test
    files: dict[str, JsonValue] = {}
    for split, held in (("test", rows), ("shots", shots)):
        if held:
            path = folder / f"{name}.{split}.jsonl"
            write_atomic(path, "".join(f"{json.dumps(row)}\n" for row in held))
            files[split] = str(path.resolve())
    whole: dict[str, JsonValue] = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": files, "cache_dir": str((folder / "cache").resolve())},
        "test_split": "test",
        **({"fewshot_split": "shots", "fewshot_config": {"sampler": "first_n"}} if shots else {}),
        **task,
        "metadata": {"version": 1.0},
    }
    write_atomic(folder / f"{name}.yaml", json.dumps(whole, indent=2))
    ids = tuple(str(row.get("id", row.get("task_id"))) for row in rows)
    data = digest(json.dumps([rows, shots]))
    return TestTask(test, name, ids, len(shots), digest(json.dumps(form, sort_keys=True)), data)

"""Small files in the forms of the benchmarks, with texts of our own."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SUBJECTS = {"astronomy": "BA", "world_religions": "DCA"}


def mmlu(folder: Path) -> Path:
    for split, take in (("dev", 5), ("test", None)):
        (folder / split).mkdir(parents=True)
        for subject, letters in SUBJECTS.items():
            with (folder / split / f"{subject}_{split}.csv").open("w", newline="") as file:
                writer = csv.writer(file)
                for number, letter in enumerate((letters * 5)[:take] if take else letters):
                    cells = [f"{word} of {split} {number}" for word in ("north", "None", "N/A", "south")]
                    writer.writerow([f"Which way, {number}?\nSay it.", "None", *cells[1:], letter])
    return folder


def gsm8k(folder: Path, *, train: int = 6012) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for split, count in (("train", train), ("test", 4)):
        rows = [
            {
                "question": f"Ann has {k} cups and buys 2. How many?",
                "answer": f"{k}+2=<<{k}+2={k + 2}>>{k + 2}\n#### {k + 2:,}",
            }
            for k in range(998, 998 + count)
        ]
        (folder / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


def humaneval(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "task_id": f"HumanEval/{k}",
            "prompt": f'import math\n\n\ndef add_{k}(x):\n    """Return x plus {k}."""\n',
            "entry_point": f"add_{k}",
            "canonical_solution": f"    return x + {k}\n",
            "test": f"def check(candidate):\n    assert candidate(1) == {k + 1}\n",
        }
        for k in range(3)
    ]
    (folder / "HumanEval.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder

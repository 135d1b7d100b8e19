"""What TRL does, for `train_cpu.py` and `prepare.py`; runs in an environment of its own.

    trl_peer.py train padded|bfd JOB.json
    trl_peer.py prepare JOB.json

The job says where data, model and results are; the time is that of TRL's work alone, imports and reading excluded.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from datasets import Dataset, disable_caching

Job = dict[str, Any]


def rows(path: str) -> Dataset:
    """Read the rows of `train_cpu.py`."""
    stored = np.load(path)
    starts = [0, *stored["ends"][:-1].tolist()]
    spans = list(zip(starts, stored["ends"].tolist(), strict=True))
    columns = ("ids", "input_ids"), ("labels", "labels")
    return Dataset.from_dict({to: [stored[name][a:b].tolist() for a, b in spans] for name, to in columns})


def arguments(job: Job, **more: object) -> SFTConfig:
    """Return TRL's settings: its defaults, less what would only slow it down here."""
    kept = {
        "output_dir": job["folder"],
        "activation_checkpointing": False,
        "report_to": [],
        "disable_tqdm": True,
        "save_strategy": "no",
        "use_cpu": True,
        "max_length": job["max_length"],
    }
    return SFTConfig(**kept, **more)


def train(kind: str, job: Job) -> dict[str, float]:
    """Train one epoch and save the model."""
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    packed = {"packing": True, "per_device_train_batch_size": job["packed_rows"]}
    padded = {"per_device_train_batch_size": job["dialogues"]}
    settings = arguments(
        job,
        **(packed if kind == "bfd" else padded),
        num_train_epochs=1,
        bf16=job["precision"] == "bfloat16",
        learning_rate=job["learning_rate"],
        lr_scheduler_type="constant",
        adam_beta2=0.95,
        weight_decay=0.01,
        max_grad_norm=1.0,
        optim="adamw_torch_fused",
    )
    tokenizer = AutoTokenizer.from_pretrained(job["tokenizer"])
    trainer = SFTTrainer(model=model, args=settings, train_dataset=rows(job["rows"]), processing_class=tokenizer)
    wall, cpu = time.perf_counter(), time.process_time()
    trainer.train()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    model.save_pretrained(job["folder"])
    return {"cpu": cpu, "wall": wall, "steps": float(trainer.state.global_step)}


def prepare(job: Job) -> dict[str, float]:
    """Tokenise, mask and pack, as TRL does before its first step."""
    disable_caching()
    lines = Path(job["dialogues"]).read_text().splitlines()
    data = Dataset.from_list([{"messages": json.loads(line)} for line in lines])
    tokenizer = AutoTokenizer.from_pretrained(job["tokenizer"])
    tokenizer.chat_template = job["template"]
    model = AutoModelForCausalLM.from_pretrained(job["model"], dtype=torch.float32)
    settings = arguments(job, packing=True, assistant_only_loss=True, dataset_num_proc=job["processes"])
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    trainer = SFTTrainer(model=model, args=settings, train_dataset=data, processing_class=tokenizer)
    cpu, wall = sum(os.times()[:4]) - cpu, time.perf_counter() - wall
    packed = trainer.train_dataset
    digests = []
    for row in packed:
        start = 0
        for length in row["seq_lengths"]:
            both = tuple(row[name][start : start + length] for name in ("input_ids", "labels"))
            digests.append(hashlib.blake2b(repr(both).encode(), digest_size=12).hexdigest())
            start += length
    Path(job["folder"], "digests.json").write_text(json.dumps(sorted(digests)))
    return {"wall": wall, "cpu": cpu, "rows": float(len(packed))}


def main() -> None:
    """Do one job and write `result.json` beside its results."""
    job = json.loads(Path(sys.argv[-1]).read_text())
    Path(job["folder"]).mkdir(parents=True, exist_ok=True)
    found = train(sys.argv[2], job) if sys.argv[1] == "train" else prepare(job)
    Path(job["folder"], "result.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()

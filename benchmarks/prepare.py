"""How fast dialogues become training rows (tokenise, mask, pack), against TRL's preparation of the same dialogues.

    python benchmarks/prepare.py [--dialogues 50000] [--processes 2] [--peer .venv-trl]

A byte-level BPE tokenizer with a ChatML template; TRL gets the same template with its `generation` marks, may use as
many processes as there are cores, and packs with `bfd`. Ours ends with the token store on disk and the packed layout of
every step. Wall and CPU seconds (child processes and threads included), imports excluded; the ratio of CPU seconds is
the one that a busy machine does not change. All dialogues must come out alike: the ids and labels of each, as both made
them, are compared.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from peer_environment import ask_peer
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from agenttuning.core.records import Message
from agenttuning.models.load import choose_template
from agenttuning.training.mask import tokenized
from agenttuning.training.packing import pack
from agenttuning.training.step import gather
from agenttuning.training.token_store import TokenStore, write_token_store

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST, STEP_TOKENS = 4096, 64 * 4096
MARKS = ("{% generation %}", "{% endgeneration %}")
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' }}{% if m['role'] == 'assistant' %}"
    "@{{ m['content'] + '<|im_end|>\n' }}@{% else %}{{ m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def conversations(number: int) -> list[tuple[Message, ...]]:
    """Return four short chats to one long episode, some 350 tokens on average."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefghilmnoprstuvw", k=draw.randint(2, 9))) for _ in range(5000)]
    made = []
    for index in range(number):
        turns = []
        for _ in range(draw.randint(6, 14) if index % 5 == 0 else draw.randint(1, 3)):
            turns.append(Message(role="user", content=" ".join(draw.choices(words, k=draw.randint(10, 60))) + "?"))
            said = f"THOUGHT: {' '.join(draw.choices(words, k=draw.randint(5, 25)))}.\nACTION: {draw.choice(words)} 1"
            turns.append(Message(role="assistant", content=said))
        made.append(tuple(turns))
    return made


def chatml_tokenizer(dialogues: list[tuple[Message, ...]]) -> PreTrainedTokenizerBase:
    """Train a tokenizer on the dialogues."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=8000,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((m.content for turns in dialogues[:2000] for m in turns), trainer=trainer)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    wrapped.chat_template = CHATML.replace("@", "")
    return wrapped


def fingerprint(ids: list[int], labels: list[int]) -> str:
    """Return a digest of one dialogue; `trl_peer.py` makes the same."""
    return hashlib.blake2b(repr((ids, labels)).encode(), digest_size=12).hexdigest()


def main() -> None:
    """Print both times and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dialogues", type=int, default=50_000)
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="TRL's; the best for it")
    parser.add_argument("--peer", type=Path, default=Path(".venv-trl"), help="environment of TRL, made when absent")
    chosen = parser.parse_args()
    dialogues = conversations(chosen.dialogues)
    tokenizer = chatml_tokenizer(dialogues)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wall, cpu = time.perf_counter(), time.process_time()
        template = choose_template(tokenizer)
        found = tokenized(template, ((turns, "made") for turns in dialogues), max_length=LONGEST)
        write_token_store(folder / "tokens", found, draws=range(len(dialogues)), identity="benchmark")
        store = TokenStore(folder / "tokens")
        rows = cursor = 0
        while cursor < len(dialogues):
            drawn, cursor = gather(store, store.plan, cursor=cursor, tokens=STEP_TOKENS)
            rows += len(pack([len(row) for row in drawn], width=LONGEST))
        ours = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        tokens = sum(map(len, store))
        print(f"{len(dialogues):,} dialogues, {tokens:,} tokens, {sum(row.trained for row in store):,} trained")
        print(f"ours: {told(ours, tokens)}, {rows:,} packed rows", flush=True)
        theirs = peer(folder, chosen, tokenizer, dialogues)
        digests = sorted(fingerprint(row.input_ids.tolist(), row.labels.tolist()) for row in store)
        assert digests == json.loads((folder / "trl" / "digests.json").read_text()), "the outputs differ"
        print(f"TRL 1.16: {told(theirs, tokens)}, {theirs['rows']:,.0f} packed rows")
        ratios = {clock: theirs[clock] / ours[clock] for clock in ours}
        print(
            f"{ratios['cpu']:.1f} x in CPU time, {ratios['wall']:.1f} x in wall time; ids and labels are all the same"
        )


def told(seconds: dict[str, float], tokens: int) -> str:
    """Return both times and the speed."""
    return f"{seconds['cpu']:.1f} CPU-s ({tokens / seconds['cpu']:,.0f} tokens/CPU-s), {seconds['wall']:.1f} s"


def peer(
    folder: Path,
    chosen: argparse.Namespace,
    tokenizer: PreTrainedTokenizerBase,
    dialogues: list[tuple[Message, ...]],
) -> dict[str, float]:
    """Have TRL prepare the same dialogues."""
    tokenizer.save_pretrained(folder / "tokenizer")
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **shape)).save_pretrained(folder / "model")
    with (folder / "dialogues.jsonl").open("w") as file:
        for turns in dialogues:
            file.write(json.dumps([{"role": turn.role, "content": turn.content} for turn in turns]) + "\n")
    first, second = MARKS
    task = {
        "folder": str(folder / "trl"), "model": str(folder / "model"), "tokenizer": str(folder / "tokenizer"),
        "dialogues": str(folder / "dialogues.jsonl"), "max_length": LONGEST, "processes": chosen.processes,
        "template": CHATML.replace("@", first, 1).replace("@", second, 1),
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(task))
    ask_peer(chosen.peer, "prepare", str(folder / "job.json"))
    found: dict[str, float] = json.loads((folder / "trl" / "result.json").read_text())
    return found


if __name__ == "__main__":
    main()

"""Tokenizers of the kinds that exist, trained in a moment on a few sentences."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

from agenttuning.models.tokenizer import train_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TEXTS = [
    "You are in the middle of a room. You see a desk 1, a drawer 12 and a shelf 3.",
    "THOUGHT: I should look in the drawer.\nACTION: open drawer 12",
    "[INST] Which city is the capital of France? [/INST] Paris is the capital of France.",
    "<<SYS>>\nYou are a helpful, respectful and honest assistant.\n<</SYS>>\n\n",
    "SELECT name, SUM(price) FROM goods WHERE stock > 40 GROUP BY name;",
]


@cache
def compact_tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer(TEXTS * 3, vocabulary=420, max_length=512)


@cache
def metaspace_tokenizer() -> PreTrainedTokenizerBase:
    """As Llama-2's: a space mark before the first word of a text only, and bytes for unknown characters."""
    tokenizer = Tokenizer(BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first")])
    special = ["<unk>", "<s>", "</s>"]
    bytes_ = [f"<0x{value:02X}>" for value in range(256)]
    trainer = BpeTrainer(vocab_size=480, special_tokens=special + bytes_, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainer=trainer)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


@cache
def bytelevel_tokenizer() -> PreTrainedTokenizerBase:
    """As GPT-2's and Llama-3's, with ChatML marks."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]
    trainer = BpeTrainer(
        vocab_size=420,
        special_tokens=special,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer=trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")

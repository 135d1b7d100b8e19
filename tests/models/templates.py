"""Chat templates in the formats of the model families, and tokenizers of their kinds."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tests.models.tokenizers import TEXTS, metaspace_tokenizer
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LLAMA_2 = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'].strip() %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for m in turns %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' }}"
    "{% if loop.first and system %}{{ '<<SYS>>\n' + system + '\n<</SYS>>\n\n' }}{% endif %}"
    "{{ m['content'].strip() + ' [/INST]' }}{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}"
    "{% endfor %}"
)
LLAMA_3 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' }}"
    "{{ m['content'].strip() + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
QWEN = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou answer briefly.<|im_end|>\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_LLAMA_3_WORDS = Regex(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+"
)
_QWEN_WORDS = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")


def _byte_level(words: Regex | None, special: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(BPE())
    own_words = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=words is None)
    splits = [] if words is None else [pre_tokenizers.Split(words, "isolated")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*splits, own_words])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=430,
        special_tokens=list(special),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer=trainer)
    return tokenizer


@cache
def llama_2() -> PreTrainedTokenizerBase:
    """SentencePiece-like, its template in one string."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=metaspace_tokenizer().backend_tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    tokenizer.chat_template = LLAMA_2
    return tokenizer


@cache
def llama_3() -> PreTrainedTokenizerBase:
    """Byte-level BPE whose post-processor adds a BOS of its own, which must not come twice."""
    special = ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>")
    tokenizer = _byte_level(_LLAMA_3_WORDS, special)
    bos = tokenizer.token_to_id("<|begin_of_text|>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", bos)]
    )
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")
    wrapped.chat_template = LLAMA_3
    return wrapped


@cache
def qwen() -> PreTrainedTokenizerBase:
    """Byte-level BPE without BOS, digits one by one, a default system text."""
    special = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=_byte_level(_QWEN_WORDS, special), eos_token="<|im_end|>", pad_token="<|endoftext|>"
    )
    wrapped.chat_template = QWEN
    return wrapped


@cache
def chatml() -> PreTrainedTokenizerBase:
    """Byte-level BPE as GPT-2's."""
    special = ("<|im_start|>", "<|im_end|>")
    wrapped = PreTrainedTokenizerFast(tokenizer_object=_byte_level(None, special), eos_token="<|im_end|>")
    wrapped.chat_template = CHATML
    return wrapped


KINDS = {"llama-2": llama_2, "llama-3": llama_3, "qwen": qwen, "chatml": chatml}
EOS = {"llama-2": "</s>", "llama-3": "<|eot_id|>", "qwen": "<|im_end|>\n", "chatml": "<|im_end|>\n"}
"""What the template puts after an answer."""

"""The finished model: a folder that transformers, vLLM and TGI load."""

from __future__ import annotations

import errno
import shutil
from typing import TYPE_CHECKING

from safetensors import SafetensorError
from transformers import GenerationConfig
from transformers.utils.logging import disable_progress_bar

from agenttuning.core.store import disk_errors

if TYPE_CHECKING:
    from pathlib import Path

    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def export(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    """Write weights, tokenizer, chat template and generation settings; the same weights give the same bytes."""
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config = GenerationConfig(do_sample=False, **ends)
    disable_progress_bar()
    with disk_errors(folder):
        temporary.mkdir(parents=True)
        try:
            model.save_pretrained(temporary)
        except SafetensorError as error:
            raise OSError(errno.EIO, str(error)) from error
        tokenizer.save_pretrained(temporary)
        for file in temporary.iterdir():
            file.chmod(0o644)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    return folder

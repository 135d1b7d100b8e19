"""The finished model: a folder that transformers, vLLM and TGI load; or its adapter alone."""

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

    from peft import PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def export(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    """Write weights, tokenizer, chat template and generation settings; the same weights give the same bytes."""
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config = GenerationConfig(do_sample=False, **ends)
    return _write(model, tokenizer, folder)


def export_adapter(adapted: PeftModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    """Write the pairs of an adapter and the tokenizer: a folder for PeftModel, transformers, vLLM's `--lora-modules`.

    `adapter_config.json` in it names the base that it is loaded over.
    """
    return _write(adapted, tokenizer, folder)


def _write(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Path:
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    disable_progress_bar()
    with disk_errors(folder):
        temporary.mkdir(parents=True)
        try:
            model.save_pretrained(temporary)  # type: ignore[arg-type]  # peft knows paths and says str
        except SafetensorError as error:
            raise OSError(errno.EIO, str(error)) from error
        tokenizer.save_pretrained(temporary)
        (temporary / "README.md").unlink(missing_ok=True)
        for file in temporary.iterdir():
            file.chmod(0o644)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.rename(folder)
    return folder

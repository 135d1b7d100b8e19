"""Make one stage of its shards: the same files, digests and counts as if it had been played undivided.

Nothing is played. Merging again changes nothing; a shard that is missing, unfinished, damaged or of another
configuration is refused, and so is a stage that holds results of its own.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING

from agenttuning.core.shards import SHARDED, Shard, ShardedRun
from agenttuning.core.store import content_digest, disk_errors
from agenttuning.errors import RunError
from agenttuning.pipeline import collect, evaluate
from agenttuning.pipeline.collect import CollectConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from agenttuning.core.run import Manifest, Run, Stage
    from agenttuning.pipeline.evaluate import EvaluateConfig


def sharded_stages(run: Run) -> list[str]:
    """Return the stages that were played in shards."""
    return [stage for stage in SHARDED if run.shards_folder(stage).is_dir()]


def merge(stage: str, config: CollectConfig | EvaluateConfig, run: Run) -> Manifest:
    """Merge the shards of a stage, and finish it.

    Args:
        stage: `collect` or `evaluate`.
        config: what the shards were played with.
        run: the whole run; it must resume.

    Raises:
        RunError: the shards are incomplete or unlike each other, or the stage holds other results; the text names what
            is wrong and what to type.
    """
    shards = _complete(run.shards_folder(stage), stage)
    parts = [_part(stage, config, run, shard) for shard in shards]
    whole = _begin(config, run)
    for name in parts[0].finished.outputs if parts[0].finished else ():
        _put_together((part.folder / name for part in parts), whole.folder / name)
    _put_together((ShardedRun(run.folder, stage, shard).calls(stage) for shard in shards), run.calls(stage))
    if whole.finished:
        return whole.finished
    if isinstance(config, CollectConfig):
        return collect.conclude(config, run, whole, thoughts=_sum_of_thoughts(parts))
    return evaluate.conclude(config, run, whole)


def _begin(config: CollectConfig | EvaluateConfig, run: Run) -> Stage:
    return collect.begin(config, run) if isinstance(config, CollectConfig) else evaluate.begin(config, run)


def _complete(folder: Path, stage: str) -> list[Shard]:
    """Return all shards of a stage; they are of one division, and each is finished."""
    found = [re.fullmatch(r"(\d+)-of-(\d+)", path.name) for path in folder.iterdir() if path.is_dir()]
    divisions = sorted({int(match[2]) for match in found if match})
    if len(divisions) != 1:
        told = " and ".join(map(str, divisions)) or "no"
        raise RunError(f"{folder} holds shards of {told} divisions; keep those of one and move the others away")
    shards = [Shard(number=number, of=divisions[0]) for number in range(divisions[0])]
    missing = [shard for shard in shards if not (folder / shard.folder / "manifest.json").exists()]
    if missing:
        named = ", ".join(map(str, missing[:8])) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise RunError(
            f"{len(missing)} of {divisions[0]} shards of {stage!r} are not finished: {named}; play them with "
            f"`agenttuning {stage} RECIPE --shard {missing[0]} --resume`, then merge again"
        )
    return shards


def _part(stage: str, config: CollectConfig | EvaluateConfig, run: Run, shard: Shard) -> Stage:
    part = _begin(config, ShardedRun(run.folder, stage, shard, seed=run.seed, resume=True))
    assert part.finished is not None
    for name, told in part.finished.outputs.items():
        if not (part.folder / name).exists() or content_digest(part.folder / name) != told:
            raise RunError(
                f"{part.folder / name} is not what shard {shard} has written; delete the folder {part.folder} and play "
                f"it again with `agenttuning {stage} RECIPE --shard {shard}`"
            )
    return part


def _put_together(parts: Iterable[Path], target: Path) -> None:
    """Write the lines of all parts to one file, unless they are there."""
    existing = [part for part in parts if part.exists()]
    if not existing:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    merged = target.with_name(f"merged-{target.name}")
    try:
        with disk_errors(merged), merged.open("wb") as whole:
            for part in existing:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, whole)
        if not target.exists() or target.stat().st_size == 0:
            merged.replace(target)
        elif content_digest(merged) != content_digest(target):
            raise RunError(
                f"{target} holds other results than the shards; they were played undivided, or merged from others. "
                "Move the file away to merge these"
            )
    finally:
        merged.unlink(missing_ok=True)


def _sum_of_thoughts(parts: Sequence[Stage]) -> dict[str, JsonValue]:
    total: Counter[str] = Counter()
    for part in parts:
        told = part.finished.counts.get("thoughts") if part.finished else None
        for name, count in (told if isinstance(told, dict) else {}).items():
            total[name] += count if isinstance(count, int) else 0
    return dict(sorted(total.items()))

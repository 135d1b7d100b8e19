"""Where tasks come from: webarena-mini's generator, or the benchmark's own files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

from agenttuning.core.environment import Inspection
from agenttuning.environments.worlds.webarena.official import census, chosen, read_raw, read_verified
from agenttuning.environments.worlds.webarena.sites import missing_sites, user_sites
from agenttuning.environments.worlds.webarena.task import WebarenaTask

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from agenttuning.environments.worlds.chat_model import ChatModelSettings
    from agenttuning.environments.worlds.webarena.raw_task import RawTask
    from agenttuning.environments.worlds.webarena.task import Context, WebarenaConfig

SOURCES: Final = {"raw": "webarena", "raw-2023": "webarena-2023", "verified": "webarena-verified"}


class _Common(TypedDict):
    instruction: str | None
    judge: ChatModelSettings | None
    har: Path | None
    tokenizer: Path | None
    load_seconds: float
    context: Context


def _common(settings: WebarenaConfig) -> _Common:
    return _Common(
        instruction=settings.read_instruction(),
        judge=settings.judge,
        har=settings.har,
        tokenizer=settings.tokenizer,
        load_seconds=settings.load_seconds,
        context=settings.context,
    )


def mini_splits() -> Mapping[str, int]:
    """Return the sizes of webarena-mini's splits."""
    from agenttuning.environments.worlds.minisites.tasks import SPLITS

    return SPLITS


def mini_tasks(settings: WebarenaConfig, split: str) -> Iterator[WebarenaTask]:
    """Yield tasks of webarena-mini lazily."""
    from agenttuning.environments.worlds.minisites import tasks

    common = _common(settings)
    return (
        WebarenaTask(
            id=f"{settings.difficulty}-{split}-{index}",
            difficulty=settings.difficulty,
            raw=task.raw,
            scene=task.seed,
            script=task.oracle,
            **common,
        )
        for index, task in enumerate(tasks.mini_tasks(split, difficulty=settings.difficulty, seed=settings.seed))
    )


def official_splits(settings: WebarenaConfig, place: Path) -> Mapping[str, int]:
    """Return the size of the one split of the official files."""
    return {"test": len(_raw(settings, place))}


def official_tasks(settings: WebarenaConfig, place: Path) -> Iterator[WebarenaTask]:
    """Yield official tasks in the order of their file; they are kept for evaluation."""
    common = _common(settings)
    user_sites(settings.sites)
    return (
        WebarenaTask(
            id=str(raw.task_id),
            source=SOURCES[settings.task_set],
            never_train=True,
            category="+".join(raw.sites),
            raw=raw,
            task_set=settings.task_set,
            sites=settings.sites,
            storage_states=settings.storage_states,
            verifier=settings.verifier,
            **common,
        )
        for raw in _raw(settings, place)
    )


def inspect_official(settings: WebarenaConfig, place: Path) -> Inspection:
    """Count what can be read and built, and say which sites playing it lacks."""
    wanted = {site for task in _raw(settings, place) for site in task.sites}
    lacking = [f"sites.{site}" for site in missing_sites(wanted, settings.sites)]
    told = f"nothing was played: set {', '.join(lacking)} to where each site answers" if lacking else ""
    return Inspection(counts=census(place), unplayed=told)


def _raw(settings: WebarenaConfig, place: Path) -> list[RawTask]:
    if settings.task_set != "verified":
        return chosen(read_raw(place, settings.task_set), place=place, subset=settings.subset)
    known = {task.task_id: task for task in read_raw(place, "raw")}
    verified = [task.as_raw(known.get(task.task_id)) for task in read_verified(place)]
    return chosen(verified, place=place, subset=settings.subset)

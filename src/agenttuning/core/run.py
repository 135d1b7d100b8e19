"""A run: numbered stage folders, a manifest each, and the law of resuming.

    runs/<name>/recipe.toml
                1-construct/stage.json      what the stage was started with
                            tasks.jsonl     its outputs
                            manifest.json   written last: the stage is finished
                ...
                9-report/

A stage folder with results is never written into, unless the run resumes under the same configuration. Only what is
marked `OPERATIONAL` may change between two calls: it says how fast and how far, never what.
"""

from __future__ import annotations

import fcntl
import platform
import shutil
import subprocess
import time
from contextlib import contextmanager
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, JsonValue, ValidationError

from agenttuning.core.belongings import hold, release, remove_path
from agenttuning.core.records import Record, digest
from agenttuning.core.store import RecordT, content_digest, locked, write_atomic
from agenttuning.errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agenttuning.core.shards import Shard

STAGE_NAMES = ("construct", "collect", "filter", "decontaminate", "mix", "train", "serve", "evaluate", "report")
_PACKAGES = ("agenttuning", "torch", "transformers", "tokenizers", "sqlglot", "pyarrow")


class StageConfig(Record):
    """One strict section of a recipe."""


class Operational(Enum):
    """Marks a key of a stage that a resume may change: `Annotated[int, OPERATIONAL]`."""

    MARK = "operational"


OPERATIONAL: Final = Operational.MARK


class StageStart(Record):
    """What a stage was started with; a resume must agree."""

    stage: str
    seed: int
    config: dict[str, JsonValue]
    inputs: dict[str, str]
    """Name to digest of everything read from earlier stages."""


class Manifest(Record):
    """The proof that a stage is finished, and of what it is made."""

    stage: str
    start: StageStart
    outputs: dict[str, str]
    """File or folder name to digest."""
    counts: dict[str, JsonValue]
    """The numbers of the stage: rows in, rows out, tokens, scores."""
    versions: dict[str, str]
    git: str
    seconds: float
    """Wall time of the call that finished the stage."""

    @property
    def config_digest(self) -> str:
        """Digest of the stage's configuration and seed."""
        return digest(self.start.model_dump_json(exclude={"inputs"}))


class Stage:
    """A stage in progress; `finished` holds the manifest when there is nothing left to do."""

    def __init__(self, folder: Path, start: StageStart, finished: Manifest | None) -> None:
        self.folder = folder
        self.start = start
        self.finished = finished
        self._began = time.monotonic()

    def finish(self, *, outputs: tuple[str, ...], counts: Mapping[str, JsonValue]) -> Manifest:
        """Write the manifest; from now on the stage is read, never written."""
        manifest = Manifest(
            stage=self.start.stage,
            start=self.start,
            outputs={name: content_digest(self.folder / name) for name in outputs},
            counts=dict(counts),
            versions=installed_versions(),
            git=git_revision(),
            seconds=round(time.monotonic() - self._began, 3),
        )
        write_atomic(self.folder / "manifest.json", manifest.model_dump_json(indent=2) + "\n")
        self.finished = manifest
        return manifest


class Run:
    """The folder of a run."""

    def __init__(self, folder: Path, *, seed: int = 0, resume: bool = False, profile: bool = False) -> None:
        self.folder = folder
        self.seed = seed
        self.resume = resume
        self.profile = profile
        """Write down where the wall time goes."""
        self.shard: Shard | None = None
        """The part that is played; None plays all."""

    def stage_folder(self, stage: str) -> Path:
        """Return `<run>/<number>-<stage>`."""
        return self.folder / f"{STAGE_NAMES.index(stage) + 1}-{stage}"

    def shards_folder(self, stage: str) -> Path:
        """Return where the shards of a stage are."""
        folder = Run.stage_folder(self, stage)
        return folder.with_name(f"{folder.name}.shards")

    def calls(self, stage: str) -> Path:
        """Return the log of a stage's calls over HTTP; it outlives the stage."""
        return self.folder / "calls" / f"{stage}.jsonl"

    @property
    def recipe(self) -> Path:
        """Where the resolved recipe is kept."""
        return self.folder / "recipe.toml"

    def manifest(self, stage: str) -> Manifest | None:
        """Return the manifest of a finished stage, None when it is not finished.

        Raises:
            RunError: it is damaged.
        """
        return _read(self.stage_folder(stage) / "manifest.json", Manifest)

    def output(self, stage: str, name: str) -> Path:
        """Return an output of an earlier stage.

        Raises:
            RunError: the stage is not finished.
        """
        path = self.stage_folder(stage) / name
        if self.manifest(stage) is None or not path.exists():
            raise RunError(f"stage {stage!r} of {self.folder} is not finished; run `agenttuning {stage} RECIPE` first")
        return path

    def open(self, stage: str, config: StageConfig, *, inputs: Mapping[str, Path] | None = None) -> Stage:
        """Begin a stage, or continue it under `resume`.

        Raises:
            RunError: the folder holds results and the run does not resume, or was started with another configuration.
        """
        folder = self.stage_folder(stage)
        start = StageStart(
            stage=stage,
            seed=self.seed,
            config=config.model_dump(mode="json"),
            inputs={name: content_digest(path) for name, path in (inputs or {}).items()},
        )
        earlier = _read(folder / "stage.json", StageStart)
        if earlier is not None:
            if not self.resume:
                raise RunError(
                    f"{folder} already holds results; add --resume to continue it, or choose another name=..."
                )
            _require_same(earlier, start, folder, free=tuple(_operational(config, stage)))
            return Stage(folder, start, self.manifest(stage))
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"{folder} holds files that no stage wrote; move them away, or choose another name=...")
        write_atomic(folder / "stage.json", start.model_dump_json(indent=2) + "\n")
        return Stage(folder, start, None)

    def discard(self, stage: str) -> None:
        """Delete a stage's folder, so that it is done anew (`run --from`)."""
        shutil.rmtree(self.stage_folder(stage), ignore_errors=True)
        shutil.rmtree(self.shards_folder(stage), ignore_errors=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the run folder; the kernel frees it when the process dies, however it dies.

        What a killed process was writing under a temporary name is removed first.

        Raises:
            RunError: another process holds it.
        """
        with locked(self.folder / ".lock", self.folder, kind=fcntl.LOCK_EX):
            hold("run", self.folder)
            try:
                for path in stale_temporaries(self.folder):
                    remove_path(path)
                yield
            finally:
                release(self.folder)


def stale_temporaries(folder: Path) -> list[Path]:
    """Return what a process was writing when it was killed; only who holds the run can tell that nobody writes it."""
    return sorted(folder.glob("**/.*.tmp"))


def _read(path: Path, kind: type[RecordT]) -> RecordT | None:
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise RunError(f"{path} is damaged; delete the folder {path.parent} and run the stage again") from error


def _require_same(earlier: StageStart, now: StageStart, folder: Path, *, free: tuple[str, ...]) -> None:
    before, after = _flat(earlier), _flat(now)
    changed = sorted(
        key
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key) and not f"{key}.".startswith(free)
    )
    if changed:
        shown = ", ".join(f"{key} (was {before.get(key)!r}, is {after.get(key)!r})" for key in changed[:5])
        raise RunError(
            f"{folder} was made with another configuration: {shown}; "
            f"restore it, choose another name=..., or redo the stage with `--from {now.stage}`"
        )


def _operational(value: object, key: str) -> Iterator[str]:
    """Yield `key.` of everything in a configuration that is marked; what lies below it is meant as well."""
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        for name, inner in value:
            if OPERATIONAL in fields[name].metadata:
                yield f"{key}.{name}."
            else:
                yield from _operational(inner, f"{key}.{name}")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _operational(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _operational(inner, f"{key}.{index}")


def _flat(start: StageStart) -> dict[str, JsonValue]:
    flat: dict[str, JsonValue] = {"seed": start.seed}
    queue: list[tuple[str, JsonValue]] = [(start.stage, start.config)]
    queue += [(f"inputs.{name}", value) for name, value in start.inputs.items()]
    while queue:
        key, value = queue.pop()
        if isinstance(value, dict):
            queue += [(f"{key}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            queue += [(f"{key}.{index}", inner) for index, inner in enumerate(value)]
        else:
            flat[key] = value
    return flat


def installed_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape numbers."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str:
    """Return the short revision of the source tree, `-dirty` when it is changed, `unknown` outside git."""
    try:
        told = subprocess.run(
            ("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return told.stdout.strip() or "unknown"

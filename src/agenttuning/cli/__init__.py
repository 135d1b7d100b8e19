"""The verbs.

stdout is the result, stderr is progress; exit codes: 0 done, 1 a stage failed, 2 usage, 130 interrupted,
143 and 129 the same by SIGTERM and SIGHUP.
Every verb lives in a module of this package that is imported when it is called, so `--help` costs next to nothing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agenttuning import __version__
from agenttuning.core.run import STAGE_NAMES
from agenttuning.errors import AgentTuningError, RecipeError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

__all__ = ["main"]

_STAGE_HELP = {
    "construct": "write the task list of the run",
    "collect": "let the teacher play the training tasks",
    "filter": "keep the good trajectories",
    "decontaminate": "drop what the test tasks hold",
    "mix": "mix agent and general dialogues",
    "train": "tune the model",
    "serve": "put the model on a port",
    "evaluate": "play the test tasks, before and after",
    "report": "write the report",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parsed = _parse(arguments)
    verb = importlib.import_module(f"{__name__}.{parsed.module}")
    heard: list[int] = []
    try:
        with _ending_as_interrupts(heard):
            return int(verb.main(parsed))
    except (RecipeError, UnknownNameError) as error:
        return _fail(str(error), code=2)
    except AgentTuningError as error:
        return _fail(str(error), code=1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        told = signal.Signals(heard[0]).name if heard else "interrupted"
        code = 128 + heard[0] if heard else 130
        return _fail(f"{told}; what is finished is kept, continue with --resume", code=code)


@contextmanager
def _ending_as_interrupts(heard: list[int]) -> Iterator[None]:
    """Take the end of a session and of a job's time for Ctrl-C: all that was started is closed."""

    def interrupt(number: int, _: FrameType | None) -> None:
        heard.append(number)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in its background
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    taken = {number: before for number, before in taken.items() if before is signal.SIG_DFL}
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, before in taken.items():
            signal.signal(number, before)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse, and take `key=value` words wherever they stand, also behind an option."""
    parser = _parser()
    parsed, rest = parser.parse_known_args(arguments)
    settings = [word for word in rest if "=" in word and not word.startswith("-")]
    if len(settings) < len(rest) or (settings and not hasattr(parsed, "overrides")):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if settings:
        parsed.overrides += settings
    return parsed


def _fail(text: str, *, code: int) -> int:
    sys.stderr.write(f"agenttuning: {text}\n")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agenttuning",
        description="Turn an open chat model into an agent, and prove it.",
        epilog="Begin with: agenttuning run recipes/quickstart.toml",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    _add_stage_verbs(verbs)
    _add_world_verbs(verbs)
    _add_other_verbs(verbs)
    return parser


def _add_stage_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    whole = verbs.add_parser("run", help="all nine stages of a recipe")
    whole.set_defaults(module="stages", shard=None, profile=False)
    whole.add_argument("--from", dest="first", choices=STAGE_NAMES, help="redo this stage and all after it")
    whole.add_argument("--until", dest="last", choices=STAGE_NAMES, help="stop after this stage")
    _add_recipe(whole)
    for name in STAGE_NAMES:
        stage = verbs.add_parser(name, help=f"stage {STAGE_NAMES.index(name) + 1}: {_STAGE_HELP[name]}")
        stage.set_defaults(module="stages", first=None, last=None, shard=None, profile=False)
        _add_recipe(stage, kind=_place if name == "serve" else Path)
        if name == "report":
            stage.add_argument(
                "--allow-unlike", action="store_true", help="of several runs: show numbers of unlike making, marked"
            )
            stage.add_argument("--to", type=Path, metavar="FILE.html", help="of several runs: write a page, too")
        if name in {"collect", "evaluate"}:
            _add_scale(stage)
        if name == "serve":
            stage.add_argument(
                "--port", type=int, default=None, help="port (default 30070 for a model, free for a recipe)"
            )


def _add_scale(stage: argparse.ArgumentParser) -> None:
    stage.add_argument("--shard", metavar="i/n", help="play part i of n, counted from 0; `merge` makes one of all")
    stage.add_argument("--profile", action="store_true", help="say where the wall time goes and which limit binds")


def _place(word: str) -> Path | str:
    return word if word.startswith(("http://", "https://")) else Path(word)


def _add_recipe(parser: argparse.ArgumentParser, *, kind: Callable[[str], Path | str] = Path) -> None:
    told = "a TOML file (serve: or a model's folder or name, or the URLs of model servers; report: or run folders)"
    parser.add_argument("recipe", type=kind, help=told)
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="for example train.learning_rate=1e-5")
    parser.add_argument("--resume", action="store_true", help="continue a run; nothing finished is done again")
    parser.add_argument("--dry-run", action="store_true", help="print the resolved recipe and stop; train: the plan")
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")


def _add_world_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    worlds = verbs.add_parser("environments", help="the worlds, their splits, and what works here")
    worlds.set_defaults(module="environments")
    worlds.add_argument("--json", action="store_true")
    check = verbs.add_parser("check", help="prove one world: the oracle wins, noise loses, nothing leaks")
    check.set_defaults(module="check")
    check.add_argument("id", help="a world's id, or package.module:Class")
    check.add_argument("overrides", nargs="*", metavar="key=value", help="the world's configuration")
    check.add_argument("--official", type=Path, help="folder or file with the benchmark's own data")
    check.add_argument("--split", help="one split only")
    check.add_argument("--limit", type=int, help="at most this many tasks of each split")
    check.add_argument("--hostile", type=int, metavar="N", help="send N hostile replies instead")
    check.add_argument("--probes", action="store_true", help="try to win without doing the task instead")
    check.add_argument("--seed", type=int, default=0, help="of the hostile replies")
    check.add_argument("--json", action="store_true")
    play = verbs.add_parser("play", help="play one task yourself")
    play.set_defaults(module="play")
    play.add_argument("id")
    play.add_argument("overrides", nargs="*", metavar="key=value", help="the world's configuration")
    play.add_argument("--split", default="test")
    play.add_argument("--task", type=int, default=0, help="number of the task in its split")
    play.add_argument("--oracle", action="store_true", help="watch the oracle instead")


def _add_other_verbs(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    merge = verbs.add_parser("merge", help="make one stage of its shards")
    merge.set_defaults(module="merge")
    merge.add_argument("run", type=Path, help="a run folder")
    merge.add_argument("--json", action="store_true", help="print the manifests as JSON")
    chat = verbs.add_parser("chat", help="talk to a model, or pipe one message per line")
    chat.set_defaults(module="chat")
    chat.add_argument("target", metavar="MODEL|URL", help="a model's folder or name, or the URL of an OpenAI server")
    chat.add_argument("overrides", nargs="*", metavar="key=value", help="of a model: how it is served")
    chat.add_argument("--system", default="", metavar="TEXT", help="system text (default: the model's own)")
    chat.add_argument("--temperature", type=float, help="0 is greedy (default: the server's)")
    chat.add_argument("--max-tokens", type=int, help="longest answer (default: the server's)")
    chat.add_argument("--seed", type=int, help="of the first and every answer")
    chat.add_argument("--model", help="name to ask for, where a server has several")
    chat.add_argument("--key-variable", metavar="NAME", help="environment variable with the server's key")
    show = verbs.add_parser("show", help="one trajectory, readable")
    show.set_defaults(module="show")
    show.add_argument("file", help="FILE.jsonl or FILE.jsonl:N")
    show.add_argument("--mask", action="store_true", help="colour what the loss sees")
    show.add_argument("--json", action="store_true")
    _add_data_verbs(verbs.add_parser("data", help="dialogue formats, official data, root file systems"))
    new = verbs.add_parser("new", help="write the skeleton of an environment")
    new.set_defaults(module="new")
    new.add_argument("id", help="a file name, for example my_world")
    doctor = verbs.add_parser("doctor", help="what works on this machine, and what to install for the rest")
    doctor.set_defaults(module="doctor")
    doctor.add_argument("--sites", nargs="+", default=[], metavar="SITE=URL", help="WebArena's sites that you run")
    doctor.add_argument(
        "--clean", action="store_true", help="end programs and remove folders that killed runs left, and old caches"
    )
    doctor.add_argument("--json", action="store_true")


def _add_source(action: argparse.ArgumentParser) -> None:
    action.add_argument("source", type=Path, help="a file or a folder of files")
    action.add_argument("--from", dest="format", metavar="FORMAT", help="default: what the first row looks like")
    action.add_argument("--strict", action="store_true", help="exit with 1 when a row is bad")


def _add_data_verbs(data: argparse.ArgumentParser) -> None:
    data.set_defaults(module="data")
    actions = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    convert = actions.add_parser("convert", help="write dialogues in another format")
    _add_source(convert)
    convert.add_argument("target", type=Path, nargs="?", help="the file to write (.json, .jsonl, .parquet; also .gz)")
    convert.add_argument("--to", metavar="FORMAT", help="default: agentinstruct; see `data formats`")
    convert.add_argument("--fix", action="store_true", help="repair what can be repaired without a question")
    convert.add_argument("--drop", action="store_true", help="keep out what validate calls an error")
    _add_source(actions.add_parser("validate", help="find what is wrong with the dialogues of a file"))
    stats = actions.add_parser("stats", help="the paper's table of a file")
    _add_source(stats)
    stats.add_argument("--tokenizer", metavar="MODEL", help="count tokens too, with a model's tokenizer")
    actions.add_parser("formats", help="list the formats")
    imported = actions.add_parser("import", help="convert a benchmark's own large files, once")
    imported.add_argument("id", help="a world's id, for example webshop")
    imported.add_argument("source", type=Path, help="folder with the benchmark's own files")
    imported.add_argument("target", type=Path, nargs="?", help="folder to write (default: SOURCE/imported)")
    rootfs = actions.add_parser("rootfs", help="build the root file system of the operating system world's sandboxes")
    rootfs.set_defaults(module="rootfs")
    rootfs.add_argument(
        "--from",
        dest="source",
        nargs="+",
        default=["host"],
        metavar="SOURCE",
        help="host (default; no root, no download), debootstrap, mmdebstrap, or tarball PATH",
    )
    rootfs.add_argument("--to", type=Path, help="a new folder (default: the cache)")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true")

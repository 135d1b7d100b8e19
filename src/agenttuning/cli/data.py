"""`agenttuning data`: convert, validate and count dialogues in the field's formats; import official data."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from agenttuning.core.environment import ImportProgress
from agenttuning.datasets.checks import Checker
from agenttuning.datasets.conversion import Conversion, Findings, Outcome
from agenttuning.datasets.registry import FORMATS, format_named
from agenttuning.datasets.source import Source, open_source, source_files
from agenttuning.datasets.statistics import Statistics
from agenttuning.environments import load_environment
from agenttuning.errors import RecipeError
from agenttuning.pipeline.progress import progress

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterator, Mapping

_MEGABYTE = 1_000_000


def main(arguments: Namespace) -> int:
    """Do one action; the code is 1 where `--strict` finds a fault."""
    return {"import": _import, "convert": _convert, "validate": _validate, "stats": _stats, "formats": _formats}[
        arguments.action
    ](arguments)


def _import(arguments: Namespace) -> int:
    folder = arguments.target or arguments.source / "imported"
    latest = ImportProgress(0, 0)
    steps = load_environment(arguments.id).import_official(arguments.source, folder)
    with ExitStack() as stack:
        advance = None
        for step in steps:
            advance = advance or stack.enter_context(progress(f"import {arguments.id}", step.total, done=latest.done))
            advance(steps=step.done - latest.done, note=step.note)
            latest = step
    _print({"imported": str(folder), "bytes": latest.total, "note": latest.note}, as_json=arguments.json)
    return 0


def _convert(arguments: Namespace) -> int:
    _source, target = arguments.source, arguments.target
    if target is None:
        raise RecipeError("data convert needs a target file: agenttuning data convert SOURCE TARGET.json")
    named = arguments.to or {".eval": "inspect"}.get(target.suffix, "agentinstruct")
    conversion = Conversion(format_named(named), fix=arguments.fix, drop=arguments.drop)
    conversion.accepts(target)
    outcome, unreadable = Outcome(), Findings()
    with _reading("convert", arguments, unreadable) as found:
        conversion.run(found.dialogues, target, outcome)
    result = {
        "written": str(target),
        "conversations": outcome.written,
        "from": found.form.name,
        "to": named,
        "rows": outcome.rows,
        "beside": outcome.beside,
        "left_behind": dict(outcome.left_behind),
        "mended": dict(outcome.mended),
        "refused": dict(outcome.refused.counts),
        "unreadable": dict(unreadable.counts),
        "examples": {**unreadable.examples, **outcome.refused.examples},
        "note": conversion.form.note,
    }
    kept = {key: value for key, value in result.items() if value not in ({}, [], "")}
    if arguments.json:
        print(json.dumps(kept))
    else:
        _print({key: value for key, value in kept.items() if not isinstance(value, dict)}, as_json=False)
        _counts(f"left behind: {named} cannot hold it", outcome.left_behind)
        _counts("mended", outcome.mended)
        _findings("not written", outcome.refused)
        _findings("not read", unreadable)
    return 1 if arguments.strict and (outcome.refused.counts or unreadable.counts) else 0


def _validate(arguments: Namespace) -> int:
    findings, checker, count, bad = Findings(), Checker(), 0, 0
    with _reading("validate", arguments, findings) as found:
        for place, dialogue in found.dialogues:
            count += 1
            errors = 0
            for problem in checker.check(dialogue):
                findings(place if dialogue.id is None else f"{place} ({dialogue.id})", problem)
                errors += problem.severity == "error"
            bad += errors > 0
    result = {
        "source": str(arguments.source),
        "format": found.form.name,
        "conversations": count,
        "unfit": bad,
        "errors": findings.errors,
        "warnings": sum(findings.counts.values()) - findings.errors,
    }
    if arguments.json:
        rules = {
            rule: {"count": number, "severity": findings.severity[rule], "examples": findings.examples[rule]}
            for rule, number in findings.counts.most_common()
        }
        print(json.dumps({**result, "rules": rules}))
    else:
        _print(result, as_json=False)
        _findings("findings", findings)
        if findings.errors:
            print(f"repair and drop: agenttuning data convert {arguments.source} TARGET --fix --drop")
    return 1 if arguments.strict and findings.errors else 0


def _stats(arguments: Namespace) -> int:
    unreadable, statistics = Findings(), Statistics(_counter(arguments.tokenizer))
    with _reading("stats", arguments, unreadable) as found:
        for _, dialogue in found.dialogues:
            statistics.add(dialogue)
    rows = {name: figures.row() for name, figures in sorted(statistics.environments.items())}
    total = statistics.total.row()
    if arguments.json:
        result = {"source": str(arguments.source), "format": found.form.name, **total, "environments": rows}
        print(json.dumps(result | ({"unreadable": dict(unreadable.counts)} if unreadable.counts else {})))
        return 0
    table = Table("environment", *(key.replace("_", " ") for key in total))
    for name, row in [*rows.items(), ("total", total)]:
        table.add_row(name, *(_figure(row.get(key)) for key in total))
    Console().print(table)
    _findings("not read", unreadable)
    return 1 if arguments.strict and unreadable.counts else 0


def _formats(arguments: Namespace) -> int:
    rows = {name: {"about": form.about, "written": list(form.suffixes)} for name, form in FORMATS.items()}
    if arguments.json:
        print(json.dumps(rows))
        return 0
    table = Table("name", "what", "written to")
    for name, form in FORMATS.items():
        table.add_row(name, form.about, " ".join(form.suffixes) or "read only")
    Console().print(table)
    return 0


@contextmanager
def _reading(label: str, arguments: Namespace, unreadable: Findings) -> Iterator[Source]:
    """Open the source and show how many of its megabytes are read."""
    sizes = [path.stat().st_size for path in source_files(arguments.source) if path.is_file()]
    with progress(f"{label}, MB", max(sum(sizes) // _MEGABYTE, 1)) as advance:
        waiting = 0

        def seen(size: int) -> None:
            nonlocal waiting
            waiting += size
            if waiting >= _MEGABYTE:
                advance(steps=waiting // _MEGABYTE)
                waiting %= _MEGABYTE

        found = open_source(arguments.source, named=arguments.format, report=unreadable, seen=seen)
        if arguments.format is None:
            sys.stderr.write(f"{arguments.source} is read as {found.form.name}\n")
        yield found


def _counter(tokenizer: str | None) -> Callable[[str], int] | None:
    if tokenizer is None:
        return None
    from agenttuning.models.chat_template import plain_encoder
    from agenttuning.models.load import load_tokenizer, resolve_model

    encoder = plain_encoder(load_tokenizer(resolve_model(tokenizer)))
    return lambda text: len(encoder.encode(text, add_special_tokens=False).ids)


def _counts(title: str, counts: Mapping[str, int]) -> None:
    if counts:
        print(f"{title}:")
        table = Table("what", "count")
        for what, count in counts.items():
            table.add_row(what, f"{count:,}")
        Console().print(table)


def _findings(title: str, findings: Findings) -> None:
    if not findings.counts:
        return
    print(f"{title}:")
    table = Table("rule", "", "count", "for example")
    for rule, count in findings.counts.most_common():
        table.add_row(rule, findings.severity[rule], f"{count:,}", findings.examples[rule][0])
    Console().print(table)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def _print(result: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result))
        return
    for key, value in result.items():
        print(f"{key.replace('_', ' ')}: {', '.join(map(str, value)) if isinstance(value, list) else value}")

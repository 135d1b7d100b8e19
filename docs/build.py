"""Write the pages that are made from the code: one per stage, the environments, the errors.

python docs/build.py            write them
python docs/build.py --check    exit with 1 when a page is not what the code says
"""

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from agenttuning import errors
from agenttuning.environments import environment_ids, load_environment
from agenttuning.pipeline import STAGES
from agenttuning.policies import config
from agenttuning.recipe import Recipe

DOCS = Path(__file__).parent
NOTE = "<!-- made by docs/build.py from the code; edit the docstrings -->\n"


def main() -> int:
    """Write or check all pages."""
    stale = []
    for path, text in pages():
        if "--check" in sys.argv:
            stale += [path] if not path.exists() or path.read_text() != text else []
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    for path in (*stale, *broken_links()):
        print(path, file=sys.stderr)
    return 1 if stale or any(broken_links()) else 0


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every made page."""
    for number, stage in enumerate(STAGES, start=1):
        yield DOCS / "stages" / f"{number}-{stage}.md", stage_page(number, stage)
    yield DOCS / "environments.md", environments_page()
    yield DOCS / "policies.md", policies_page()
    drawn = inspect.getdoc(errors) or ""
    yield DOCS / "errors.md", f"{NOTE}# Errors\n\n```text\n{drawn}\n```\n"


def stage_page(number: int, stage: str) -> str:
    """Return the page of a stage: what it does, and every key of its section."""
    module = importlib.import_module(f"agenttuning.pipeline.{stage}")
    field = next(field for name, field in Recipe.model_fields.items() if (field.alias or name) == stage)
    assert isinstance(field.annotation, type)
    assert issubclass(field.annotation, BaseModel)
    rows = "\n".join(keys(field.annotation, stage))
    before = f"[{STAGES[number - 2]}]({number - 1}-{STAGES[number - 2]}.md) <- " if number > 1 else ""
    after = f" -> [{STAGES[number]}]({number + 1}-{STAGES[number]}.md)" if number < len(STAGES) else ""
    told = inspect.getdoc(module) or ""
    command = f"    agenttuning {stage} RECIPE [{stage}.key=value ...] [--resume]"
    table = f"## Keys of `[{stage}]`\n\n| key | default | meaning |\n| --- | --- | --- |\n{rows}\n"
    return f"{NOTE}# {stage}\n\n{before}stage {number}{after}\n\n{told}\n\n{command}\n\n{table}"


def keys(record: type[BaseModel], prefix: str) -> Iterator[str]:
    """Yield a table row per key, nested records included."""
    for name, field in record.model_fields.items():
        key = f"{prefix}.{name}"
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel) and inner is not record:
            yield from keys(inner, key)
            continue
        nested = [part for part in get_args(inner) if isinstance(part, type) and issubclass(part, BaseModel)]
        default = "required" if field.default is PydanticUndefined else f"`{field.default!r}`"
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        yield f"| `{key}` | {default.replace('|', chr(92) + '|')} | {meaning} |"
        if len(nested) == 1 and len(get_args(inner)) == 2 and field.default is None:
            yield from keys(nested[0], key)


def environments_page() -> str:
    """Return the page of the worlds, made of their docstrings."""
    own = "To write your own: `agenttuning new my_world`, then [CONTRIBUTING](../CONTRIBUTING.md)."
    parts = [f"{NOTE}# Environments\n\n{own}\n"]
    for name in environment_ids():
        kind = load_environment(name)
        told = inspect.getdoc(sys.modules[kind.__module__]) or ""
        sizes = ", ".join(f"{split} {size:,}" for split, size in kind.splits().items())
        rows = "\n".join(keys(kind.config_type, name))
        facts = f"{kind.group.replace('_', '-')}, version {kind.version}, at most {kind.max_turns} turns; {sizes}"
        table = f"| key | default | meaning |\n| --- | --- | --- |\n{rows}\n"
        parts.append(f"## {name}\n\n{facts}\n\n```text\n{told}\n```\n\n{table}")
    return "\n".join(parts)


def policies_page() -> str:
    """Return the page of the policies: every kind, and every key of it."""
    parts = [f"{NOTE}# Policies\n\n```text\n{inspect.getdoc(config)}\n```\n"]
    for kind in get_args(get_args(config.PolicyConfig)[0]):
        name = kind.model_fields["kind"].default
        rows = "\n".join(row for row in keys(kind, "") if "`.kind`" not in row).replace("| `.", "| `")
        table = f"\n| key | default | meaning |\n| --- | --- | --- |\n{rows}\n" if rows else ""
        parts.append(f"## {name}\n\n{inspect.getdoc(kind)}\n{table}")
    return "\n".join(parts)


def broken_links() -> Iterator[str]:
    """Yield the relative links of all Markdown files that lead nowhere."""
    root = DOCS.parent
    for page in (*root.glob("*.md"), *DOCS.rglob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                yield f"{page.relative_to(root)}: no such file {target!r}"


if __name__ == "__main__":
    raise SystemExit(main())

"""The benchmark's vocabulary: `fb_roles`, `reverse_properties` and `vocab.json`, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from agenttuning.environments.worlds.graph.ontology import Ontology
from agenttuning.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from agenttuning.environments.worlds.graph.queries import Parity

_MEASURES: Final = frozenset({"type.int", "type.float", "type.datetime"})
_VALUES: Final = frozenset({"type.text", "type.rawstring", "type.boolean", "type.uri", "type.enumeration"})
_UNLISTED: Final = frozenset({"topic_server.population_number"})
"""An attribute of 26 gold chains that no table of the benchmark lists."""


class _Vocabulary(BaseModel):
    relations: frozenset[str]
    attributes: frozenset[str]


def find_ontology(path: Path) -> Path:
    """Return the folder with the tables, for a folder or file of questions.

    Raises:
        DataError: there is none.
    """
    folder = (path.parent if path.is_file() else path) / "ontology"
    if not folder.is_dir():
        raise DataError(f"no folder {str(folder)!r}; copy AgentBench's src/server/tasks/knowledgegraph/ontology there")
    return folder


def read_ontology(folder: Path, *, parity: Parity) -> Ontology:
    """Return what the tools show.

    `strict` takes the published vocabulary alone. `repaired` adds what the tables know beside it: relations of
    `fb_roles`, relations of which only the inverse is known, and an attribute that gold chains use.

    Raises:
        DataError: a table is missing or of another format.
    """
    return _ontology(folder, parity)


def read_domains(folder: Path) -> dict[str, str]:
    """Return property -> type of what it belongs to.

    Raises:
        DataError: the table is missing or of another format.
    """
    return {relation: domain for relation, (domain, _) in _roles(folder).items()}


def attribute_type(folder: Path, attribute: str) -> str:
    """Return what values an attribute has: `type.int`, `type.float` or `type.datetime`."""
    found = _roles(folder).get(attribute, ("", "type.int"))[1]
    return found if found in _MEASURES else "type.int"


@lru_cache(maxsize=4)
def _ontology(folder: Path, parity: Parity) -> Ontology:
    roles = _roles(folder)
    ranges = {relation: range_ for relation, (_, range_) in roles.items()}
    try:
        vocabulary = _Vocabulary.model_validate_json(_text(folder, "vocab.json"))
    except ValidationError as error:
        raise DataError(f"{folder}/vocab.json has not AgentBench's format: {error.errors()[0]['msg']}") from error
    if parity == "strict":
        return Ontology(vocabulary.relations, vocabulary.attributes, ranges)
    for line in _text(folder, "reverse_properties").splitlines():
        relation, _, inverse = line.partition("\t")
        for known, other in ((relation, inverse), (inverse, relation)):
            if known in roles and other:
                ranges.setdefault(other, roles[known][0])
    things = {relation for relation, range_ in ranges.items() if range_ not in _MEASURES | _VALUES}
    return Ontology(vocabulary.relations | things, vocabulary.attributes | _UNLISTED, ranges)


@lru_cache(maxsize=4)
def _roles(folder: Path) -> dict[str, tuple[str, str]]:
    roles = {}
    for line in _text(folder, "fb_roles").splitlines():
        fields = line.split()
        if len(fields) < 3:
            raise DataError(f"{folder}/fb_roles has not AgentBench's format: {line!r} is no `domain relation range`")
        roles[fields[1]] = (fields[0], fields[2])
    return roles


def _text(folder: Path, name: str) -> str:
    try:
        if (folder / name).is_file():
            return (folder / name).read_text("utf-8")
        return gzip.decompress((folder / f"{name}.gz").read_bytes()).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise DataError(f"{folder}/{name} (or {name}.gz) cannot be read: {error}; fetch it again") from error

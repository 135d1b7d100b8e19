"""Triples in short form, and their writing as N-Triples and SPARQL terms.

A triple is (subject, property, object) of strings. An object that starts with a quotation mark is a literal in
N-Triples' form; everything else is a name inside Freebase's namespace, such as `m.0f8l9c` or `people.person.parents`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from agenttuning.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

Triple = tuple[str, str, str]
NAMESPACE: Final = "http://rdf.freebase.com/ns/"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_FORBIDDEN: Final = re.compile(r'[\x00-\x20<>"{}|^`\\]')
"""What the grammar of SPARQL keeps out of an `<iri>`: nothing else can end it."""
_ID: Final = re.compile(r"[a-z]\w*\.[\w.]+")
_LITERAL: Final = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"(?:@(?P<language>[\w-]+)|\^\^<(?P<kind>[^>]*)>)?')


def iri(name: str) -> str:
    """Return the full `<IRI>` of a name.

    Raises:
        DataError: the name holds a character that could end the IRI.
    """
    if not name or _FORBIDDEN.search(name):
        raise DataError(f"{name!r} cannot be a name in a graph; correct the data")
    return f"<{NAMESPACE}{name}>"


def number(value: float) -> str:
    """Return a number as an integer or decimal literal."""
    return f'"{value}"^^<{_XSD}{"integer" if isinstance(value, int) else "decimal"}>'


def date(value: str) -> str:
    """Return `YYYY-MM-DD` as a date literal."""
    return f'"{value}"^^<{_XSD}date>'


def text_term(value: str) -> str:
    """Return a value as an object: the name of a thing where it is an id, else a text literal."""
    return value if _ID.fullmatch(value) else json.dumps(value, ensure_ascii=False)


def term(value: str) -> str:
    """Return an object as N-Triples and SPARQL write it."""
    return value if value.startswith('"') else iri(value)


def ntriples(triples: Iterable[Triple]) -> str:
    """Return the text of an N-Triples file."""
    return "".join(f"{iri(subject)} {iri(relation)} {term(value)} .\n" for subject, relation, value in triples)


def literal_text(value: str) -> str:
    """Return what a literal says, without type and language."""
    found = _LITERAL.fullmatch(value)
    return found["text"] if found else value


def plain(value: str) -> str:
    """Return a value as the benchmark compares it: no namespace, and no time zone after a date."""
    return value.replace(NAMESPACE, "").replace("-08:00", "")

"""Keys, tokens and addresses that should not be learned; a fixed word is looked for before the pattern."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agenttuning.datasets.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRETS: Final[dict[str, re.Pattern[str]]] = {
    "PRIVATE KEY-----": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "AKIA": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "sk-": re.compile(r"\bsk-(?:[a-z]+-)*[A-Za-z0-9_-]{32,}"),
    "ghp_": re.compile(r"\bghp_[A-Za-z0-9]{36}\b"),
    "gho_": re.compile(r"\bgho_[A-Za-z0-9]{36}\b"),
    "ghs_": re.compile(r"\bghs_[A-Za-z0-9]{36}\b"),
    "github_pat_": re.compile(r"\bgithub_pat_[A-Za-z0-9_]{40,}\b"),
    "hf_": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "xox": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{20,}"),
    "AIza": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "eyJ": re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
}
"""Word that every match has -> pattern."""
_EMAIL: Final = re.compile(r"[A-Za-z0-9_.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b")
_EXAMPLES: Final = re.compile(
    r"@(?:[\w.-]+\.)?(?:example\.(?:com|org|net)|(?:test|invalid|localhost|example))$", re.IGNORECASE
)


def secrets(text: str, where: str) -> Iterator[Problem]:
    """Yield the secrets of a text; their values are not repeated."""
    for word, pattern in SECRETS.items():
        if word in text:
            found = pattern.search(text)
            if found:
                value = f"{found[0][:6]}... ({len(found[0])} characters)"
                yield Problem("secret", where, value, "--fix replaces it; revoke it if it is real")
    if "@" in text:
        found = next((one for one in _EMAIL.finditer(text) if not _EXAMPLES.search(one[0])), None)
        if found:
            value = f"{found[0][:2]}...@{found[0].rpartition('@')[2]}"
            yield Problem("email", where, value, "make sure that it may be learned", "warning")


def redacted(text: str) -> str:
    """Return the text with its secrets replaced."""
    for word, pattern in SECRETS.items():
        if word in text:
            text = pattern.sub("[SECRET]", text)
    return text

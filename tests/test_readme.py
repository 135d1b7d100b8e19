"""The Chinese README says what the English one says: the same commands, worlds, links and numbers."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGLISH, CHINESE = ((ROOT / name).read_text() for name in ("README.md", "README.zh-CN.md"))


def section(text: str, number: int) -> str:
    return text.split("\n## ")[number]


def commands(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.startswith(("    make ", "    agenttuning "))]
    return [line.split(" #")[0].strip() for line in lines]


def rows(text: str) -> list[list[str]]:
    """Return the rows that name a world: its id and the numbers beside it."""
    found = re.findall(r"^\| `([a-z_0-9]+)` \|(.*)$", text, re.MULTILINE)
    return [[world, *re.findall(r"\d+", re.sub(r"\w*Web\w*|Llama-2", "", rest))] for world, rest in found]


def test_the_commands_are_the_same() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    assert len(commands(ENGLISH)) > 10


def test_the_results_are_the_same_to_the_letter() -> None:
    def table(text: str) -> list[str]:
        return [line for line in section(text, 2).splitlines() if line.startswith("|")]

    assert table(CHINESE) == table(ENGLISH)
    assert len(table(ENGLISH)) == 9, "six worlds and chat"


def test_the_worlds_and_their_numbers_are_the_same() -> None:
    assert rows(section(CHINESE, 3)) == rows(section(ENGLISH, 3))
    assert len(rows(section(ENGLISH, 3))) == 12


def test_every_link_leads_somewhere() -> None:
    for text in (ENGLISH, CHINESE):
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (ROOT / target).exists(), target
    assert "(README.zh-CN.md)" in ENGLISH
    assert "(README.md)" in CHINESE

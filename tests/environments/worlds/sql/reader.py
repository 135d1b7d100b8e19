"""A slow second reading of the generated questions: their answers and changes found in words and rows, without SQL."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from agenttuning.environments.worlds.sql.question import Question
    from agenttuning.environments.worlds.sql.table import Table

Row = tuple[str, ...]


class Reader:
    """Reads one question about one table."""

    def __init__(self, table: Table) -> None:
        self.columns = table.columns
        self.rows: list[Row] = [tuple(cell or "" for cell in row) for row in table.rows]
        self.names = "|".join(re.escape(name) for name in sorted(self.columns, key=len, reverse=True))
        self.keys = "|".join(re.escape(row[0]) for row in sorted(self.rows, key=lambda row: -len(row[0])))

    def cell(self, row: Row, column: str) -> str:
        return row[self.columns.index(column)]

    def values(self, column: str, rows: Iterable[Row] | None = None) -> list[float]:
        return [float(self.cell(row, column)) for row in (self.rows if rows is None else rows)]

    def met(self, row: Row, condition: str) -> bool:
        """Tell whether a row meets `a is x and b is greater than 3`."""
        parts = re.split(rf" and (?=(?:{self.names}) is )", condition)
        return all(self._met(row, part) for part in parts)

    def _met(self, row: Row, part: str) -> bool:
        found = re.fullmatch(rf"({self.names}) is (?:(greater than|less than|at least) )?(.*)", part)
        assert found, part
        cell = self.cell(row, found[1])
        if found[2] is None:
            return cell == found[3]
        value, limit = float(cell), float(found[3])
        return {"greater than": value > limit, "less than": value < limit, "at least": value >= limit}[found[2]]

    def where(self, condition: str) -> list[Row]:
        return [row for row in self.rows if self.met(row, condition)]

    def ranked(self, column: str, word: str, rows: list[Row] | None = None) -> str:
        ordered = sorted(self.rows if rows is None else rows, key=lambda row: float(self.cell(row, column)))
        place = {"highest": -1, "lowest": 0, "second highest": -2, "third lowest": 2, "higher": -1, "lower": 0}[word]
        return ordered[place][0]

    def pairs(self, told: str) -> dict[str, str]:
        """Read `a x, b y and c z`."""
        parts = re.split(rf"(?:, | and )(?=(?:{self.names}) )", told)
        found = [re.fullmatch(rf"({self.names}) (.*)", part) for part in parts]
        return {pair[1]: pair[2] for pair in found if pair}

    def settings(self, told: str) -> dict[str, str]:
        """Read `a to x and b to y`."""
        parts = re.split(rf" and (?=(?:{self.names}) to )", told)
        found = [re.fullmatch(rf"({self.names}) to (.*)", part) for part in parts]
        return {pair[1]: pair[2] for pair in found if pair}

    def changed(self, rows: list[Row], settings: dict[str, str]) -> list[Row]:
        new = [tuple(settings.get(name, self.cell(row, name)) for name in self.columns) for row in rows]
        return [new[rows.index(row)] if row in rows else row for row in self.rows]


def expected(question: Question, *, used: set[str]) -> list[str] | list[Row]:
    """Return the sorted answers of a question, or the sorted rows that a change leaves; note the rule in `used`."""
    reader = Reader(question.table)
    text = question.text.replace(" Round to two decimals.", "").replace(" Round to one decimal.", "")
    for pattern, answer in RULES:
        if not text.startswith(opening(pattern)):
            continue
        found = re.fullmatch(pattern.replace("COLUMN", reader.names).replace("KEY", reader.keys), text)
        if found:
            used.add(pattern)
            given = answer(reader, found)
            if question.answer is None:
                assert isinstance(given, list)
                return sorted(given)
            return sorted(map(_printed, given if isinstance(given, list) else [given]))
    raise AssertionError(f"no rule reads {question.text!r}")


def opening(pattern: str) -> str:
    """Return the plain words that a pattern begins with."""
    return re.split(r"[^A-Za-z ]", pattern)[0]


def _printed(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else repr(round(value, 6))
    return str(value)


def _lookup(reader: Reader, found: re.Match[str]) -> object:
    return reader.cell(next(row for row in reader.rows if row[0] == found["key"]), found["column"])


def _keys(reader: Reader, found: re.Match[str]) -> object:
    return [row[0] for row in reader.where(found["where"])]


def _count(reader: Reader, found: re.Match[str]) -> object:
    return len(reader.where(found["where"]))


def _aggregate(reader: Reader, found: re.Match[str]) -> object:
    rows = reader.where(found["where"]) if found["where"] else reader.rows
    values = reader.values(found["column"], rows)
    if found["word"] == "average":
        return round(sum(values) / len(values), 2)
    return {"lowest": min(values), "highest": max(values), "total": round(sum(values), 1)}[found["word"]]


def _compared(reader: Reader, found: re.Match[str]) -> object:
    rows = [row for row in reader.rows if row[0] in (found["key"], found["other"])]
    return reader.ranked(found["column"], found["word"], rows)


def _groups(reader: Reader, found: re.Match[str]) -> object:
    counts = Counter(reader.cell(row, found["column"]) for row in reader.rows)
    return [value for value, count in counts.items() if count >= int(found["least"])]


def _most_common(reader: Reader, found: re.Match[str]) -> object:
    counts = Counter(reader.cell(row, found["column"]) for row in reader.rows)
    return [value for value, count in counts.items() if count == max(counts.values())]


def _insert(reader: Reader, found: re.Match[str]) -> object:
    pairs = reader.pairs(found["pairs"])
    key = found.groupdict().get("new")
    return [*reader.rows, tuple(pairs[name] if name in pairs else str(key) for name in reader.columns)]


def _insert_two(reader: Reader, found: re.Match[str]) -> object:
    rest = reader.pairs(found["pairs"])
    return [*reader.rows, *((name, *(rest[column] for column in reader.columns[1:])) for name in found.group(1, 2))]


def _set_one(reader: Reader, found: re.Match[str]) -> object:
    return reader.changed([row for row in reader.rows if row[0] == found["key"]], reader.settings(found["told"]))


def _set_many(reader: Reader, found: re.Match[str]) -> object:
    return reader.changed(reader.where(found["where"]), {found["column"]: found["value"]})


def _raise(reader: Reader, found: re.Match[str]) -> object:
    place, kept = reader.columns.index(found["column"]), reader.where(found["where"])
    return [
        (*row[:place], str(int(row[place]) + int(found["amount"])), *row[place + 1 :]) if row in kept else row
        for row in reader.rows
    ]


def _delete(reader: Reader, found: re.Match[str]) -> object:
    return [row for row in reader.rows if not reader.met(row, found["where"])]


def _delete_value(reader: Reader, found: re.Match[str]) -> object:
    return [row for row in reader.rows if reader.cell(row, found["column"]) != found["value"]]


def _delete_last(reader: Reader, found: re.Match[str]) -> object:
    return [row for row in reader.rows if row[0] != reader.ranked(found["column"], "lowest")]


C, K = r"(?P<column>COLUMN)", r"(?P<key>KEY)"
W = r"(?P<where>(?:COLUMN) is .*)"
RANK = r"(?P<word>second highest|third lowest|highest|lowest)"
TOTAL = "(?P<word>lowest|highest|total|average)"
RULES: tuple[tuple[str, Callable[[Reader, re.Match[str]], object]], ...] = (
    (rf"(?:What is|Tell me) the {C} of {K}[?.]", _lookup),
    (r"Which \w+ has (?P<column>COLUMN) (?P<value>\d+)\?", lambda reader, found: next(
        row[0] for row in reader.rows if reader.cell(row, found["column"]) == found["value"])),
    (rf"(?:How many rows have|Count the rows with) {C} (?P<word>above|below) (?P<limit>\d+)[?.]", lambda reader, found:
        sum((value > int(found["limit"])) if found["word"] == "above" else value < int(found["limit"])
            for value in reader.values(found["column"]))),
    (rf"(?:How many rows have|Count the rows with) {C} (?P<value>\w+)[?.]", lambda reader, found: sum(
        reader.cell(row, found["column"]) == found["value"] for row in reader.rows)),
    (r"(?:Add a row:|Insert) (?P<pairs>(?:COLUMN) .*)\.", _insert),
    (rf"(?:Set|Change) the {C} of {K} to (?P<value>\w+)\.", lambda reader, found: reader.changed(
        [row for row in reader.rows if row[0] == found["key"]], {found["column"]: found["value"]})),
    (rf"(?:Delete the|Remove all) rows with {C} (?P<value>\w+)\.", _delete_value),
    (rf"For the .* {K}, what does the column {C} say\?", _lookup),
    (rf"I need the {C} of the .* called {K}\.", _lookup),
    (rf"Which {C} belongs to {K}\?", _lookup),
    (rf"Look up {K} and tell me its {C}\.", _lookup),
    (rf"Which .* has this property: {W}\? Give every match from .*\.", _keys),
    (rf"List the (?:COLUMN) of each .*? where {W}\.", _keys),
    (rf"Name all entries of (?:COLUMN) for which {W}\.", _keys),
    (rf"Find every .*? where {W}; answer with (?:COLUMN)\.", _keys),
    (rf"Which has the (?P<word>higher|lower) {C}: {K} or (?P<other>KEY)\?", _compared),
    (rf"Compare {K} with (?P<other>KEY)\. Whose {C} is (?P<word>higher|lower)\?", _compared),
    (rf"Between {K} and (?P<other>KEY), name the one with the (?P<word>higher|lower) {C}\.", _compared),
    (rf"How many rows are there where {W}\?", _count),
    (rf"Count the entries for which {W}\.", _count),
    (rf"For how many a .*? holds that {W}\?", _count),
    (rf"What number of rows satisfies: {W}\?", _count),
    (rf"(?:How many different values does|Count the distinct entries of|How many kinds of) {C}.*", lambda reader, found:
        len({reader.cell(row, found["column"]) for row in reader.rows})),
    (rf"Among the rows where {W}, which .* has the highest {C}\?", lambda reader, found: reader.ranked(
        found["column"], "highest", reader.where(found["where"]))),
    (rf"Which .* has the {RANK} {C}\?", lambda reader, found: reader.ranked(found["column"], found["word"])),
    (rf"Rank the table by {C}: what is the .* with the {RANK} value\?", lambda reader, found: reader.ranked(
        found["column"], found["word"])),
    (rf"Name the .* whose {C} is the {RANK}\.", lambda reader, found: reader.ranked(found["column"], found["word"])),
    (rf"Give the .* of the row with the {RANK} {C}\.", lambda reader, found: reader.ranked(
        found["column"], found["word"])),
    (rf"(?:What is|Work out|Tell me) the {TOTAL} (?:of )?{C}(?:, counting only rows where {W})?[?.]", _aggregate),
    (rf"(?:Which|What is the most frequent value of) {C}(?: occurs most often)?\?", _most_common),
    (rf"Which values of {C} stand in at least (?P<least>\d+) rows\?", _groups),
    (rf"In how many rows is {C} above the average of the column\?", lambda reader, found: sum(
        value * len(reader.rows) > sum(reader.values(found["column"])) for value in reader.values(found["column"]))),
    (rf"By how much does the {C} of {K} exceed that of (?P<other>KEY)\?", lambda reader, found: int(
        _lookup(reader, found)) - int(next(
            reader.cell(row, found["column"]) for row in reader.rows if row[0] == found["other"]))),
    (r"Which entries of (?:COLUMN) begin with (?P<start>.*)\?", lambda reader, found: [
        row[0] for row in reader.rows if row[0][: len(found["start"])] == found["start"]]),
    (rf"How many rows have a {C} other than (?P<one>.*) and (?P<two>.*)\?", lambda reader, found: sum(
        reader.cell(row, found["column"]) not in found.group("one", "two") for row in reader.rows)),
    (r"Add a .*? to the table .*?: (?P<pairs>(?:COLUMN) .*)\.", _insert),
    (r"A new .*? is to be entered with (?P<pairs>(?:COLUMN) .*)\.", _insert),
    (r"Insert one row with (?P<pairs>(?:COLUMN) .*)\.", _insert),
    (r"Please record this .*? in .*?: (?P<pairs>(?:COLUMN) .*)\.", _insert),
    (r"Enter two rows, (.*) and (.*) as (?:COLUMN), both with (?P<pairs>.*)\.", _insert_two),
    (r"The (?P<subject>[a-z ]+) (?P<new>.*) is missing\. Enter it with (?P<pairs>(?:COLUMN) .*)\.", _insert),
    (rf"Set (?P<told>.*) for {K}\.", _set_one),
    (rf"Change (?P<told>.*) in the row of the .*? {K}\.", _set_one),
    (rf"The entry of {K} is wrong: correct (?P<told>.*)\.", _set_one),
    (rf"In .*, update (?P<told>.*) where (?:COLUMN) is {K}\.", _set_one),
    (rf"Set {C} to (?P<value>.*) wherever {W}\.", _set_many),
    (rf"For all rows in which {W}, change {C} to (?P<value>.*)\.", _set_many),
    (rf"Every .*? where {W} gets (?P<value>.*) as {C}\.", _set_many),
    (rf"Raise {C} by (?P<amount>\d+) in every row where {W}\.", _raise),
    (rf"Delete the .* with the lowest {C}\.", _delete_last),
    (rf"Delete every row where {W}\.", _delete),
    (rf"Remove each .*? where {W}\.", _delete),
    (rf"Take out of .* all entries for which {W}\.", _delete),
    (rf"Rows where {W} are no longer needed; delete them\.", _delete),
)  # fmt: skip

"""Small text-to-SQL corpora in the layouts of BIRD, Spider and WikiSQL."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TOWNS = [(1, "Lowen", "North"), (2, "Marsk", "South"), (3, "Tal Bay", "South")]
PUPILS = [
    (number, name, 9 + number % 5, 1 + number % 3, None if number == 7 else 60 + number * 1.5)
    for number, name in enumerate(("Ada", "Bo", "Cleo", "Dov", "Eli", "Fay", "Gus", "Hal", "Ivy", "Jo"), start=1)
]


def make_school(path: Path, *, copies: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE town (id INTEGER PRIMARY KEY, name TEXT, region TEXT)")
    connection.execute("CREATE TABLE pupil (id INTEGER, `full name` TEXT, age INTEGER, town_id INTEGER, score REAL)")
    connection.execute("CREATE TABLE photo (id INTEGER, data BLOB)")
    connection.execute("INSERT INTO photo VALUES (1, x'00ff')")
    connection.executemany("INSERT INTO town VALUES (?, ?, ?)", TOWNS)
    for copy in range(copies):
        rows = [(number + 100 * copy, f"{name}{copy or ''}", *rest) for number, name, *rest in PUPILS]
        connection.executemany("INSERT INTO pupil VALUES (?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def bird(folder: Path, questions: Iterable[tuple[str, str] | dict[str, object]], *, copies: int = 1) -> Path:
    """Write `dev.json` and `dev_databases/school/school.sqlite`; return the questions file."""
    make_school(folder / "dev_databases" / "school" / "school.sqlite", copies=copies)
    rows = [
        question
        if isinstance(question, dict)
        else {
            "question_id": number,
            "db_id": "school",
            "question": question[0],
            "evidence": "score is in points" if "score" in question[0] else "",
            "SQL": question[1],
            "difficulty": "simple",
        }
        for number, question in enumerate(questions)
    ]
    file = folder / "dev.json"
    file.write_text(json.dumps(rows))
    return file


def spider(folder: Path, questions: Iterable[tuple[str, str]]) -> Path:
    """Write `train_spider.json` and `database/school/school.sqlite`; return the questions file."""
    make_school(folder / "database" / "school" / "school.sqlite")
    rows = [{"db_id": "school", "question": text, "query": sql, "query_toks": []} for text, sql in questions]
    file = folder / "train_spider.json"
    file.write_text(json.dumps(rows))
    return file


def wikisql(
    folder: Path, sketches: Iterable[tuple[str, int, int, list[list[object]]]], *, as_file: bool = False
) -> Path:
    """Write `dev.jsonl` and `dev.tables.jsonl` (or `dev.db`, lower-cased as published); return the questions file."""
    header, kinds = ["Player", "Club", "Goals"], ["text", "text", "real"]
    rows = [["Ana Lima", "Porto", 12], ["Ben Ode", "Lyon", 7], ["Cy Park", "Porto", 3]]
    table = {"id": "1-77-2", "header": header, "types": kinds, "rows": rows, "name": "table_77_2"}
    lines = [
        {
            "phase": 1,
            "table_id": "1-77-2",
            "question": text,
            "sql": {"sel": column, "agg": aggregate, "conds": conditions},
        }
        for text, column, aggregate, conditions in sketches
    ]
    file = folder / "dev.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    if as_file:
        connection = sqlite3.connect(folder / "dev.db")
        connection.execute("CREATE TABLE table_1_77_2 (col0 text, col1 text, col2 real)")
        lowered = [[str(first).lower(), str(second).lower(), goals] for first, second, goals in rows]
        connection.executemany("INSERT INTO table_1_77_2 VALUES (?, ?, ?)", lowered)
        connection.commit()
        connection.close()
    else:
        (folder / "dev.tables.jsonl").write_text(json.dumps(table) + "\n")
    return file

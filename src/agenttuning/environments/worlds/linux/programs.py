"""Our own programs for those that official items name by path: preparations, references and checks.

Each is written from the documented behaviour of the benchmark's program of that name and runs inside the sandbox; the
five comparisons of `comparisons` do not. Unlike the original, `stock-log.sh` writes the same lines in every episode,
and the check of `date-format` tries every pair, not only the first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from agenttuning.environments.worlds.linux.comparisons import ComparisonName

COMPARISONS: Final[dict[str, ComparisonName]] = {
    "check/integer-match.py": "integer",
    "check/string-match.py": "string",
    "check/containing.py": "containing",
    "check/in.py": "in",
    "check/size-match.py": "size",
}
EXPRESSIONS: Final = (
    ("2 * (9 / 3)", 6.0),
    ("2 * 1", 2.0),
    ("1 + 1", 2.0),
    ("7 - 12", -5.0),
    ("10 / 4", 2.5),
    ("(3 + 5) * 2", 16.0),
    ("3 + 5 * 2", 13.0),
    ("100 / (4 + 6) - 3", 7.0),
    ("8 / 2 / 2", 2.0),
    ("20 - 5 - 5", 10.0),
    ("((1 + 2) * (3 + 4)) / 7", 3.0),
    ("1.5 * 4", 6.0),
    ("0.25 + 0.5", 0.75),
    ("6 * (9 / 3) + 7", 25.0),
    ("1 / 8", 0.125),
    ("9 * 9 - 80", 1.0),
    ("(2 - 6) * 3", -12.0),
    ("50 - (20 - (10 - 5))", 35.0),
    ("12 / 5", 2.4),
    ("2 * 3 * 4 * 5", 120.0),
    ("1000 - 999.5", 0.5),
    ("(7)", 7.0),
    ("81 / (3 * 3 * 3)", 3.0),
    ("4 * (2.5 + 1.5)", 16.0),
    ("0 * 15 + 3", 3.0),
    ("(1 + 2 + 3 + 4) / 4", 2.5),
    ("99 + 1 / 4", 99.25),
    ("5 * (6 - (7 - 8))", 35.0),
    ("2 / 16 * 8", 1.0),
    ("(10 - 4) / (1 + 2)", 2.0),
)
"""Arithmetic for `calc` and what it comes to."""
_DEV_EXPRESSIONS: Final = 14
_DATES: Final = (
    ("2023-5-1", "%Y-%m"),
    ("2023-5-1", "%Y/%m/%d"),
    ("2020-02-29", "%d.%m.%y"),
    ("1999-12-31", "%j"),
    ("2024-11-05 13:07", "%H:%M on %F"),
)
_STOCK_LOG: Final = """\
seed=20230317
draw() { seed=$(( (seed * 1103515245 + 12345) & 2147483647 )); number=$(( (seed >> 8) % $1 )); }
for line in {1..401}; do
    draw 2; [ $number = 0 ] && who=Alice || who=Bob
    draw 2; [ $number = 0 ] && what=Purchase || what=Sell
    draw 100; stock=$number
    draw 1000; echo "$who | $what | $stock | $number"
done >> /usr/stock.log
"""
_NESTED_FOLDERS: Final = """\
place=.
for depth in {1..10}; do
    place=$place/folder$depth
    mkdir -p "$place"
    printf '#!/bin/bash\\necho "I love myself."\\n' > "$place/echo-love"
    [ "$depth" = 5 ] && chmod u+x "$place/echo-love" || chmod a-x "$place/echo-love"
done
"""
_CALC: Final = """\
cat > /usr/local/bin/calc <<'END'
#!/bin/bash
awk "BEGIN { printf \\"%.10g\\\\n\\", $* }"
END
chmod +x /usr/local/bin/calc
"""
_REGULAR_FILES: Final = (
    "find -L \"$1\" -mindepth 1 \\( -name '.*' -o -path '/dev/fd' -o -path '/dev/std*' \\) -prune "
    "-o -type f -print 2>/dev/null | wc -l"
)
"""Links are followed, but what a process happens to have open is no content of `/dev`."""
_COUNT: Final = f"""\
cat > /usr/local/bin/count <<'END'
#!/bin/bash
{_REGULAR_FILES}
END
chmod +x /usr/local/bin/count
"""
_COUNT_CHECK: Final = f"""\
truth() {{ {_REGULAR_FILES}; }}
for folder in /usr/local/bin /root /bin /lib /dev /usr/include; do
    [ "$(count "$folder")" = "$(truth "$folder")" ] || exit 1
done
"""
_DATE_FORMAT: Final = """\
cat > /usr/local/bin/date-format <<'END'
#!/bin/bash
date -d "$1" +"$2"
END
chmod +x /usr/local/bin/date-format
"""
_DATE_CHECK: Final = "\n".join(
    f"[ \"$(date-format '{date}' '{form}')\" = \"$(date -d '{date}' +'{form}')\" ] || exit 1" for date, form in _DATES
)


def _calc_check(count: int) -> str:
    lines = (f"near \"$(calc '{expression}')\" {value} || exit 1" for expression, value in EXPRESSIONS[:count])
    near = 'near() { awk -v a="$1" -v b="$2" \'BEGIN { d = a - b; exit !(a != "" && d < 1e-5 && d > -1e-5) }\'; }'
    return "\n".join((near, *lines))


PROGRAMS: Final = {
    "init/stock-log.sh": _STOCK_LOG,
    "init/nested_folders.sh": _NESTED_FOLDERS,
    "example/0.sh": _CALC,
    "example/1.sh": _COUNT,
    "example/2.sh": _DATE_FORMAT,
    "checking/0.sh": _calc_check(len(EXPRESSIONS)),
    "check/0.sh": _calc_check(_DEV_EXPRESSIONS),
    "checking/1.sh": _COUNT_CHECK,
    "check/1.sh": _COUNT_CHECK,
    "checking/2.sh": _DATE_CHECK,
    "check/2.sh": _DATE_CHECK,
}
"""Bash text by the path that items name."""

"""Tables of text, answered or rewritten by a pipeline of small programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agenttuning.environments.worlds.linux.counting import CLOSING
from agenttuning.environments.worlds.linux.draft import Draft, Move
from agenttuning.environments.worlds.linux.editing import DONE
from agenttuning.environments.worlds.linux.scene import File, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

_REGIONS: Final = ("north", "east", "south", "west", "centre")


@dataclass(frozen=True, slots=True)
class _Sale:
    number: int
    item: str
    region: str
    amount: int

    @property
    def line(self) -> str:
        return f"{self.number},{self.item},{self.region},{self.amount}"


class _Sales:
    """A CSV file of sales with a first line of column names."""

    def __init__(self, scene: Scene) -> None:
        draw = scene.draw
        count = draw.randint(40, 90) if scene.hard else draw.randint(10, 30)
        items = scene.words(6)
        self.sales = [
            _Sale(number, draw.choice(items), draw.choice(_REGIONS), draw.randint(5, 500))
            for number in draw.sample(range(100, 999), count)
        ]
        lines = ("number,item,region,amount", *(sale.line for sale in self.sales))
        self.path = scene.path(scene.add(File(lines), ending=".csv"))

    def head(self, scene: Scene) -> Move:
        """Return the look at the first lines."""
        return Move(
            thought=scene.say(
                "I look at the columns first.",
                "the first lines will show me how the table is built.",
                "let me see the header and two rows.",
            ),
            command=f"head -n 3 {self.path}",
        )


def _sum_of_region(scene: Scene) -> Draft:
    table = _Sales(scene)
    region = scene.draw.choice(_REGIONS)
    expected = sum(sale.amount for sale in table.sales if sale.region == region)
    text = scene.say(
        f"In the CSV file {table.path}, what is the sum of the column amount over the rows of region {region}?",
        f"Add up the amounts of all {region} rows in {table.path} and tell me the total.",
    )
    total = Move(
        thought=scene.say(
            "region is column 3 and amount column 4; awk adds them up.",
            "with commas as separators awk sums column 4 where column 3 fits.",
        ),
        command=f"awk -F, '$3 == \"{region}\" {{sum += $4}} END {{print sum + 0}}' {table.path}",
    )
    return scene.question("pipelines", text, (table.head(scene), total), expected=expected, closing=CLOSING)


def _different_items(scene: Scene) -> Draft:
    table = _Sales(scene)
    region = scene.draw.choice(_REGIONS)
    expected = len({sale.item for sale in table.sales if sale.region == region})
    text = scene.say(
        f"How many different items were sold in region {region}, by {table.path}?",
        f"Count the distinct values of the column item among the {region} rows of {table.path}.",
    )
    count = Move(
        thought=scene.say(
            "I take column 2 of those rows; sort -u keeps each once.",
            "filter by region, keep the item, remove doubles, count.",
        ),
        command=f"awk -F, '$3 == \"{region}\" {{print $2}}' {table.path} | sort -u | wc -l",
    )
    return scene.question("pipelines", text, (table.head(scene), count), expected=expected, closing=CLOSING)


def _most_sold(scene: Scene) -> Draft | None:
    table = _Sales(scene)
    totals: Counter[str] = Counter()
    for sale in table.sales:
        totals[sale.item] += sale.amount
    ranked = totals.most_common()
    if ranked[0][1] == ranked[1][1]:
        return None
    text = scene.say(
        f"Which item has the highest total amount in {table.path}?",
        f"Sum the amounts of {table.path} by item and name the item with the largest sum.",
    )
    ranking = (
        f"tail -n +2 {table.path} | awk -F, '{{sum[$2] += $4}} END {{for (item in sum) print sum[item], item}}' "
        "| sort -rn"
    )
    moves = (
        table.head(scene),
        Move(
            thought=scene.say("awk keeps one sum for each item; I sort the sums.", "group by item, then rank."),
            command=f"{ranking} | head -n 3",
        ),
        Move(
            thought=scene.say("only the name of the first is wanted.", "I print the first item."),
            command=f"{ranking} | head -n 1 | cut -d ' ' -f 2",
        ),
    )
    return scene.question("pipelines", text, moves, expected=ranked[0][0], closing=CLOSING)


def _sorted_list(scene: Scene) -> Draft:
    table = _Sales(scene)
    target = scene.path(f"{scene.name()}.txt")
    text = scene.say(
        f"Write the different items of {table.path} to {target}, one on each line, in alphabetical order.",
        f"Make the file {target} with every item of {table.path} once, sorted, one a line (without the header).",
    )
    moves = (
        table.head(scene),
        Move(
            thought=scene.say(
                "skip the header, take column 2, sort -u.", "tail skips the header; sort -u does the rest."
            ),
            command=f"tail -n +2 {table.path} | cut -d , -f 2 | LC_ALL=C sort -u > {target}",
        ),
        Move(thought=scene.say("I look at the new file.", "a check of the result."), command=f"head -n 3 {target}"),
    )
    return scene.change("pipelines", text, moves, closing=DONE)


def _filter_rows(scene: Scene) -> Draft:
    table = _Sales(scene)
    target, limit = scene.path(f"{scene.name()}.csv"), scene.draw.randint(100, 400)
    text = scene.say(
        f"Copy the header and all rows of {table.path} with an amount above {limit} to {target}, in the same order.",
        f"Make {target} from {table.path}: the header line and only the rows whose amount is greater than {limit}.",
    )
    moves = (
        table.head(scene),
        Move(
            thought=scene.say("NR == 1 is the header, else column 4 decides.", "awk prints line 1 and rows above it."),
            command=f"awk -F, 'NR == 1 || $4 > {limit}' {table.path} > {target}",
        ),
    )
    return scene.change("pipelines", text, moves, closing=DONE)


def _joined(scene: Scene) -> Draft:
    table = _Sales(scene)
    chosen = scene.draw.sample(table.sales, len(table.sales) // 3)
    paid = scene.path(scene.add(File(tuple(str(sale.number) for sale in chosen)), ending=".txt"))
    item = scene.draw.choice(sorted({sale.item for sale in chosen}))
    expected = sum(sale.amount for sale in chosen if sale.item == item)
    text = (
        f"{paid} lists the numbers of paid sales. What is the sum of the amounts in {table.path} of the paid sales "
        f"of the item {item}?"
    )
    moves = (
        table.head(scene),
        Move(
            thought=scene.say("and the list of numbers?", "one number on each line, I suppose; I check."),
            command=f"head -n 2 {paid}",
        ),
        Move(
            thought=scene.say(
                "awk reads the numbers first (NR == FNR), then adds up the rows that it knows.",
                "I remember the paid numbers and sum the fitting rows.",
            ),
            command=f'awk -F, \'NR == FNR {{paid[$1] = 1; next}} $2 == "{item}" && paid[$1] {{sum += $4}} '
            f"END {{print sum + 0}}' {paid} {table.path}",
        ),
    )
    return scene.question("pipelines", text, moves, expected=expected, closing=CLOSING)


def _totals_file(scene: Scene) -> Draft:
    table = _Sales(scene)
    target = scene.path(f"{scene.name()}.csv")
    text = (
        f"Write to {target} one line for each region of {table.path}, in alphabetical order: the region, a comma, and "
        "the sum of its amounts. No header."
    )
    moves = (
        table.head(scene),
        Move(
            thought=scene.say("awk sums by region; sort orders the lines.", "one sum for each region, then sorted."),
            command=f"tail -n +2 {table.path} | "
            "awk -F, '{sum[$3] += $4} END {for (r in sum) print r \",\" sum[r]}' | "
            f"LC_ALL=C sort > {target}",
        ),
        Move(thought=scene.say("I check the file.", "a look at the result."), command=f"cat {target}"),
    )
    return scene.change("pipelines", text, moves, closing=DONE)


STANDARD: Final[tuple[Callable[[Scene], Draft | None], ...]] = (
    _sum_of_region,
    _different_items,
    _sorted_list,
    _filter_rows,
)
HARD: Final[tuple[Callable[[Scene], Draft | None], ...]] = (_most_sold, _joined, _totals_file)
